/**
 * Every door of every role, asked by every kind of caller: the answer is what the operation's row says, and no door is
 * forgotten, because the doors are read from the running applications.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { CallerKind } from "../../src/gate/caller.ts";
import { operations, type OperationName, rowOf } from "../../src/gate/operations.ts";
import { type App, createApp } from "../../src/http/listener.ts";
import { addProbes } from "../../src/http/probes.ts";
import { publicPaths } from "../../src/http/public-paths.ts";
import { createLog } from "../../src/log.ts";
import { addLicenseServerDoors } from "../../src/roles/license-server.ts";
import { oauthPrefix } from "../../src/oidc/endpoints.ts";
import { upgradeStatus } from "../support/dial.ts";
import { TestSite } from "../support/license-server.ts";
import { type Credentials, startRoles, type TestedRole, type TestRoles } from "../support/roles.ts";

const kinds = {
  stranger: "anonymous",
  user: "user",
  cookie: "user",
  device: "device",
  integration: "integration",
  agent: "agent",
  broken: undefined,
  expired: undefined,
  revoked: undefined,
  ended: undefined,
} as const satisfies Record<keyof Credentials, CallerKind | undefined>;
const names = ["stranger", "user", "cookie", "device", "integration", "agent", "broken", "expired", "revoked", "ended"] as const satisfies readonly (keyof Credentials)[];

interface Door {
  readonly method: string;
  readonly path: string;
  /** Undefined for a path of the public list. */
  readonly operation: OperationName | undefined;
}

function operationOf(hooks: unknown): OperationName | undefined {
  const detail: unknown = typeof hooks === "object" && hooks !== null && "detail" in hooks ? hooks.detail : undefined;
  const id: unknown = typeof detail === "object" && detail !== null && "operationId" in detail ? detail.operationId : undefined;
  return Object.keys(operations).filter((name): name is OperationName => Object.hasOwn(operations, name)).find((name) => name === id);
}

function doorsOf(app: Pick<App, "routes">): readonly Door[] {
  return app.routes.map(({ method, path, hooks }) => ({ method, path, operation: operationOf(hooks) }));
}

let site: TestRoles;
let licenseSite: TestSite;
let licenseApp: App;

beforeAll(async () => {
  site = await startRoles();
  licenseSite = await TestSite.start();
  const { services } = licenseSite;
  licenseApp = createApp({ role: "license", services, log: createLog(services.clock, "error", () => {}), authenticate: async () => ({ kind: "anonymous" }) });
  addLicenseServerDoors(licenseApp, licenseSite.server);
  addProbes(licenseApp, { role: "license", notReady: async () => undefined, metrics: () => [] });
});

afterAll(async () => {
  await site.close();
  await licenseSite[Symbol.asyncDispose]();
});

/** Doors that end what the other callers live on: each caller has a site of their own there. */
const last: readonly (OperationName | undefined)[] = ["team.delete"];

const concrete = (path: string) => path.replace(":credential_id", "00000000-0000-7000-8000-00000000000f").replace(/:[a-z_]+/g, "x");

async function lastStatusOf(role: TestedRole, { method, path }: Door, name: keyof Credentials): Promise<number> {
  await using own = await startRoles();
  return (await own.call(concrete(path), { role, method, as: (await own.credentials())[name] })).status;
}

async function statusOf(role: TestedRole, door: Door, shown: Credentials[keyof Credentials]): Promise<number> {
  if (door.method === "WS") return await upgradeStatus(`${site.urls[role]}${door.path}`, shown);
  return (await site.call(concrete(door.path), { role, method: door.method, as: shown })).status;
}

type Verdict = "401" | "403" | "in";

function verdict(status: number): Verdict {
  return status === 401 || status === 403 ? `${status}` : "in";
}

/** Who the caller is to the role: the issuer asks for no credential, nor does a tunnel or a service, and the gateway knows keys alone. */
function kindAt(role: TestedRole, { path }: Door, name: keyof Credentials): CallerKind | undefined {
  if (/^\/(?:tunnel|v1\/services)\//.test(path)) return "anonymous";
  if (role === "issuer" || (role === "gateway" && name === "cookie")) return "anonymous";
  return role === "gateway" && name === "user" ? undefined : kinds[name];
}

/** What the row says. */
function expected(role: TestedRole, door: Door, name: keyof Credentials): Verdict {
  const { operation } = door;
  const kind = kindAt(role, door, name);
  // At userinfo the token is the credential, and a credential of the platform's own is none there.
  if (kind === undefined || operation === "userinfo.read") return "401";
  if (operation === undefined || rowOf(operation).accepts.includes(kind)) return "in";
  return kind === "anonymous" ? "401" : "403";
}

async function walk(role: TestedRole): Promise<{ readonly seen: readonly string[]; readonly wanted: readonly string[] }> {
  const seen: string[] = [];
  const wanted: string[] = [];
  // OAuth's endpoints know credentials of their own (clients, registration tokens), which their own tests show.
  for (const door of doorsOf(site.apps[role]).filter(({ path }) => !path.startsWith(oauthPrefix))) {
    // Fresh ones for each door, because one of the doors ends the session.
    let credentials = await site.credentials();
    for (const name of names) {
      // This one ends the sessions of the others.
      if (door.operation === "session.end_others") credentials = await site.credentials();
      const label = `${door.method} ${door.path} by ${name}`;
      const status = last.includes(door.operation) ? await lastStatusOf(role, door, name) : await statusOf(role, door, credentials[name]);
      seen.push(`${label}: ${verdict(status)}`);
      wanted.push(`${label}: ${expected(role, door, name)}`);
    }
  }
  return { seen, wanted };
}

describe("each door lets in whom its operation accepts, and nobody else", () => {
  test.each([["api"], ["gateway"], ["issuer"]] as const)("%s", async (role) => {
    const { seen, wanted } = await walk(role);
    expect(wanted.length).toBeGreaterThan(30);
    expect(seen).toEqual([...wanted]);
  });
});

test("every door of every role has an operation or stands on the public list, and not both", () => {
  const all = [...Object.values(site.apps), licenseApp].flatMap(doorsOf);
  expect(all.filter(({ path, operation }) => (operation === undefined) !== Object.hasOwn(publicPaths, path))).toEqual([
    // The page of the form is public; what it posts is an operation.
    { method: "POST", path: "/sign-in", operation: "deployment.read" },
  ]);
});

test("nothing stands on the public list that no role serves", () => {
  const served = new Set([...Object.values(site.apps), licenseApp].flatMap(doorsOf).map(({ path }) => path));
  expect(Object.keys(publicPaths).filter((path) => !served.has(path))).toEqual([]);
});

describe("a stranger's body does not matter", () => {
  const bodies: readonly [string, string][] = [
    ["broken", "{broken"],
    ["of another shape", '{"a":[1,2,3]}'],
    ["empty", ""],
    ["nested deeply", "[".repeat(50_000)],
    ["as large as is allowed", `{"a":"${"x".repeat(1_000_000)}"}`],
  ];
  test.each(bodies)("%s", async (_name, json) => {
    for (const { method, path, operation } of doorsOf(site.apps.api)) {
      if (!/POST|PUT|DELETE/.test(method) || operation === undefined || rowOf(operation).accepts.includes("anonymous")) continue;
      const answer = await site.call(concrete(path), { method, json });
      expect([path, answer.status, answer.body["error_code"]]).toEqual([path, 401, "unauthenticated"]);
    }
  });
});

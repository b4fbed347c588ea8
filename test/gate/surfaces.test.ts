/** The table of surfaces and the table of operations agree, and no key opens what changes how somebody gets in. */
import { describe, expect, test } from "bun:test";
import type { CallerKind } from "../../src/gate/caller.ts";
import { query } from "../../src/gate/operation.ts";
import { operations, type OperationName, rowOf } from "../../src/gate/operations.ts";
import { findScope, scopeNames } from "../../src/gate/scopes.ts";
import { type Surface, surfaceOf, surfaceRowOf, surfaces } from "../../src/gate/surfaces.ts";
import { testGate } from "../support/gate.ts";
import { codeOf, refusalOf, strangersTo } from "../support/refusal.ts";

const names = Object.keys(operations).filter((name): name is OperationName => Object.hasOwn(operations, name));
const sorted = (kinds: readonly CallerKind[]) => [...kinds].toSorted();

/** The documented matrix of credentials, written a second time on purpose. */
const documented: Readonly<Partial<Record<Surface, readonly CallerKind[]>>> = {
  management: ["user", "device"],
  runtime: ["user", "device", "integration"],
  per_user: ["user", "device"],
  credentials: ["user"],
  mcp: ["integration"],
  gateway: ["agent"],
};

test.each(Object.entries(documented))("the surface %s is for whom the documentation says", (surface, kinds) => {
  const found = Object.entries(surfaces).find(([name]) => name === surface);
  expect(found?.[1]).toMatchObject({ admits: kinds, isExact: true });
});

test("every operation belongs to a surface that exists, and no surface names another", () => {
  expect(Object.keys(surfaceOf).toSorted()).toEqual(names.toSorted());
  for (const surface of Object.values(surfaceOf)) expect(Object.hasOwn(surfaces, surface)).toBe(true);
});

describe("a row accepts nobody whom its surface does not admit", () => {
  test.each(names)("%s", (name) => {
    const { admits, isExact } = surfaceRowOf(name);
    const { accepts } = rowOf(name);
    expect(accepts.filter((kind) => !admits.includes(kind))).toEqual([]);
    if (isExact === true) expect(sorted(accepts)).toEqual(sorted(admits));
  });
});

test("no surface that changes how somebody gets in admits a key of any kind, and no row on it accepts one", () => {
  const keys: readonly CallerKind[] = ["integration", "agent", "device"];
  const changing = names.filter((name) => surfaceRowOf(name).changesIdentity === true);
  expect(changing.length).toBeGreaterThan(40);
  for (const name of changing) {
    expect([name, keys.filter((kind) => surfaceRowOf(name).admits.includes(kind) || rowOf(name).accepts.includes(kind))]).toEqual([name, []]);
    expect(strangersTo(name).filter(({ caller, code }) => keys.includes(caller.kind) && code === "forbidden")).toHaveLength(3);
  }
});

test("whatever says password, factor, session, credential, client or key stands on a surface that changes identity", () => {
  const telling = /password|factor|session|credential|oidc_client|token|setup|administrator|consent|verification|sign_up|signing_key/;
  // They tell a public key; note a time; and say who one is.
  const harmless: readonly OperationName[] = ["signing_key.list_public"];
  expect(names.filter((name) => telling.test(name) && !harmless.includes(name) && surfaceRowOf(name).changesIdentity !== true)).toEqual([]);
});

describe("scopes", () => {
  test("every operation that integration keys reach needs exactly one, of the closed set; nothing else needs any", () => {
    for (const name of names) {
      const scope = findScope(name);
      // Behind the MCP endpoint each tool is an operation that asks for its own.
      const isForKeys = rowOf(name).accepts.includes("integration") && surfaceOf[name] !== "public" && name !== "mcp.connect";
      expect([name, scope !== undefined && scopeNames.includes(scope)]).toEqual([name, isForKeys]);
    }
  });

  test("a key does what its scopes say; without scopes, all; with none that fits, nothing", async () => {
    await using world = await testGate();
    const list = query("workflow.list_runtime", async () => "in");
    const caller = { kind: "integration", credentialId: "c", teamId: "t" } as const;
    const table = [
      [undefined, undefined],
      [["workflows:read"], undefined],
      [["tasks:read", "workflows:read"], undefined],
      [["workflows:run", "tasks:read", "tasks:cancel", "files:write", "agents:read", "containers:read", "containers:invoke"], "insufficient_scope"],
      [[], "insufficient_scope"],
    ] as const;
    for (const [scopes, code] of table) expect(await codeOf(list(world.gate, { ...caller, scopes }, undefined))).toBe(code);
    const refusal = await refusalOf(list(world.gate, { ...caller, scopes: ["tasks:read"] }, undefined));
    expect(refusal).toMatchObject({ status: 403, details: { scope: "workflows:read", scopes: ["tasks:read"], operation: "workflow.list_runtime" } });
    expect(refusal.message).toContain("workflows:read");
  });

  test("scopes open nothing that the kind of caller may not do", async () => {
    await using world = await testGate();
    const create = query("credential.list", async () => "in");
    for (const scopes of [undefined, [], scopeNames]) expect(await codeOf(create(world.gate, { kind: "integration", credentialId: "c", teamId: "t", scopes }, undefined))).toBe("forbidden");
    const connect = query("agent.connect", async () => "in");
    expect(await codeOf(connect(world.gate, { kind: "integration", credentialId: "c", teamId: "t", scopes: scopeNames }, undefined))).toBe("forbidden");
  });

  test("scopes narrow before the license is asked: a refusal tells nothing of the deployment", async () => {
    await using world = await testGate({ state: "expired" });
    const list = query("workflow.list_runtime", async () => "in");
    expect(await codeOf(list(world.gate, { kind: "integration", credentialId: "c", teamId: "t", scopes: [] }, undefined))).toBe("insufficient_scope");
  });
});

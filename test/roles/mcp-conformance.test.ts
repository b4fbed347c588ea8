/**
 * The official conformance suite against the MCP endpoint, in both eras of the protocol: all that a revision requires of a server, with
 * nothing that is expected to fail. It knows no keys, so a proxy adds one to each of its requests.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { fixtureServers } from "../support/mcp-fixture/server.ts";
import { addKey } from "../support/people.ts";
import { type RolesOptions, startRoles } from "../support/roles.ts";

const suite = join(import.meta.dir, "../../node_modules/@modelcontextprotocol/conformance");
const Requirements = Type.Object({ server: Type.Array(Type.String()) });
const EACH_MS = 120_000;

let disposals = new AsyncDisposableStack();
afterEach(async () => {
  await disposals.disposeAsync();
  disposals = new AsyncDisposableStack();
});

async function serve(options: RolesOptions): Promise<string> {
  const site = await startRoles(options);
  const { rawKey } = await addKey(site.gate, site.people.owner, "integration");
  const proxy = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const headers = new Headers(request.headers);
      headers.set("authorization", `Bearer ${rawKey}`);
      return await fetch(`${site.urls.api}${pathname}${search}`, { method: request.method, headers, body: request.body, signal: request.signal, decompress: false });
    },
  });
  disposals.use(site);
  disposals.defer(() => proxy.stop(true));
  return new URL("/api/v1/mcp", proxy.url).href;
}

interface Check {
  readonly status: string;
  readonly id: string;
  readonly errorMessage?: string;
}

interface Report {
  readonly exitCode: number;
  readonly said: string;
  /** By scenario. */
  readonly checks: ReadonlyMap<string, readonly Check[]>;
}

function readChecks(folder: string): Report["checks"] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("checks.json"));
  return new Map(files.map((name) => [/server-(.+)-\d{4}-\d\d-/.exec(name)?.[1] ?? name, JSON.parse(readFileSync(join(folder, name), "utf8"))]));
}

/** Runs the suite; `what` chooses its scenarios. */
async function judge(url: string, what: readonly string[]): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), "cyberun-conformance-"));
  disposals.defer(() => rmSync(folder, { recursive: true }));
  const noFailures = join(folder, "expected-failures.yaml");
  writeFileSync(noFailures, "server: []\n");
  const results = join(folder, "results");
  const child = Bun.spawn([process.execPath, join(suite, "dist/index.js"), "server", "--url", url, ...what, "--expected-failures", noFailures, "--output-dir", results], { cwd: folder, stdout: "pipe", stderr: "pipe" });
  const [said, errors, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { exitCode, said: `${said}${errors}`, checks: readChecks(results) };
}

const failuresIn = (checks: readonly Check[]) => checks.flatMap(({ status, id, errorMessage }) => (status === "FAILURE" ? `${id}: ${errorMessage}` : []));

/** What the revision requires; extensions and what was added later is run by the suite too, and not counted. */
function requiredBy(revision: string): readonly string[] {
  return Value.Parse(Requirements, Bun.YAML.parse(readFileSync(join(suite, "requirements", `${revision}.yaml`), "utf8"))).server;
}

const hasTimedOut = (checks: readonly Check[]) => checks.some(({ id }) => id === "scenario-timeout");

/**
 * Scenarios that got no answer in time are asked once more, alone: on a machine that is busy with other tests it has happened once in
 * a dozen runs of all of them, and not in sixty of the scenario by itself. What answers wrongly is never asked again.
 */
async function judgeAll(url: string, revision: string): Promise<Report> {
  const first = await judge(url, ["--requirements", revision]);
  const late = [...first.checks].filter(([, checks]) => hasTimedOut(checks)).map(([scenario]) => scenario);
  if (late.length === 0) return first;
  const again = new Map(first.checks);
  let exitCode = 0;
  for (const scenario of late) {
    const alone = await judge(url, ["--scenario", scenario, "--spec-version", revision]);
    exitCode = Math.max(exitCode, alone.exitCode);
    again.set(scenario, [...alone.checks.values()].flat());
  }
  return { exitCode, said: first.said, checks: again };
}

describe("all that the revision requires of a server", () => {
  test.each(["2025-11-25", "2026-07-28"])("%s", async (revision) => {
    const { checks, exitCode, said } = await judgeAll(await serve({ mcpServers: fixtureServers }), revision);
    const required = requiredBy(revision);
    expect(required.length).toBeGreaterThanOrEqual(30);
    for (const scenario of required) {
      const found = checks.get(scenario) ?? [];
      expect([scenario, failuresIn(found), found.some(({ status }) => status === "SUCCESS")]).toEqual([scenario, [], true]);
    }
    if (exitCode !== 0) throw new Error(said);
  }, EACH_MS);
});

describe("with the product's own tools", () => {
  test.each(["server-initialize", "ping", "tools-list", "dns-rebinding-protection"])("%s", async (scenario) => {
    const { checks, exitCode } = await judge(await serve({}), ["--scenario", scenario]);
    expect([...checks.values()].flatMap(failuresIn)).toEqual([]);
    expect(exitCode).toBe(0);
  }, EACH_MS);
});

/** An operator's day with the command line: a license is checked, installed and renewed while everything runs. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Ended, run, type Running } from "../support/executable.ts";
import { openWorkshop, type Workshop } from "../support/workshop.ts";

let workshop: Workshop;
let site: Running;

beforeAll(async () => {
  workshop = await openWorkshop();
  site = await workshop.serve(undefined);
});

afterAll(async () => {
  await site[Symbol.asyncDispose]();
  workshop.close();
});

async function cyberun(...args: readonly string[]): Promise<Ended> {
  const env = { CYBERUN_LICENSE_SERVER_ADDRESSES: String(site.urls.license) };
  return await run(args, { executable: workshop.cyberun, dataDir: site.dataDir, env });
}

function expectJson({ stdout, stderr, exitCode }: Ended, exit: number): ReturnType<typeof expect> {
  expect([exitCode, stderr]).toEqual([exit, ""]);
  return expect(JSON.parse(stdout));
}

const terms = ["--template", "enterprise", "--days", "30"];

test("from no license to a renewed one, without a restart", async () => {
  expectJson(await cyberun("license", "status", "--json"), 7).toMatchObject({ state: "missing", license: null });
  const first = await workshop.sign("first", terms);
  expectJson(await cyberun("license", "inspect", first, "--json"), 0).toMatchObject({ license: { sequence: 1 }, dates: "in_force" });
  expectJson(await cyberun("license", "test", first, "--json"), 0).toMatchObject({ outcome: "accepted", state: "ok" });
  expectJson(await cyberun("license", "status", "--json"), 7).toMatchObject({ state: "missing" });
  expectJson(await cyberun("license", "install", first, "--json"), 0).toMatchObject({ state: "ok", license: { sequence: 1 }, is_server_running: true });
  expectJson(await cyberun("license", "status", "--json"), 0).toMatchObject({ state: "ok", license: { sequence: 1 }, server_address: site.urls.license });
  const second = await workshop.sign("second", ["--renew", first, "--days", "60"]);
  const tested = await cyberun("license", "test", second);
  expect([tested.exitCode, tested.stdout]).toEqual([0, expect.stringContaining("sequence: 1 → 2")]);
  expectJson(await cyberun("license", "install", second, "--json"), 0).toMatchObject({ license: { sequence: 2 } });
  const older = await cyberun("license", "install", first, "--json");
  expect([older.exitCode, older.stdout, JSON.parse(older.stderr)]).toMatchObject([7, "", { error: { code: "invalid_license", details: { refusal: "sequence_too_low" } } }]);
  expectJson(await cyberun("license", "status", "--json"), 0).toMatchObject({ license: { sequence: 2 }, problem: null });
});

test("a file of another vendor and a damaged one are refused before any server is asked, and change nothing", async () => {
  const good = await workshop.sign("good", [...terms, "--sequence", "5"]);
  await cyberun("license", "install", good);
  const stranger = await openWorkshop({ isStranger: true });
  const foreign = await stranger.sign("foreign", [...terms, "--sequence", "9"]);
  const damaged = join(workshop.folder, "damaged.lic");
  writeFileSync(damaged, readFileSync(good).subarray(0, -9));
  for (const [file, refusal] of [[foreign, /^unknown_key$/], [damaged, /^(bad_signature|malformed)$/]] as const) {
    for (const command of ["inspect", "install"]) {
      const ended = await cyberun("license", command, file, "--json");
      expect([ended.exitCode, ended.stdout]).toEqual([7, ""]);
      expect(JSON.parse(ended.stderr)).toMatchObject({ error: { code: "invalid_license", retryable: false, details: { refusal: expect.stringMatching(refusal) } } });
    }
  }
  stranger.close();
  expectJson(await cyberun("license", "status", "--json"), 0).toMatchObject({ license: { sequence: 5 } });
});

test("the trial's own license is refused where another vendor's key is trusted", async () => {
  const ended = await run(["trial"], { executable: workshop.cyberun, env: { CYBERUN_LOG_LEVEL: "error" } });
  expect([ended.exitCode, ended.stdout]).toEqual([5, ""]);
  expect(ended.stderr).toContain("This build came without a trial license.");
});

test("each role is listed as a client, and one that is revoked gets no lease any more", async () => {
  const listed = JSON.parse((await cyberun("license", "clients", "--json")).stdout);
  expect(listed).toMatchObject({ clients: [{ role: "api" }, { role: "gateway" }, { role: "issuer" }] });
  const [{ id }] = listed.clients;
  expect((await cyberun("license", "clients", "--revoke", String(id))).exitCode).toBe(0);
  expect((await cyberun("license", "clients", "--revoke", String(id))).exitCode).toBe(5);
});

/**
 * A license is revoked and renewed while everything runs, by the compiled executables: the desk signs, the file is copied
 * into the license's place, and a partner's users and programs meet the consequences.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { type Ended, run, type Running } from "../support/executable.ts";
import { type Administrator, call, createKey, openWorkshop, setUp, signIn, type Workshop } from "../support/workshop.ts";

const ACT_MS_MAX = 5_000;
const CORE_PATHS = ["/api/v1/users/me", "/api/v1/teams", "/api/v1/license"];
const REASON = "The contract has ended.";

let workshop: Workshop;
let site: Running;
let ada: Administrator;
let key: string;
let installed: string;
let license: string;
let revocation: string;

beforeAll(async () => {
  workshop = await openWorkshop();
  installed = join(workshop.folder, "installed.lic");
  license = await workshop.sign("first", ["--template", "enterprise", "--days", "30"]);
  site = await workshop.serve(license, { installed });
  ada = await setUp(workshop, site);
  ({ key } = await createKey(site, ada, "integration"));
  revocation = await workshop.revoke("end", license, ["--reason", REASON]);
});

afterAll(async () => {
  await site[Symbol.asyncDispose]();
  workshop.close();
});

/** Puts `file` in the place of the license, all at once, and says when. */
function replace(file: string): number {
  copyFileSync(file, `${installed}.copy`);
  renameSync(`${installed}.copy`, installed);
  return Date.now();
}

async function cyberun(...args: readonly string[]): Promise<Ended> {
  return await run(args, { executable: workshop.cyberun, dataDir: site.dataDir, env: { CYBERUN_LICENSE_SERVER_ADDRESSES: String(site.urls.license), CYBERUN_LICENSE_FILE: installed } });
}

const gated = () => call(site.urls.api, "/api/v1/r/workflows", { bearer: key });

/** Awaits that a gated call answers `status`; gives the milliseconds that it took since `startedAt`. */
async function until(status: number, startedAt: number): Promise<number> {
  await eventually(async () => (await gated()).status === status, `gated calls answer ${status}`);
  return Date.now() - startedAt;
}

async function corePasses(): Promise<readonly number[]> {
  return await Promise.all(CORE_PATHS.map(async (path) => (await call(site.urls.api, path, { bearer: ada.token })).status));
}

test("the operator can read and try the file before it does anything", async () => {
  const read = await cyberun("license", "inspect", revocation);
  expect([read.exitCode, read.stdout]).toEqual([0, expect.stringContaining(REASON)]);
  const tried = await cyberun("license", "test", revocation);
  expect([tried.exitCode, tried.stdout]).toEqual([0, expect.stringMatching(/would be accepted[\s\S]*The state would be revoked[\s\S]*state: "ok" → "revoked"[\s\S]*Warning: /)]);
  expect((await gated()).status).toBe(200);
});

test("in the license's place it shuts every gated call within five seconds, and no core call", async () => {
  const tookMs = await until(503, replace(revocation));
  expect(tookMs).toBeLessThan(ACT_MS_MAX);
  const { status, body } = await gated();
  expect([status, body]).toMatchObject([
    503,
    { error_code: "revoked", error_message: expect.stringContaining(REASON), hint: expect.stringContaining("vendor"), details: { state: "revoked", since: expect.stringMatching(/^\d{4}-/), mended_by: "vendor" } },
  ]);
  expect(await corePasses()).toEqual([200, 200, 200]);
  const told = await cyberun("license", "status");
  expect([told.exitCode, told.stdout]).toEqual([7, expect.stringMatching(new RegExp(`State {8}revoked: .*${REASON}`))]);
  const parts = await cyberun("license", "fingerprint");
  expect(parts.stdout + parts.stderr).toMatch(/^Deployment acme-1;|No part of this host can be read/);
  expect((await call(site.urls.api, "/api/v1/license", { bearer: ada.token })).body).toMatchObject({ state: "revoked", is_open: false, reason: expect.stringContaining(REASON) });
});

test("it outlives a kill, a removed file, and the license put back in its place", async () => {
  await site.kill();
  rmSync(installed);
  site = await workshop.serve(license, { installed, dataDir: site.dataDir });
  ada = await signIn(site);
  expect([(await gated()).status, await corePasses()]).toEqual([503, [200, 200, 200]]);
  for (const file of [license, await workshop.sign("twin", ["--template", "enterprise", "--days", "300"])]) {
    const again = await cyberun("license", "install", file, "--json");
    expect([again.exitCode, JSON.parse(again.stderr)]).toMatchObject([7, { error: { code: "invalid_license", details: { refusal: "revoked" } } }]);
  }
  expect((await gated()).status).toBe(503);
}, 60_000);

test("the renewal opens again within five seconds, and the revocation brought back changes nothing", async () => {
  const renewed = await workshop.sign("second", ["--renew", license, "--days", "60"]);
  const tookMs = await until(200, replace(renewed));
  expect(tookMs).toBeLessThan(ACT_MS_MAX);
  expect(JSON.parse((await cyberun("license", "status", "--json")).stdout)).toMatchObject({ state: "ok", license: { sequence: 2 }, problem: null });
  const replayed = await cyberun("license", "install", revocation, "--json");
  expect([replayed.exitCode, JSON.parse(replayed.stderr)]).toMatchObject([7, { error: { details: { refusal: "sequence_too_low" } } }]);
  expect((await gated()).status).toBe(200);
});

test("by the command line and by upload it acts the same, and the license stays where it lies", async () => {
  const second = await workshop.revoke("second-end", installed, ["--reason", "Again."]);
  const done = await cyberun("license", "install", second);
  expect([done.exitCode, done.stdout]).toEqual([0, expect.stringMatching(/Took the revocation of [^]*State {8}revoked: .*Again\./)]);
  await until(503, Date.now());
  const takenAt = Math.floor(Date.now() / 1_000);
  await eventually(async () => Math.floor(Date.now() / 1_000) > takenAt, "a second has passed, so that the renewal is issued later");
  expect(readFileSync(installed, "utf8")).toBe(readFileSync(join(workshop.folder, "second.lic"), "utf8"));
  const upload = async (file: string) => await call(site.urls.api, "/api/v1/license", { method: "PUT", bearer: ada.token, body: JSON.stringify({ license_file: readFileSync(file, "utf8") }) });
  const third = await workshop.sign("third", ["--renew", installed, "--days", "60"]);
  expect((await upload(third)).status).toBe(200);
  await until(200, Date.now());
  expect((await upload(await workshop.revoke("third-end", third, []))).status).toBe(200);
  await until(503, Date.now());
  expect(await corePasses()).toEqual([200, 200, 200]);
}, 60_000);

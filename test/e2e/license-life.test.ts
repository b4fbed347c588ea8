/**
 * The life of a license in the compiled executable: renewal, feature change, tampering, expiry, an unreachable
 * License Server. Short-lived licenses stand in for time; the executable has no switch that moves its clock.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { run, type Running } from "../support/executable.ts";
import { type Administrator, call, createKey, openWorkshop, setUp, signIn, type Workshop } from "../support/workshop.ts";

let workshop: Workshop;

beforeAll(async () => {
  workshop = await openWorkshop();
});

afterAll(() => workshop.close());

/** Puts `license` in the place of the installed one, as an operator's copy would: all at once. */
function replace(installed: string, license: string | Uint8Array): void {
  const beside = `${installed}.copy`;
  if (typeof license === "string") copyFileSync(license, beside);
  else writeFileSync(beside, license);
  renameSync(beside, installed);
}

interface Site extends AsyncDisposable {
  readonly running: Running;
  readonly installed: string;
  readonly ada: Administrator;
  /** A gated call with an integration key. */
  gated(): Promise<number>;
  createTeam(): Promise<{ status: number; body: Readonly<Record<string, unknown>> }>;
}

async function openSite(flags: readonly string[], name: string): Promise<Site> {
  const installed = join(workshop.folder, `${name}-installed.lic`);
  const running = await workshop.serve(await workshop.sign(name, flags), { installed });
  const ada = await setUp(workshop, running);
  const { key } = await createKey(running, ada, "integration");
  return {
    running,
    installed,
    ada,
    gated: async () => (await call(running.urls.api, "/api/v1/r/workflows", { bearer: key })).status,
    createTeam: () => call(running.urls.api, "/api/v1/teams", { method: "POST", bearer: ada.token, body: JSON.stringify({ display_name: "Team" }) }),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** What the License Server says of the license in force. */
async function licenseStatus(site: Site): Promise<{ readonly sequence: number; readonly expires_at: number }> {
  const license = (await call(site.running.urls.license, "/v1/status")).body["license"];
  const members = new Map(Object.entries(typeof license === "object" && license !== null ? license : {}));
  return { sequence: Number(members.get("sequence")), expires_at: Number(members.get("expires_at")) };
}

const enterprise = ["--template", "enterprise", "--days", "30", "--feature", "account.manual_team_creation=off"];

test("a renewed file acts in every client without a failed request, and a feature it adds opens", async () => {
  await using site = await openSite(enterprise, "renewal");
  expect(await site.createTeam()).toMatchObject({ status: 403, body: { error_code: "feature_disabled", details: { feature: "manual_team_creation" } } });
  const renewed = await workshop.sign("renewal-2", ["--renew", site.installed, "--days", "60", "--feature", "account.manual_team_creation=on"]);
  const answers: number[] = [];
  let isDone = false;
  const load = (async () => {
    while (!isDone) answers.push(...(await Promise.all(Array.from({ length: 8 }, () => site.gated()))));
  })();
  replace(site.installed, renewed);
  await eventually(async () => (await site.createTeam()).status === 201, "the added feature opens");
  await eventually(async () => (await call(site.running.urls.gateway, "/metrics")).body["text"]?.toString().includes("cyberun_license_sequence 2") ?? false, "the gateway takes the renewed license over");
  isDone = true;
  await load;
  expect(answers.length).toBeGreaterThan(8);
  expect(answers.filter((status) => status !== 200)).toEqual([]);
});

test("a broken, foreign or older file changes nothing, and the status names the reason", async () => {
  await using site = await openSite(enterprise, "broken");
  const good = readFileSync(site.installed);
  const flipped = Buffer.from(good);
  flipped[good.length >> 1] = (flipped[good.length >> 1] ?? 0) ^ 1;
  const stranger = await openWorkshop({ isStranger: true });
  const foreign = await stranger.sign("foreign", [...enterprise, "--sequence", "9"]);
  const newer = await workshop.sign("newer", ["--renew", site.installed, "--days", "60"]);
  for (const [file, refusal] of [[flipped, /bad_signature|malformed/], [Buffer.from("not a license"), /malformed/], [readFileSync(foreign), /unknown_key/]] as const) {
    replace(site.installed, file);
    await eventually(async () => refusal.test(JSON.stringify((await call(site.running.urls.license, "/v1/status")).body["problem"] ?? null)), `status names ${refusal}`);
    expect([await site.gated(), (await call(site.running.urls.license, "/v1/status")).body["state"]]).toEqual([200, "ok"]);
  }
  replace(site.installed, newer);
  await eventually(async () => (await licenseStatus(site)).sequence === 2, "the newer license is in force");
  replace(site.installed, good);
  await eventually(async () => JSON.stringify((await call(site.running.urls.license, "/v1/status")).body["problem"] ?? null).includes("sequence"), "status names the lower sequence");
  expect((await licenseStatus(site)).sequence).toBe(2);
  stranger.close();
});

test("from the second of its expiry no gated call passes, core calls all pass, and a new file brings everything back", async () => {
  await using site = await openSite(["--template", "enterprise", "--expires-in-seconds", "12", "--lease-seconds", "5", "--feature", "account.manual_team_creation=on"], "expiry");
  expect(await site.gated()).toBe(200);
  const expiresAtMs = (await licenseStatus(site)).expires_at * 1_000;
  await eventually(async () => Date.now() >= expiresAtMs + 1_000, "the license is over for a second");
  const statuses = new Map<number, number>();
  for (let round = 0; round < 100; round += 1) {
    for (const status of await Promise.all(Array.from({ length: 100 }, () => site.gated()))) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  expect([...statuses]).toEqual([[503, 10_000]]);
  expect(await site.createTeam()).toMatchObject({ status: 503, body: { error_code: "expired" } });
  const refusal = (await site.createTeam()).body;
  expect([typeof refusal["error_message"], typeof refusal["hint"]]).toEqual(["string", "string"]);
  for (const path of ["/api/v1/users/me", "/api/v1/teams", "/api/v1/license"]) expect([path, (await call(site.running.urls.api, path, { bearer: site.ada.token })).status]).toEqual([path, 200]);
  const renewed = await workshop.sign("expiry-2", ["--renew", site.installed, "--days", "30"]);
  const upload = await call(site.running.urls.api, "/api/v1/license", { method: "PUT", bearer: site.ada.token, body: JSON.stringify({ license_file: readFileSync(renewed, "utf8") }) });
  expect([upload.status, upload.body]).toEqual([200, { is_success: true }]);
  await eventually(async () => (await site.gated()) === 200, "gated calls pass again");
}, 60_000);

test("without a License Server the last lease is obeyed, also after a restart, and core operations never stop", async () => {
  const license = await workshop.sign("unreachable", [...enterprise, "--lease-seconds", "5"]);
  const server = await workshop.serve(license, { flags: ["--roles", "license"] });
  const token = await run(["license", "join-token", "--json"], { executable: workshop.cyberun, dataDir: server.dataDir });
  const tokenFile = join(workshop.folder, "join-token");
  writeFileSync(tokenFile, String(JSON.parse(token.stdout).join_token), { mode: 0o600 });
  const flags = ["--roles", "api,gateway,issuer"];
  const env = { CYBERUN_LICENSE_SERVER_ADDRESSES: String(server.urls.license), CYBERUN_JOIN_TOKEN_FILE: tokenFile };
  const first = await workshop.serve(undefined, { flags, env });
  const ada = await setUp(workshop, first);
  const { key } = await createKey(first, ada, "integration");
  const gated = async (site: Running) => (await call(site.urls.api, "/api/v1/r/workflows", { bearer: key })).status;
  await server.kill();
  await eventually(async () => (await call(first.urls.api, "/api/v1/license", { bearer: ada.token })).body["state"] === "unreachable", "the lease has run out and the grace has begun");
  expect(await gated(first)).toBe(200);
  await first.kill();
  await using again = await workshop.serve(undefined, { flags, env, dataDir: first.dataDir });
  const { token: tokenAgain } = await signIn(again);
  expect([await gated(again), (await call(again.urls.api, "/api/v1/users/me", { bearer: tokenAgain })).status]).toEqual([200, 200]);
}, 60_000);

test("a role that has never had a lease starts, serves core operations and says why the rest is refused", async () => {
  await using site = await workshop.serve(undefined, { flags: ["--roles", "api,gateway,issuer"], env: { CYBERUN_LICENSE_SERVER_ADDRESSES: "http://127.0.0.1:1" } });
  const ada = await setUp(workshop, site);
  expect((await call(site.urls.api, "/api/v1/teams", { bearer: ada.token })).status).toBe(200);
  const refused = await call(site.urls.api, "/api/v1/teams", { method: "POST", bearer: ada.token, body: JSON.stringify({ display_name: "Team" }) });
  expect([refused.status, refused.body["error_code"], typeof refused.body["hint"]]).toEqual([503, "missing", "string"]);
});

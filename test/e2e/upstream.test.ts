/** Sign-in through a provider with the compiled executable: set in the config file and by the command line, as the license allows. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBrowser } from "../support/browser.ts";
import { type Ended, run, type Running } from "../support/executable.ts";
import { type Hostile, startHostile } from "../support/hostile-upstream.ts";
import { call, openWorkshop, setUp, type Workshop } from "../support/workshop.ts";

const SECRET = "a secret that nobody may see";
let workshop: Workshop;
let provider: Hostile;
let site: Running;
let secretFile: string;

beforeAll(async () => {
  workshop = await openWorkshop();
  provider = await startHostile();
  secretFile = join(workshop.folder, "provider.secret");
  writeFileSync(secretFile, `${SECRET}\n`, { mode: 0o600 });
  const config = join(workshop.folder, "cyberun.toml");
  const table = ["[upstream_providers.filed]", 'display_name = "The filed"', `issuer = "${provider.issuer}"`, 'client_id = "cyberun"', 'client_secret_file = "provider.secret"'];
  writeFileSync(config, ['dial_allow = ["127.0.0.1"]', ...table, ""].join("\n"));
  site = await workshop.serve(await workshop.sign("upstream", ["--template", "saas", "--days", "30"]), { flags: ["--config", config] });
  await setUp(workshop, site);
}, 60_000);

afterAll(async () => {
  await site[Symbol.asyncDispose]();
  provider[Symbol.dispose]();
  workshop.close();
});

/** From the start of a provider's sign-in to what the issuer answers to its callback. */
async function through(id: string) {
  const browser = openBrowser(site.urls.issuer ?? "");
  const away = await browser.open(`${site.urls.issuer}/upstream/start?provider=${id}`);
  return away.location === undefined ? away : await browser.open(provider.answer(away.location.href));
}

const providers = async (...words: readonly string[]): Promise<Ended> => await run(["oidc", "providers", ...words], { executable: workshop.cyberun, dataDir: site.dataDir });

test("somebody new is signed up by a provider of the config file, and gets tokens for the code", async () => {
  provider.person = { sub: "e-1", email: "e-1@example.com", email_verified: true, given_name: "Grace", family_name: "Hopper" };
  const { location } = await through("filed");
  const { status, body } = await call(site.urls.api, "/api/v1/auth/oauth/exchange-code", { method: "POST", body: JSON.stringify({ code: location?.searchParams.get("code") }) });
  expect([status, Object.keys(body).toSorted()]).toEqual([200, ["access_token", "expires_in", "refresh_token"]]);
  const me = await call(site.urls.api, "/api/v1/users/me", { bearer: String(body["access_token"]) });
  expect(me.body).toMatchObject({ email_address: "e-1@example.com", display_name: "Grace Hopper", is_administrator: false });
});

test("a provider of the command line acts at once, and is gone at once, while the server runs", async () => {
  provider.person = { sub: "e-2", email: "e-2@example.com", email_verified: true };
  expect((await through("typed")).status).toBe(404);
  const made = await providers("create", "typed", "--issuer", provider.issuer, "--client-id", "cyberun", "--client-secret-file", secretFile);
  expect([made.exitCode, made.stdout.includes(`redirect_uri: ${site.urls.issuer}/upstream/callback`)]).toEqual([0, true]);
  expect((await through("typed")).location?.searchParams.has("code")).toBe(true);
  expect((await providers("disable", "typed")).exitCode).toBe(0);
  expect((await through("typed")).status).toBe(404);
  expect((await providers("disable", "filed")).exitCode).toBe(6);
  const listed = await providers("list");
  expect(listed.stdout).toMatch(/filed .*config file\ntyped .*disabled/);
});

test("the secret is in no output and no log", async () => {
  const shown = [await providers("list"), await providers("show", "filed"), await providers("show", "typed", "--json")];
  for (const text of [...shown.flatMap(({ stdout, stderr }) => [stdout, stderr]), site.stdout(), site.stderr()]) expect(text).not.toContain(SECRET);
});

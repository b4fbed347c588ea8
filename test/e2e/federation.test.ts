import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { type Running, run } from "../support/executable.ts";
import { callInside, canIsolate, isolated, type Request } from "../support/isolation.ts";
import { operate } from "../support/issuer-site.ts";
import { administrator, type Answer, call, openWorkshop, setupLink, type Workshop } from "../support/workshop.ts";

/** Three processes with data of their own, that know each other by files alone; each without any network, where that can be made here. */
interface Site {
  readonly name: string;
  readonly running: Running;
  readonly token: string;
  readonly fingerprint: string;
  call(path: string, init?: Request & { readonly bearer?: string }): Promise<Answer>;
}

let workshop: Workshop;
let license: string;

beforeAll(async () => {
  workshop = await openWorkshop();
  license = await workshop.sign("federation", ["--template", "enterprise", "--days", "30"]);
});
afterAll(() => workshop.close());

async function ask({ urls, pid }: Pick<Running, "urls" | "pid">, path: string, { bearer, headers, ...rest }: Request & { readonly bearer?: string } = {}): Promise<Answer> {
  const request = { ...rest, headers: { ...(rest.body === undefined ? {} : { "content-type": "application/json" }), ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }), ...headers } };
  return canIsolate() ? await callInside(pid, `${urls.api}${path}`, request) : await call(urls.api, path, request);
}

/** Sets the site up by its link, and signs in. */
async function firstToken(running: Running): Promise<string> {
  const { pathname, origin } = new URL(await setupLink(workshop, running));
  const { status } = await ask(running, pathname, { method: "POST", body: new URLSearchParams(administrator).toString(), headers: { "content-type": "application/x-www-form-urlencoded", origin } });
  expect(status).toBe(303);
  const { email_address, user_password } = administrator;
  return String((await ask(running, "/api/v1/auth/login", { method: "POST", body: JSON.stringify({ email_address, user_password }) })).body["access_token"]);
}

async function openSites(shape: string, env: Readonly<Record<string, string>>): Promise<readonly Site[] & AsyncDisposable> {
  const sites: Site[] = [];
  for (const name of ["a", "b", "c"]) {
    const running = await workshop.serve(license, { env, ...(canIsolate() ? { executable: isolated(workshop.cyberun, workshop.folder) } : {}) });
    const token = await firstToken(running);
    const { fingerprint } = await operate(workshop, running, ["federation", "site-key", "--out", join(workshop.folder, `${shape}-${name}.key`)]);
    sites.push({ name, running, token, fingerprint: String(fingerprint), call: (path, init) => ask(running, path, init) });
  }
  const [one, other] = sites;
  // From a site the others are not there at all: what they know of each other came by file.
  if (canIsolate() && one !== undefined && other !== undefined) expect((await callInside(one.running.pid, `${other.running.urls.api}/healthz`)).status).toBe(0);
  return Object.assign(sites, {
    async [Symbol.asyncDispose]() {
      for (const { running } of sites) await running[Symbol.asyncDispose]();
    },
  });
}

let files = 0;

async function bundleFile({ running, name }: Site): Promise<string> {
  files += 1;
  const out = join(workshop.folder, `${name}-${files}.bundle`);
  await operate(workshop, running, ["federation", "bundle", "export", "--out", out]);
  return out;
}

/** `here` pins `there` by file, with the fingerprint that its operator read out. */
async function pin(here: Site, there: Site, flags: readonly string[] = []): Promise<void> {
  await operate(workshop, here.running, ["federation", "bundle", "add", await bundleFile(there), "--fingerprint", there.fingerprint, "--site-id", there.name, ...flags]);
}

async function pinAll(sites: readonly Site[], flags: readonly string[] = []): Promise<void> {
  for (const here of sites) for (const there of sites) if (here !== there) await pin(here, there, flags);
}

async function tokenFor(home: Site, id: string): Promise<string> {
  const { status, body } = await home.call("/api/v1/auth/site-tokens", { method: "POST", bearer: home.token, body: JSON.stringify({ site_id: id }) });
  expect(status).toBe(200);
  return String(body["access_token"]);
}

async function statusAt(site: Site, bearer: string): Promise<number> {
  return (await site.call("/api/v1/users/me", { bearer })).status;
}

async function linkAda(here: Site, there: Site): Promise<void> {
  const { body } = await there.call("/api/v1/users/me", { bearer: there.token });
  const own = await here.call("/api/v1/users/me", { bearer: here.token });
  await operate(workshop, here.running, ["federation", "people", "link", there.name, String(body["id"]), String(own.body["id"])]);
}

function three(sites: readonly Site[]): readonly [a: Site, b: Site, c: Site] {
  const [a, b, c] = sites;
  if (a === undefined || b === undefined || c === undefined) throw new Error("there are three sites");
  return [a, b, c];
}

test("a circle of three issuers, by files alone: a person of A works at B and C, is refused where the rules say no, and an excluded site is out", async () => {
  await using sites = await openSites("circle", {});
  const [a, b, c] = three(sites);
  await pinAll(sites);
  for (const here of [b, c]) {
    const token = await tokenFor(a, here.name);
    expect(await statusAt(here, token)).toBe(403);
    await linkAda(here, a);
    expect(await statusAt(here, token)).toBe(200);
  }
  await operate(workshop, c.running, ["federation", "bundle", "rules", "a", "--mapping", "refuse"]);
  expect(await statusAt(c, await tokenFor(a, "c"))).toBe(403);
  // What was made for C is nothing at B.
  expect(await statusAt(b, await tokenFor(a, "c"))).toBe(403);
  await operate(workshop, a.running, ["oidc", "keys", "rotate", "--now"]);
  const rotated = await bundleFile(a);
  await operate(workshop, b.running, ["federation", "bundle", "add", rotated]);
  const token = await tokenFor(a, "b");
  expect(await statusAt(b, token)).toBe(200);
  await operate(workshop, b.running, ["federation", "bundle", "remove", "a", "--yes"]);
  expect(await statusAt(b, token)).toBe(401);
  const { exitCode } = await run(["federation", "bundle", "add", rotated], { executable: workshop.cyberun, dataDir: b.running.dataDir });
  expect(exitCode).not.toBe(0);
});

test("three replicas of one issuer, by files alone: keys are handed on, a person of A works at B and C, and C is excluded by a rotation that it does not get", async () => {
  await using sites = await openSites("replica", { CYBERUN_ISSUER_URL: "https://id.example.com" });
  const [a, b, c] = three(sites);
  const handOn = async (to: Site) => {
    files += 1;
    const out = join(workshop.folder, `keys-${files}`);
    await operate(workshop, a.running, ["federation", "keys", "export", "--to", join(workshop.folder, `replica-${to.name}.key`), "--fingerprint", to.fingerprint, "--out", out]);
    await operate(workshop, to.running, ["federation", "keys", "import", out, "--fingerprint", a.fingerprint]);
  };
  for (const to of [b, c]) await handOn(to);
  await pinAll(sites, ["--replica"]);
  for (const here of [b, c]) {
    await linkAda(here, a);
    expect(await statusAt(here, await tokenFor(a, here.name))).toBe(200);
  }
  expect(await operate(workshop, b.running, ["federation", "keys", "status"])).toMatchObject({ standing: "follower", state: "ok", leader: a.fingerprint });
  await linkAda(b, c);
  const ofC = await tokenFor(c, "b");
  expect(await statusAt(b, ofC)).toBe(200);
  const { keys } = await operate(workshop, a.running, ["oidc", "keys", "list"]);
  const [{ kid }] = JSON.parse(JSON.stringify(keys));
  await operate(workshop, a.running, ["oidc", "keys", "revoke", String(kid)]);
  await handOn(b);
  await operate(workshop, b.running, ["federation", "bundle", "remove", "c", "--yes"]);
  expect(await statusAt(b, ofC)).toBe(401);
  expect(await statusAt(b, await tokenFor(c, "b"))).toBe(401);
});

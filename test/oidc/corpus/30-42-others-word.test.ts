/** Advisories 30, 31, 38, 39, 41 and 42: what an authenticator, an upstream or a device says is checked here, anew. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import type { UserCaller } from "../../../src/gate/caller.ts";
import { addPasskey, enrolPasskey, listPasskeys } from "../../../src/identity/passkeys/passkeys.ts";
import { completeSession } from "../../../src/identity/session-completion.ts";
import { issueAccessToken } from "../../../src/oidc/access-tokens.ts";
import { openBrowser } from "../../support/browser.ts";
import { startDeviceFlow } from "../../support/device-flow.ts";
import { type TestGate, testGate } from "../../support/gate.ts";
import { type Hostile, startHostile } from "../../support/hostile-upstream.ts";
import { basic, outcome } from "../../support/oauth.ts";
import { addClient } from "../../support/oidc-client.ts";
import { addDevice, authenticatorDevice, type Lies } from "../../support/passkey.ts";
import { addPerson, anonymous, ownerAddress, PASSWORD, setUp, signIn } from "../../support/people.ts";
import { codeOf, refusalOf } from "../../support/refusal.ts";
import { bearer, type Credentials, type Shown, type TestRoles } from "../../support/roles.ts";
import { stepTokenOf } from "../../support/second-factor.ts";
import { addProvider, leaveFor, startUpstreamSite } from "../../support/upstream-site.ts";

let site: TestRoles;
let keyed: TestGate;
let upstream: Hostile;
let second: Hostile;
let who: Credentials;
let count = 0;

beforeAll(async () => {
  site = await startUpstreamSite();
  [upstream, second] = await Promise.all([startHostile(), startHostile()]);
  await addProvider(site.gate, "first", upstream.issuer);
  await addProvider(site.gate, "second", second.issuer);
  keyed = await testGate({ settings: { issuerUrl: "https://id.example.com" } });
  await setUp(keyed.gate);
});
afterAll(async () => {
  upstream[Symbol.dispose]();
  second[Symbol.dispose]();
  await keyed.close();
  await site.close();
});
beforeEach(async () => {
  count += 1;
  site.world.services.clock.advance(10);
  for (const each of [upstream, second]) each.lie = {};
  who = await site.credentials();
});

const userOf = async (address: string) => (await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.users).where(eq(reader.tables.users.email_key, address))))[0];
const token = async (address: string): Promise<Shown> => bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, address)));

async function keyedPerson(): Promise<UserCaller & { readonly address: string }> {
  const address = `${keyed.services.random.uuid()}@example.com`;
  const added = await addPerson(keyed.gate, { address });
  const { sessionId } = await signIn(keyed.gate, address);
  return { ...added, sessionId, address };
}

describe("advisory 30: the server checks again what a passkey's browser should have checked:", () => {
  const lies: readonly (readonly [string, Lies])[] = [
    ["an origin whose name ends like ours", { origin: "https://badid.example.com" }],
    ["an origin below ours", { origin: "https://x.id.example.com" }],
    ["an origin above ours", { origin: "https://example.com" }],
    ["an origin without https", { origin: "http://id.example.com" }],
    ["another challenge", { challenge: "AAAA" }],
    ["another relying party", { rpId: "example.com" }],
    ["nobody there", { flags: 0 }],
    ["an algorithm that is not taken", { alg: -65_535 }],
    ["an attestation that nobody asked for", { fmt: "packed", statement: new Map<unknown, unknown>([["alg", -7], ["sig", Buffer.alloc(70)]]) }],
    ["a foreign frame", { crossOrigin: true }],
  ];
  test.each(lies)("%s adds none", async (_name, lie) => {
    const person = await keyedPerson();
    const options = await enrolPasskey(keyed.gate, person, { current_password: PASSWORD });
    const credential = authenticatorDevice(keyed.gate).create(options, lie);
    expect(await codeOf(addPasskey(keyed.gate, person, { display_name: "Laptop", credential }))).toBe("invalid_request");
    expect((await listPasskeys(keyed.gate, person, undefined)).passkey_list).toEqual([]);
  });
});

describe("advisory 31: a passkey that was copied", () => {
  test.each([["behind", 4], ["the same", 5]])("shows by a counter that is %s, and opens nothing any more", async (_name, counter) => {
    const person = await keyedPerson();
    const { device } = await addDevice(keyed.gate, person);
    const attempt = async (at: number) => {
      const refusal = await refusalOf(signIn(keyed.gate, person.address));
      const asked = refusal.details?.["passkey_options"];
      // A passkey that was shut is not asked for any more.
      if (typeof asked !== "object" || asked === null || !("challenge" in asked)) return "unauthenticated";
      const options = { challenge: String(asked.challenge), rpId: "id.example.com", timeout: 0, userVerification: "preferred" as const, allowCredentials: [] };
      return await codeOf(completeSession(keyed.gate, anonymous, { step_token: stepTokenOf(refusal), passkey: device.get(options, { counter: at }), kind: "token" }));
    };
    expect(await attempt(5)).toBeUndefined();
    expect(await attempt(counter)).toBe("unauthenticated");
    expect(await attempt(100)).toBe("unauthenticated");
  });
});

describe("advisory 38: an upstream's word about an address joins no account:", () => {
  test.each([[true], [false], [undefined]])("with email_verified %p", async (email_verified) => {
    const address = `joined-${count}@example.com`;
    await addPerson(site.gate, { address });
    upstream.person = { sub: `thief-${count}`, email: address, ...(email_verified === undefined ? {} : { email_verified }) };
    const browser = openBrowser(site.urls.issuer);
    const page = await browser.open(upstream.answer(await leaveFor(site, browser, "first")));
    expect([page.location?.searchParams.has("code") ?? false, browser.cookies.has("cyberun-issuer")]).toEqual([false, false]);
    const identities = await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.upstreamIdentities));
    expect(identities.some(({ subject }) => subject === `thief-${count}`)).toBe(false);
  });

  test("the same subject of another upstream is somebody else", async () => {
    const person = { sub: `same-${count}`, email: `same-${count}@newcomers.example`, email_verified: true, given_name: "Grace", family_name: "Hopper" };
    upstream.person = person;
    second.person = person;
    const browser = openBrowser(site.urls.issuer);
    const first = await browser.open(upstream.answer(await leaveFor(site, browser, "first")));
    expect(first.location?.searchParams.has("code")).toBe(true);
    const other = openBrowser(site.urls.issuer);
    const page = await other.open(second.answer(await leaveFor(site, other, "second")));
    expect([page.location?.searchParams.has("code") ?? false, other.cookies.has("cyberun-issuer")]).toEqual([false, false]);
  });
});

describe("advisory 39: an upstream's answer", () => {
  const newcomer = () => ({ sub: `n-${count}`, email: `n-${count}@newcomers.example`, email_verified: true, given_name: "Grace", family_name: "Hopper" });

  test("is good once", async () => {
    upstream.person = newcomer();
    const browser = openBrowser(site.urls.issuer);
    const callback = upstream.answer(await leaveFor(site, browser, "first"));
    expect((await browser.open(callback)).location?.searchParams.has("code")).toBe(true);
    expect((await browser.open(callback)).status).toBe(410);
  });

  test("is good in the browser that was sent there alone", async () => {
    upstream.person = newcomer();
    const callback = upstream.answer(await leaveFor(site, openBrowser(site.urls.issuer), "first"));
    const thief = openBrowser(site.urls.issuer);
    expect([(await thief.open(callback)).status, thief.cookies.has("cyberun-issuer")]).toEqual([410, false]);
  });

  test("of one upstream does not end what was begun with another", async () => {
    second.person = newcomer();
    const browser = openBrowser(site.urls.issuer);
    const begun = new URL(await leaveFor(site, browser, "first"));
    const stolen = new URL(second.answer(new URL(begun.search, second.issuer).href));
    const { status } = await browser.open(stolen.href);
    expect([status >= 400 && status < 500, browser.cookies.has("cyberun-issuer"), await userOf(`n-${count}@newcomers.example`)]).toEqual([true, false, undefined]);
  });

  test.each(["nonce", "aud", "iss", "exp", "sub"])("without %s, or with another's, is refused", async (name) => {
    for (const value of [undefined, "another"]) {
      if (name === "sub" && value !== undefined) continue;
      upstream.person = newcomer();
      upstream.lie = { claims: (claims) => ({ ...claims, [name]: value }) };
      const browser = openBrowser(site.urls.issuer);
      const { status } = await browser.open(upstream.answer(await leaveFor(site, browser, "first")));
      expect([name, value, status >= 400, browser.cookies.has("cyberun-issuer")]).toEqual([name, value, true, false]);
    }
  });
});

describe("advisory 41: a device's request", () => {
  test("is approved by no link alone, signed in or not", async () => {
    const flow = await startDeviceFlow(site);
    const codes = await flow.ask({ scope: "openid" });
    const browser = openBrowser(site.urls.issuer);
    const page = `${site.urls.issuer}/device?user_code=${codes.userCode}`;
    await browser.open(page);
    await browser.submit("sign-in", { email_address: ownerAddress, user_password: PASSWORD });
    for (let visit = 0; visit < 3; visit += 1) await browser.open(`${page}&decision=allow`);
    expect(outcome(await flow.poll(codes.deviceCode))[1]).not.toBeUndefined();
    expect((await flow.poll(codes.deviceCode)).status).toBe(400);
  });

  test("that one person has looked at is not approved by another", async () => {
    const flow = await startDeviceFlow(site);
    const codes = await flow.ask({ scope: "openid" });
    const address = `looker-${count}@example.com`;
    await addPerson(site.gate, { address });
    const open = async (email_address: string) => {
      const browser = openBrowser(site.urls.issuer);
      await browser.open(`${site.urls.issuer}/device?user_code=${codes.userCode}`);
      await browser.submit("sign-in", { email_address, user_password: PASSWORD });
      await browser.submit("device", { user_code: codes.userCode });
      return browser;
    };
    const first = await open(ownerAddress);
    const thief = await open(address);
    expect(thief.page.text).not.toContain('id="consent"');
    await first.submit("consent", { decision: "allow" });
    expect((await flow.poll(codes.deviceCode)).status).toBe(200);
  });

  test("gives its tokens to its own client, and to it once", async () => {
    const flow = await startDeviceFlow(site);
    const other = await addClient(site.gate, { grant_types: ["urn:ietf:params:oauth:grant-type:device_code"], response_types: [], redirect_uris: [] });
    const codes = await flow.ask({ scope: "openid" });
    await flow.decide(codes.userCode, "allow");
    expect(outcome(await flow.poll(codes.deviceCode, {}, basic(other)))).toEqual([400, "invalid_grant"]);
    expect((await flow.poll(codes.deviceCode)).status).toBe(200);
    expect(outcome(await flow.poll(codes.deviceCode))).toEqual([400, "invalid_grant"]);
  });

  test("gives its tokens once of fifty polls at once (advisory 2 for devices)", async () => {
    const flow = await startDeviceFlow(site);
    const codes = await flow.ask({ scope: "openid" });
    await flow.decide(codes.userCode, "allow");
    const statuses = await Promise.all(Array.from({ length: 50 }, async () => (await flow.poll(codes.deviceCode)).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  });
});

describe("advisory 42: an upstream is registered", () => {
  const good = { issuer: "https://login.example.com", client_id: "cyberun", client_secret: "a client secret of the provider" };
  const path = "/api/v1/oidc/providers";

  test.each(["stranger", "device", "integration", "agent", "revoked", "ended"] as const)("by no %s", async (name) => {
    const answer = await site.call(path, { as: who[name], json: { id: `x-${count}`, ...good } });
    expect([401, 403]).toContain(answer.status);
  });

  test("by nobody who is no administrator", async () => {
    const address = `plain-${count}@example.com`;
    await addPerson(site.gate, { address, teamId: site.people.teamId, role: "admin" });
    expect((await site.call(path, { as: await token(address), json: { id: `x-${count}`, ...good } })).status).toBe(403);
  });

  test.each(["http://login.example.com", "file:///etc/passwd", "javascript:alert(1)", "https://user:pass@login.example.com", "gopher://login.example.com", "//login.example.com", "https://login.example.com/#x"])("not at the address %s", async (issuer) => {
    expect((await site.call(path, { as: who.user, json: { id: `x-${count}`, ...good, issuer } })).status).toBe(400);
  });
});

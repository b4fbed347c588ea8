/**
 * Sign-in through another implementation of OpenID Connect, over real sockets. The numbers are those of the classes of
 * attack that the project keeps a list of.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { operator } from "../../../src/gate/caller.ts";
import { deleteProvider, updateProvider } from "../../../src/identity/upstream/provider-operations.ts";
import { openBrowser, type TestBrowser, type Visit } from "../../support/browser.ts";
import { auditRows, storeText } from "../../support/gate.ts";
import { addPerson, PASSWORD } from "../../support/people.ts";
import { shutStates } from "../../support/refusal.ts";
import type { TestRoles } from "../../support/roles.ts";
import { enrol } from "../../support/second-factor.ts";
import { type Peer, PEER_CLIENT, startPeer } from "../../support/upstream-peer.ts";
import { addProvider, CLIENT_REDIRECT, leaveFor, requestAddress, startUpstreamSite } from "../../support/upstream-site.ts";

let site: TestRoles;
let peer: Peer;
let other: Peer;
let browser: TestBrowser;
let count = 0;

beforeAll(async () => {
  site = await startUpstreamSite();
  const callback = `${site.urls.issuer}/upstream/callback`;
  [peer, other] = await Promise.all([startPeer(callback), startPeer(callback)]);
  await addProvider(site.gate, "peer", peer.issuer);
  await addProvider(site.gate, "other", other.issuer);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await site.close();
});
beforeEach(() => {
  site.license({});
  // Signing in for a request takes time, and requests are told from sessions by it.
  site.world.services.clock.advance(10);
  browser = openBrowser(site.urls.issuer);
  count += 1;
  peer.person = { sub: `p-${count}`, email: `p-${count}@newcomers.example`, email_verified: true, given_name: "Grace", family_name: "Hopper" };
});

const hasCode = ({ location }: Visit) => location?.href.startsWith(`${CLIENT_REDIRECT}?`) === true && location.searchParams.has("code");
const errorOf = ({ text }: Visit) => /id="error">(?:<strong>)?([^<]*)/.exec(text)?.[1]?.trim();

async function through(changes: Readonly<Record<string, string>> = {}): Promise<Visit> {
  return await browser.open(await peer.signIn(await leaveFor(site, browser, "peer", changes)));
}

async function userOf(address: string) {
  const [user] = await site.world.store.read((reader) => reader.select().from(reader.tables.users).where(eq(reader.tables.users.email_key, address)));
  return user;
}

async function identitiesOf(subject: string): Promise<readonly string[]> {
  const { store } = site.world;
  const rows = await store.read((reader) => reader.select({ id: reader.tables.upstreamIdentities.user_id }).from(reader.tables.upstreamIdentities).where(eq(reader.tables.upstreamIdentities.subject, subject)));
  return rows.map(({ id }) => id);
}

describe("the way there", () => {
  test("has state, nonce and an S256 challenge, and the one callback of the configuration", async () => {
    const away = new URL(await leaveFor(site, browser, "peer"));
    const { searchParams: asked } = away;
    expect([away.origin, asked.get("client_id"), asked.get("response_type"), asked.get("scope")]).toEqual([peer.issuer, PEER_CLIENT.id, "code", "openid email profile"]);
    expect([asked.get("redirect_uri"), asked.get("code_challenge_method")]).toEqual([`${site.urls.issuer}/upstream/callback`, "S256"]);
    for (const name of ["state", "nonce", "code_challenge"]) expect(asked.get(name)).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test("is new each time, and nothing that finishes it stands in the store", async () => {
    const [first, second] = [new URL(await leaveFor(site, browser, "peer")), new URL(await leaveFor(site, browser, "peer"))];
    for (const name of ["state", "nonce", "code_challenge"]) {
      expect(first.searchParams.get(name)).not.toBe(second.searchParams.get(name));
      expect(await storeText(site.world.store)).not.toContain(first.searchParams.get(name) ?? "");
    }
  });

  test("has the provider ask anew where the client insists on a fresh sign-in", async () => {
    const promptFor = async (changes: Readonly<Record<string, string>>) => new URL(await leaveFor(site, browser, "peer", changes)).searchParams.get("prompt");
    expect([await promptFor({}), await promptFor({ prompt: "login" }), await promptFor({ max_age: "60" }), await promptFor({ prompt: "select_account" })]).toEqual([null, "login", "login", "select_account"]);
  });

  // 24: CVE-2025-64101 and its kin.
  test("takes nothing from the headers of the request", async () => {
    const headers = { "x-forwarded-host": "evil.example", "x-forwarded-proto": "https", forwarded: "host=evil.example" };
    await browser.open(requestAddress(site), { headers });
    const { location } = await browser.submit("upstream", { provider: "peer" }, headers);
    expect([location?.searchParams.get("redirect_uri"), location?.href.includes("evil.example")]).toEqual([`${site.urls.issuer}/upstream/callback`, false]);
  });

  test("is not begun by another site's form", async () => {
    await browser.open(requestAddress(site));
    const { status, location } = await browser.submit("upstream", { provider: "peer" }, { "sec-fetch-site": "cross-site" });
    expect([status, location]).toEqual([403, undefined]);
  });

  test("is refused for a provider that there is not", async () => {
    await browser.open(requestAddress(site));
    const { status, text, location } = await browser.submit("upstream", { provider: "nobody" });
    expect([status, location, text.includes('id="sign-in"')]).toEqual([404, undefined, true]);
  });
});

describe("a newcomer with a verified address", () => {
  test("is signed up and goes on to the client, without a password and without rights", async () => {
    expect(hasCode(await through())).toBe(true);
    const user = await userOf(`p-${count}@newcomers.example`);
    expect([user?.first_name, user?.last_name, user?.email_verified, user?.password_hash, user?.is_administrator]).toEqual(["Grace", "Hopper", true, null, false]);
    expect(await identitiesOf(`p-${count}`)).toEqual([user?.id ?? ""]);
  });

  test("is the same person the next time, whatever the address is then", async () => {
    await through();
    browser = openBrowser(site.urls.issuer);
    peer.person = { sub: `p-${count}`, email: "changed@newcomers.example", email_verified: true };
    expect(hasCode(await through())).toBe(true);
    expect([await userOf("changed@newcomers.example"), (await identitiesOf(`p-${count}`)).length]).toEqual([undefined, 1]);
  });

  // 32: GHSA-25rw-g6ff-fmg8. Nobody new where the license does not let people register.
  test("is not signed up while registration is off, and is where the provider is trusted", async () => {
    site.license({ features: { global: { registration: false } } });
    expect((await through()).text).toContain('id="connect"');
    await updateProvider(site.gate, operator, { id: "peer", members: { provisioning: "trusted" } });
    browser = openBrowser(site.urls.issuer);
    expect(hasCode(await through())).toBe(true);
    await updateProvider(site.gate, operator, { id: "peer", members: { provisioning: "none" } });
    peer.person = { ...peer.person, sub: "p-none", email: "none@newcomers.example" };
    browser = openBrowser(site.urls.issuer);
    expect((await through()).text).toContain('id="connect"');
    await updateProvider(site.gate, operator, { id: "peer", members: { provisioning: null } });
  });

  test("counts against the license's cap, and a full house says so", async () => {
    site.license({ quotas: { global: { max_users: 1 } } });
    const refused = await through();
    expect([refused.status, errorOf(refused)?.includes("max_users"), await identitiesOf(`p-${count}`)]).toEqual([403, true, []]);
  });

  test("takes over an address that somebody signed up with and never proved", async () => {
    const stranger = await addPerson(site.gate, { address: `p-${count}@newcomers.example` });
    const { users } = (await site.world.store.read(async (reader) => reader)).tables;
    await site.world.store.write(async (writer) => void (await writer.update(users).set({ pending_until: site.world.services.clock.now() + 60_000 }).where(eq(users.id, stranger.userId))));
    expect(hasCode(await through())).toBe(true);
    const user = await userOf(`p-${count}@newcomers.example`);
    expect([user?.id === stranger.userId, user?.password_hash, user?.pending_until]).toEqual([false, null, null]);
  });

  test("may not come from a domain that is not named, verified or not", async () => {
    await updateProvider(site.gate, operator, { id: "peer", members: { allowed_domains: ["corp.example"] } });
    const people = [
      [{ email: "a@newcomers.example", email_verified: true }, false],
      [{ email: "a@corp.example", email_verified: false }, false],
      [{ email: "a@corp.example" }, false],
      [{ email: "a@corp.example", email_verified: "true" }, false],
      [{ email: "a@sub.corp.example", email_verified: true }, false],
      [{ email: "a@corp.example.evil.example", email_verified: true }, false],
      [{}, false],
      [{ email: "a@CORP.example", email_verified: true }, true],
    ] as const;
    for (const [index, [claims, isIn]] of people.entries()) {
      browser = openBrowser(site.urls.issuer);
      peer.person = { sub: `domain-${index}`, ...claims };
      const visit = await through();
      expect([claims, visit.status, hasCode(visit)]).toEqual([claims, isIn ? 303 : 403, isIn]);
    }
    await updateProvider(site.gate, operator, { id: "peer", members: { allowed_domains: null } });
  });
});

describe("an address that has an account here", () => {
  const address = () => `known-${count}@example.com`;
  const claims = (sub: string, email_verified: boolean) => ({ sub, email: address(), email_verified });

  // 38: GHSA-g38m-r43w-p2q7, CVE-2025-7365, CVE-2026-9087.
  test.each([[true], [false]])("opens nothing by itself (verified: %p)", async (isVerified) => {
    await addPerson(site.gate, { address: address() });
    peer.person = claims(`k-${count}`, isVerified);
    const page = await through();
    expect([page.status, page.text.includes('id="connect"'), page.text.includes(address()), hasCode(page)]).toEqual([200, true, true, false]);
    expect([await identitiesOf(`k-${count}`), browser.cookies.has("cyberun-issuer")]).toEqual([[], false]);
  });

  test("is connected by the account's own password, and from then on leads to it", async () => {
    const person = await addPerson(site.gate, { address: address() });
    peer.person = claims(`k-${count}`, true);
    await through();
    const wrong = await browser.submit("connect", { email_address: address(), user_password: "not the password" });
    expect([wrong.status, wrong.text.includes('id="connect"'), await identitiesOf(`k-${count}`)]).toEqual([401, true, []]);
    expect(hasCode(await browser.submit("connect", { email_address: address(), user_password: PASSWORD }))).toBe(true);
    expect(await identitiesOf(`k-${count}`)).toEqual([person.userId]);
    browser = openBrowser(site.urls.issuer);
    expect(hasCode(await through())).toBe(true);
  });

  test("is connected only after the second factor, which is asked for ever after", async () => {
    const person = await addPerson(site.gate, { address: address() });
    const { app } = await enrol(site.gate, person);
    peer.person = claims(`k-${count}`, true);
    await through();
    const second = await browser.submit("connect", { email_address: address(), user_password: PASSWORD });
    expect([second.status, second.text.includes('id="second-factor"'), await identitiesOf(`k-${count}`)]).toEqual([200, true, []]);
    expect((await browser.submit("second-factor", { code: app.wrong() })).status).toBe(401);
    expect(await identitiesOf(`k-${count}`)).toEqual([]);
    expect(hasCode(await browser.submit("second-factor", { code: app.code() }))).toBe(true);
    browser = openBrowser(site.urls.issuer);
    // 28: nothing is signed in before the second factor.
    const page = await through();
    expect([page.text.includes('id="second-factor"'), browser.cookies.has("cyberun-issuer")]).toEqual([true, false]);
    expect(hasCode(await browser.submit("second-factor", { code: app.code(1) }))).toBe(true);
  });

  // 38: the proof is of one subject, in one browser, once.
  test("cannot be connected by a page of another browser, or twice", async () => {
    await addPerson(site.gate, { address: address() });
    peer.person = claims(`k-${count}`, true);
    const page = await through();
    const path = new URL(page.url).pathname;
    const thief = openBrowser(site.urls.issuer);
    await thief.open(requestAddress(site));
    expect((await thief.open(`${site.urls.issuer}${path}`)).status).toBe(410);
    expect((await thief.open(`${site.urls.issuer}${path}/sign-in`, { form: { email_address: address(), user_password: PASSWORD }, headers: { "sec-fetch-site": "same-origin" } })).status).toBe(410);
    expect(await identitiesOf(`k-${count}`)).toEqual([]);
    expect(hasCode(await browser.submit("connect", { email_address: address(), user_password: PASSWORD }))).toBe(true);
    expect((await browser.open(`${site.urls.issuer}${path}`)).status).toBe(410);
  });

  test("is not connected by another site's form", async () => {
    await addPerson(site.gate, { address: address() });
    peer.person = claims(`k-${count}`, true);
    await through();
    const { status } = await browser.submit("connect", { email_address: address(), user_password: PASSWORD }, { "sec-fetch-site": "cross-site" });
    expect([status, await identitiesOf(`k-${count}`)]).toEqual([403, []]);
  });

  test("of another subject stays closed although its owner has connected one", async () => {
    await addPerson(site.gate, { address: address() });
    peer.person = claims(`k-${count}`, true);
    await through();
    await browser.submit("connect", { email_address: address(), user_password: PASSWORD });
    browser = openBrowser(site.urls.issuer);
    peer.person = claims(`thief-${count}`, true);
    const page = await through();
    expect([page.text.includes('id="connect"'), hasCode(page), await identitiesOf(`thief-${count}`)]).toEqual([true, false, []]);
  });

  test("is not the same person at another provider with the same subject", async () => {
    await through();
    other.person = { ...peer.person };
    browser = openBrowser(site.urls.issuer);
    const page = await browser.open(await other.signIn(await leaveFor(site, browser, "other")));
    expect([page.text.includes('id="connect"'), hasCode(page)]).toEqual([true, false]);
  });
});

// 35: what a page says must not tell whether an account is there.
test("an unverified address leads to the same page whether it has an account or not", async () => {
  await addPerson(site.gate, { address: "there@example.com" });
  const pages: string[] = [];
  for (const email of ["there@example.com", "gone@example.com"]) {
    browser = openBrowser(site.urls.issuer);
    peer.person = { sub: `enumerates-${email}`, email, email_verified: false };
    const { text, status } = await through();
    pages.push(`${status} ${text.replaceAll(email, "").replaceAll(/\/upstream\/connect\/\w+/g, "")}`);
  }
  expect(pages[0]).toBe(pages[1] ?? "");
});

// 6, 12.
test("a disabled person is refused, and told so only after the provider vouched", async () => {
  await through();
  const user = await userOf(`p-${count}@newcomers.example`);
  const { users } = (await site.world.store.read(async (reader) => reader)).tables;
  await site.world.store.write(async (writer) => void (await writer.update(users).set({ disabled_at: 1 }).where(eq(users.id, user?.id ?? ""))));
  browser = openBrowser(site.urls.issuer);
  const page = await through();
  expect([page.status, hasCode(page), browser.cookies.has("cyberun-issuer")]).toEqual([403, false, false]);
});

// 39: CVE-2025-46815, GHSA-x445-f3h2-j279.
describe("the state", () => {
  test("is good once", async () => {
    const callback = await peer.signIn(await leaveFor(site, browser, "peer"));
    expect(hasCode(await browser.open(callback))).toBe(true);
    expect((await browser.open(callback)).status).toBe(410);
  });

  test("is good once for fifty at the same moment", async () => {
    const callback = await peer.signIn(await leaveFor(site, browser, "peer"));
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(callback, { headers: { cookie }, redirect: "manual" })));
    expect(answers.map(({ status }) => status).toSorted().filter((status) => status !== 410)).toEqual([303]);
  });

  test("is good in no other browser, which does not use it up", async () => {
    const callback = await peer.signIn(await leaveFor(site, browser, "peer"));
    const thief = openBrowser(site.urls.issuer);
    expect((await thief.open(callback)).status).toBe(410);
    await leaveFor(site, thief, "peer");
    expect((await thief.open(callback)).status).toBe(410);
    expect(hasCode(await browser.open(callback))).toBe(true);
  });

  test("is over after a quarter of an hour", async () => {
    const callback = await peer.signIn(await leaveFor(site, browser, "peer"));
    site.world.services.clock.stepWall(900_001);
    const { status } = await browser.open(callback);
    site.world.services.clock.stepWall(-900_001);
    expect(status).toBe(410);
  });

  test.each([
    ["no state", (url: URL) => url.searchParams.delete("state")],
    ["a made-up state", (url: URL) => url.searchParams.set("state", "a".repeat(43))],
    ["a state that is cut", (url: URL) => url.searchParams.set("state", (url.searchParams.get("state") ?? "").slice(0, 42))],
    ["two states", (url: URL) => url.searchParams.append("state", "x")],
    ["two codes", (url: URL) => url.searchParams.append("code", "x")],
  ])("is asked for: %s", async (_name, change) => {
    const callback = new URL(await peer.signIn(await leaveFor(site, browser, "peer")));
    change(callback);
    const { status, text } = await browser.open(callback.href);
    expect([status, browser.cookies.has("cyberun-issuer"), text.includes("<script")]).toEqual([410, false, false]);
  });
});

// 39: RFC 9700 section 4.4.
describe("a mix-up of two providers", () => {
  test("is refused: the answer of one for a sign-in that was begun with the other", async () => {
    const away = new URL(await leaveFor(site, browser, "other"));
    // The other, hostile, sends the browser on to the peer, with our state.
    const astray = `${peer.issuer}${away.pathname}${away.search}`;
    const callback = await peer.signIn(astray);
    const page = await browser.open(callback);
    expect([page.status, hasCode(page), errorOf(page)?.startsWith("The answer of The other was refused.")]).toEqual([410, false, true]);
    expect(await identitiesOf(`p-${count}`)).toEqual([]);
    const last = (await auditRows(site.world.store)).at(-1);
    expect([last?.operation, last?.outcome, last?.details.includes("iss")]).toEqual(["upstream_sign_in.finish", "refused", true]);
  });

  test("is refused with the issuer taken out of the answer, too", async () => {
    const away = new URL(await leaveFor(site, browser, "other"));
    const callback = new URL(await peer.signIn(`${peer.issuer}${away.pathname}${away.search}`));
    callback.searchParams.delete("iss");
    const page = await browser.open(callback.href);
    expect([page.status, hasCode(page)]).toEqual([410, false]);
  });
});

// 10: CVE-2026-1486. On every path, and half-way through.
describe("a provider that is disabled or deleted, or a license that does not carry it", () => {
  const shut: readonly [string, () => Promise<void>, () => Promise<void>][] = [
    [
      "disabled",
      async () => void (await updateProvider(site.gate, operator, { id: "peer", is_disabled: true, members: {} })),
      async () => void (await updateProvider(site.gate, operator, { id: "peer", is_disabled: false, members: {} })),
    ],
    ["deleted", async () => void (await deleteProvider(site.gate, operator, { id: "peer" })), async () => void (await addProvider(site.gate, "peer", peer.issuer))],
    ["unlicensed", async () => site.license({ features: { global: { oauth: false } } }), async () => site.license({})],
  ];

  test.each(shut)("%s: no button, no way there", async (_name, close, open) => {
    await browser.open(requestAddress(site));
    await close();
    const { status, location } = await browser.submit("upstream", { provider: "peer" });
    const { text } = await browser.open(requestAddress(site));
    const direct = await browser.open(`${site.urls.issuer}/upstream/start?provider=peer`);
    await open();
    expect([[403, 404].includes(status), location, text.includes('value="peer"')]).toEqual([true, undefined, false]);
    expect([[403, 404].includes(direct.status), direct.location]).toEqual([true, undefined]);
  });

  test.each(shut)("%s: no way back", async (_name, close, open) => {
    const callback = await peer.signIn(await leaveFor(site, browser, "peer"));
    await close();
    const page = await browser.open(callback);
    await open();
    expect([[403, 404].includes(page.status), hasCode(page), browser.cookies.has("cyberun-issuer"), await identitiesOf(`p-${count}`)]).toEqual([true, false, false, []]);
  });

  test.each(shut)("%s: nothing is connected", async (_name, close, open) => {
    await addPerson(site.gate, { address: `late-${count}@example.com` });
    peer.person = { sub: `late-${count}`, email: `late-${count}@example.com`, email_verified: true };
    await through();
    await close();
    const page = await browser.submit("connect", { email_address: `late-${count}@example.com`, user_password: PASSWORD });
    await open();
    expect([[403, 404].includes(page.status), hasCode(page), await identitiesOf(`late-${count}`)]).toEqual([true, false, []]);
  });

  test.each(shut)("%s: the second factor ends nothing that the provider began", async (_name, close, open) => {
    const person = await addPerson(site.gate, { address: `two-${count}@example.com` });
    const { app } = await enrol(site.gate, person);
    peer.person = { sub: `two-${count}`, email: `two-${count}@example.com`, email_verified: true };
    await through();
    await browser.submit("connect", { email_address: `two-${count}@example.com`, user_password: PASSWORD });
    await browser.submit("second-factor", { code: app.code() });
    browser = openBrowser(site.urls.issuer);
    await through();
    await close();
    const page = await browser.submit("second-factor", { code: app.code(1) });
    await open();
    expect([page.status >= 400, hasCode(page), browser.cookies.has("cyberun-issuer")]).toEqual([true, false, false]);
  });

  test.each(shutStates)("license state %s: no way there and no way back, and the password still opens", async (state) => {
    const callback = await peer.signIn(await leaveFor(site, browser, "peer"));
    site.license({ state });
    const page = await browser.open(callback);
    const { text } = await browser.open(requestAddress(site));
    expect([page.status, hasCode(page), text.includes('id="upstream"'), text.includes('id="sign-in"')]).toEqual([503, false, false, true]);
  });
});

test("the person that was signed in at the browser before is signed out", async () => {
  await through();
  const before = browser.cookies.get("cyberun-issuer");
  const first = await userOf(`p-${count}@newcomers.example`);
  site.world.services.clock.advance(10);
  peer.person = { sub: `next-${count}`, email: `next-${count}@newcomers.example`, email_verified: true };
  expect(hasCode(await through({ prompt: "login" }))).toBe(true);
  expect(browser.cookies.get("cyberun-issuer")).not.toBe(before ?? "");
  const { sessions } = (await site.world.store.read(async (reader) => reader)).tables;
  const rows = await site.world.store.read((reader) => reader.select().from(sessions).where(eq(sessions.user_id, first?.id ?? "")));
  expect(rows.map(({ end_reason }) => end_reason)).toEqual(["signed_out"]);
});

test("sessions say that somebody else vouched, and no level of assurance beyond one factor", async () => {
  await through();
  const user = await userOf(`p-${count}@newcomers.example`);
  const { sessions } = (await site.world.store.read(async (reader) => reader)).tables;
  const [session] = await site.world.store.read((reader) => reader.select().from(sessions).where(eq(sessions.user_id, user?.id ?? "")));
  expect([session?.kind, session?.amr]).toEqual(["cookie", '["fed"]']);
});

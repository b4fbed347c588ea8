/** What an upstream provider may not do, however it lies. Each lie is the only one, and the same sign-in without it opens. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { findDialAllowance } from "../../../src/dialler.ts";
import { operator, type UserCaller } from "../../../src/gate/caller.ts";
import { endSession } from "../../../src/identity/sessions.ts";
import { connectIdentity } from "../../../src/identity/upstream/connecting.ts";
import { createProvider, deleteProvider, updateProvider } from "../../../src/identity/upstream/provider-operations.ts";
import { openBrowser, type TestBrowser, type Visit } from "../../support/browser.ts";
import { auditRows } from "../../support/gate.ts";
import { type Hostile, type HostileOptions, type Lie, startHostile, symmetricToken, unsecuredToken } from "../../support/hostile-upstream.ts";
import { addPerson, signIn, userCaller } from "../../support/people.ts";
import { codeOf, strangersTo } from "../../support/refusal.ts";
import type { TestRoles } from "../../support/roles.ts";
import { addProvider, CLIENT_REDIRECT, leaveFor, requestAddress, startUpstreamSite } from "../../support/upstream-site.ts";

let site: TestRoles;
let plain: Hostile;
let naming: Hostile;
let browser: TestBrowser;
let count = 0;

beforeAll(async () => {
  site = await startUpstreamSite();
  [plain, naming] = await Promise.all([startHostile(), startHostile({ advertisesIss: true })]);
  await addProvider(site.gate, "plain", plain.issuer);
  await addProvider(site.gate, "naming", naming.issuer);
});
afterAll(async () => {
  plain[Symbol.dispose]();
  naming[Symbol.dispose]();
  await site.close();
});
beforeEach(() => {
  site.world.services.clock.advance(10);
  site.world.services.replaceNetwork({});
  browser = openBrowser(site.urls.issuer);
  count += 1;
  for (const hostile of [plain, naming]) {
    hostile.lie = {};
    hostile.person = { sub: `h-${count}`, email: `h-${count}@hostile.example`, email_verified: true };
  }
});

const hasCode = ({ location }: Visit) => location?.href.startsWith(`${CLIENT_REDIRECT}?`) === true && location.searchParams.has("code");

async function lied(lie: Lie, hostile: Hostile = plain, provider = "plain"): Promise<Visit> {
  hostile.lie = lie;
  return await browser.open(hostile.answer(await leaveFor(site, browser, provider)));
}

async function userIdOf(address: string): Promise<string | undefined> {
  const { store } = site.world;
  const [user] = await store.read((reader) => reader.select({ id: reader.tables.users.id }).from(reader.tables.users).where(eq(reader.tables.users.email_key, address)));
  return user?.id;
}

async function lastProblem(): Promise<string> {
  const last = (await auditRows(site.world.store)).findLast(({ operation }) => operation.startsWith("upstream_sign_in."));
  return `${last?.operation} ${last?.outcome} ${last?.details}`;
}

/** Nobody is signed in, nobody is made or connected, and the browser stands at the request that it came from. */
async function expectNothing(page: Visit, status: number): Promise<void> {
  expect([page.status, hasCode(page), browser.cookies.has("cyberun-issuer"), page.text.includes('id="sign-in"')]).toEqual([status, false, false, true]);
  const { store } = site.world;
  const people = await store.read((reader) => reader.select({ address: reader.tables.users.email_address }).from(reader.tables.users));
  expect(people.map(({ address }) => address)).not.toContain(`h-${count}@hostile.example`);
  expect(await lastProblem()).toMatch(/^upstream_sign_in\.finish refused .*"problem":"./);
}

test.each([["plain"], ["naming"]] as const)("without a lie it opens (%s)", async (name) => {
  const hostile = name === "plain" ? plain : naming;
  hostile.person = { sub: `good-${count}`, email: `good-${count}@hostile.example`, email_verified: true };
  expect(hasCode(await lied({}, hostile, name))).toBe(true);
});

// What is missing is not what is right.
describe("advisory 8: an ID token", () => {
  const without = (name: string): Lie => ({ claims: (claims) => ({ ...claims, [name]: undefined }) });
  const withClaim = (name: string, value: unknown): Lie => ({ claims: (claims) => ({ ...claims, [name]: value }) });
  const now = () => Math.floor(Date.now() / 1_000);
  const lies: readonly [string, () => Lie][] = [
    ["without exp", () => without("exp")],
    ["without iat", () => without("iat")],
    ["without aud", () => without("aud")],
    ["without iss", () => without("iss")],
    ["without sub", () => without("sub")],
    ["without nonce", () => without("nonce")],
    ["with another nonce", () => withClaim("nonce", "n".repeat(43))],
    ["with an empty nonce", () => withClaim("nonce", "")],
    ["of another issuer", () => withClaim("iss", "https://accounts.google.com")],
    ["of this issuer with a slash", () => ({ claims: (claims) => ({ ...claims, iss: `${plain.issuer}/` }) })],
    ["for another client", () => withClaim("aud", "somebody-else")],
    ["for nobody", () => withClaim("aud", [])],
    ["for two without azp", () => withClaim("aud", ["cyberun", "somebody-else"])],
    ["for two of which the other asked", () => ({ claims: (claims) => ({ ...claims, aud: ["cyberun", "somebody-else"], azp: "somebody-else" }) })],
    ["with azp of another", () => withClaim("azp", "somebody-else")],
    ["that has expired", () => ({ claims: (claims) => ({ ...claims, iat: now() - 600, exp: now() - 31 }) })],
    ["with exp as text", () => withClaim("exp", String(now() + 300))],
    ["with exp of null", () => withClaim("exp", null)],
    ["that is not good yet", () => withClaim("nbf", now() + 300)],
    ["of the future", () => withClaim("iat", now() + 300)],
    ["with a subject that is no text", () => withClaim("sub", 7)],
    ["with an empty subject", () => withClaim("sub", "")],
    ["with a subject of two lines", () => withClaim("sub", "h-1\nh-2")],
    ["with a subject that is too long", () => withClaim("sub", "x".repeat(256))],
  ];
  test.each(lies)("%s", async (_name, lie) => expectNothing(await lied(lie()), 410));

  test("a little ahead or behind of this clock is good", async () => {
    plain.person = { sub: `good-${count}`, email: `good-${count}@hostile.example`, email_verified: true };
    expect(hasCode(await lied({ claims: (claims) => ({ ...claims, iat: now() + 20, exp: now() - 10 }) }))).toBe(true);
  });
});

describe("advisory 9: an ID token", () => {
  const forgeries: readonly [string, () => Lie][] = [
    ["with alg none, which the discovery document names", () => ({ idToken: unsecuredToken })],
    ["with HS256 and the client's secret, which the discovery document names", () => ({ idToken: (claims) => symmetricToken(claims, "a-secret-of-the-peer-that-is-long-enough") })],
    ["signed by another key", () => ({ idToken: (claims) => plain.sign(claims, { withOtherKey: true }) })],
    ["without a signature", () => ({ idToken: async (claims) => `${(await plain.sign(claims)).split(".").slice(0, 2).join(".")}.` })],
    ["with an altered payload", () => ({ idToken: async (claims) => replaced(await plain.sign(claims), { ...claims, sub: "somebody-else" }) })],
    ["that is no token", () => ({ idToken: () => "nonsense" })],
    ["that is missing", () => ({ token: () => Response.json({ access_token: "at", token_type: "Bearer" }) })],
    ["whose keys are empty", () => ({ jwks: () => Response.json({ keys: [] }) })],
  ];
  test.each(forgeries)("%s", async (_name, lie) => {
    // Keys are kept, so a fresh provider shows those of this lie.
    using fresh = await startHostile();
    fresh.person = plain.person;
    const id = `fresh-${count}`;
    await addProvider(site.gate, id, fresh.issuer);
    const told = lie();
    const page = await lied({ ...told, ...(told.claims === undefined ? { claims: (claims) => ({ ...claims, iss: fresh.issuer }) } : {}) }, fresh, id);
    await expectNothing(page, 410);
  });
});

function replaced(token: string, claims: Readonly<Record<string, unknown>>): string {
  const [header, , signature] = token.split(".");
  return [header, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
}

describe("advisory 38: an address that has an account here", () => {
  async function owned(): Promise<string> {
    const { userId } = await addPerson(site.gate, { address: `owner-${count}@example.com` });
    return userId;
  }
  async function connected(userId: string): Promise<number> {
    const { upstreamIdentities: identities } = (await site.world.store.read(async (reader) => reader)).tables;
    return (await site.world.store.read((reader) => reader.select().from(identities).where(eq(identities.user_id, userId)))).length;
  }
  const spellings = () => [`owner-${count}@example.com`, `OWNER-${count}@Example.COM`, `owner-${count}\uFF20example.com`, ` owner-${count}@example.com `];

  test.each([[true], [false], [undefined], ["true"]])("opens nothing by itself, in no spelling, verified or not: %p", async (email_verified) => {
    const userId = await owned();
    for (const [index, email] of spellings().entries()) {
      browser = openBrowser(site.urls.issuer);
      plain.person = { sub: `thief-${count}-${index}`, email, email_verified };
      const page = await lied({});
      expect([email, page.status, hasCode(page), browser.cookies.has("cyberun-issuer"), page.text.includes('id="connect"')]).toEqual([email, 200, false, false, true]);
    }
    expect(await connected(userId)).toBe(0);
  });

  test("opens nothing at a provider that is trusted to bring new people", async () => {
    const userId = await owned();
    await updateProvider(site.gate, operator, { id: "plain", members: { provisioning: "trusted" } });
    plain.person = { sub: `thief-${count}`, email: `owner-${count}@example.com`, email_verified: true };
    const page = await lied({});
    await updateProvider(site.gate, operator, { id: "plain", members: { provisioning: null } });
    expect([hasCode(page), await connected(userId)]).toEqual([false, 0]);
  });
});

describe("advisory 39: a state", () => {
  test("is good once, and in one browser", async () => {
    plain.person = { sub: `good-${count}`, email: `good-${count}@hostile.example`, email_verified: true };
    const away = await leaveFor(site, browser, "plain");
    const callback = plain.answer(away);
    const thief = openBrowser(site.urls.issuer);
    await thief.open(requestAddress(site));
    expect([(await thief.open(callback)).status, thief.cookies.has("cyberun-issuer")]).toEqual([410, false]);
    expect(hasCode(await browser.open(callback))).toBe(true);
    // The provider would give another code for the same request; this server does not even ask for its tokens.
    const before = plain.asked.length;
    expect([(await browser.open(plain.answer(away))).status, plain.asked.slice(before)]).toEqual([410, []]);
  });

  test("of one provider is none at another, to which it sent the browser on", async () => {
    const away = new URL(await leaveFor(site, browser, "plain"));
    await expectNothing(await browser.open(naming.answer(`${naming.issuer}${away.pathname}${away.search}`)), 410);
  });
});

// RFC 9207.
describe("advisory 39: the answer's issuer", () => {
  test("is another's", async () => expectNothing(await lied({ callback: (good) => ({ ...good, iss: naming.issuer }) }), 410));
  test("is this one with a slash", async () => expectNothing(await lied({ callback: (good) => ({ ...good, iss: `${plain.issuer}/` }) }), 410));
  test("is missing although it is advertised", async () => {
    const withoutIss: Lie = { callback: ({ iss: _iss, ...rest }) => rest };
    await expectNothing(await lied(withoutIss, naming, "naming"), 410);
  });
});

describe("advisory 39: the callback", () => {
  test("is an error, which is not shown", async () => {
    const page = await lied({ callback: ({ state = "", iss = "" }) => ({ state, iss, error: "access_denied", error_description: "<script>alert(1)</script>" }) });
    await expectNothing(page, 410);
    expect([page.text.includes("<script"), page.text.includes("access_denied")]).toEqual([false, false]);
  });

  test("has no code", async () => expectNothing(await lied({ callback: ({ state = "", iss = "" }) => ({ state, iss }) }), 410));
  test("has a code that the provider does not know", async () => expectNothing(await lied({ callback: (good) => ({ ...good, code: "made-up" }) }), 410));
  test("brings an ID token along", async () => expectNothing(await lied({ callback: (good) => ({ ...good, id_token: "x.y.z" }) }), 410));
  test("is a signed response that nobody asked for", async () => expectNothing(await lied({ callback: (good) => ({ ...good, response: "x.y.z" }) }), 410));
});

// Whatever it sends is small, quick and its own.
describe("advisory 48: the token endpoint of an upstream", () => {
  const answers: readonly [string, Lie, number][] = [
    ["answers 500", { token: () => new Response("down", { status: 500 }) }, 410],
    ["answers an error", { token: () => Response.json({ error: "invalid_client" }, { status: 401 }) }, 410],
    ["answers nonsense", { token: () => new Response("<html>", { headers: { "content-type": "application/json" } }) }, 410],
    ["answers HTML", { token: () => new Response("<html>", { headers: { "content-type": "text/html" } }) }, 410],
    ["answers a list", { token: () => Response.json([]) }, 410],
    ["answers without an access token", { token: () => Response.json({ token_type: "Bearer", id_token: "x.y.z" }) }, 410],
    ["answers with a token type that nobody knows", { token: async (usual) => Response.json({ ...Object(await usual.json()), token_type: "mac" }) }, 410],
    ["sends somewhere else", { token: () => new Response(null, { status: 302, headers: { location: `${"http://127.0.0.1:1"}/token` } }) }, 410],
    ["answers more than a megabyte", { token: () => Response.json({ access_token: "x".repeat(1_100_000), token_type: "Bearer" }) }, 503],
  ];
  test.each(answers)("%s", async (_name, lie, status) => expectNothing(await lied(lie), status));

  test("never ends its answer", async () => {
    const asked = Promise.withResolvers<void>();
    plain.lie = {
      token() {
        asked.resolve();
        return new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("{")) }), { headers: { "content-type": "application/json" } });
      },
    };
    const page = browser.open(plain.answer(await leaveFor(site, browser, "plain")));
    await asked.promise;
    site.world.services.clock.advance(10_000);
    await expectNothing(await page, 503);
  });
});

// The network takes its time, and the administrator does not wait for it.
test("advisory 10: a provider that is disabled while its code is redeemed lets nobody in", async () => {
  const page = await lied({
    async token(usual): Promise<Response> {
      await updateProvider(site.gate, operator, { id: "plain", is_disabled: true, members: {} });
      return usual;
    },
  });
  await updateProvider(site.gate, operator, { id: "plain", is_disabled: false, members: {} });
  expect([page.status, hasCode(page), browser.cookies.has("cyberun-issuer")]).toEqual([404, false, false]);
  expect(await userIdOf(`h-${count}@hostile.example`)).toBeUndefined();
});

// The proof belongs to this sign-in, whoever else is signed in at the browser.
describe("advisory 38: an identity that waits to be connected", () => {
  async function waiting() {
    plain.person = { sub: `w-${count}`, email: "somebody@example.com", email_verified: false };
    const page = await lied({});
    return { handle: page.url.split("/").at(-1) ?? "", browser: browser.cookies.get("cyberun-browser") ?? "" };
  }
  async function signedIn(address: string): Promise<UserCaller> {
    const { userId } = await addPerson(site.gate, { address });
    const { sessionId } = await signIn(site.gate, address, "cookie");
    return { ...userCaller(userId, undefined), sessionId };
  }

  test("is connected by a session that was made for it, once", async () => {
    const shown = await waiting();
    const person = await signedIn(`fresh-${count}@example.com`);
    expect(await codeOf(connectIdentity(site.gate, person, shown))).toBeUndefined();
    expect(await codeOf(connectIdentity(site.gate, person, shown))).toBe("gone");
  });

  test("is not connected by a session from before, and is over then no more than before", async () => {
    const person = await signedIn(`old-${count}@example.com`);
    site.world.services.clock.advance(1_000);
    const shown = await waiting();
    expect(await codeOf(connectIdentity(site.gate, person, shown))).toBe("gone");
    const { sessionId } = await signIn(site.gate, `old-${count}@example.com`, "cookie");
    expect(await codeOf(connectIdentity(site.gate, { ...person, sessionId }, shown))).toBeUndefined();
  });

  test("is not connected by a session that has ended, or is another person's", async () => {
    const shown = await waiting();
    const person = await signedIn(`ended-${count}@example.com`);
    const other = await signedIn(`other-${count}@example.com`);
    await endSession(site.gate, person, undefined);
    expect(await codeOf(connectIdentity(site.gate, person, shown))).toBe("gone");
    expect(await codeOf(connectIdentity(site.gate, { ...person, sessionId: other.sessionId }, shown))).toBe("gone");
  });

  test("is not connected with a second account, and one account has so many at most", async () => {
    const [first, second] = [await waiting(), { ...(await waiting()) }];
    expect(await codeOf(connectIdentity(site.gate, await signedIn(`one-${count}@example.com`), first))).toBeUndefined();
    expect(await codeOf(connectIdentity(site.gate, await signedIn(`two-${count}@example.com`), second))).toBe("conflict");
  });

  test("is over after a quarter of an hour", async () => {
    const shown = await waiting();
    site.world.services.clock.stepWall(900_001);
    const person = await signedIn(`late-${count}@example.com`);
    const refused = await codeOf(connectIdentity(site.gate, person, shown));
    site.world.services.clock.stepWall(-900_001);
    expect(refused).toBe("gone");
  });

  test.each(strangersTo("upstream_identity.connect"))("is connected by nobody but people: %j", async ({ caller, code }) => {
    expect(await codeOf(connectIdentity(site.gate, caller, await waiting()))).toBe(code);
  });
});

describe("advisory 38: userinfo", () => {
  const bare: Lie = { claims: ({ email: _email, email_verified: _verified, ...claims }) => claims };

  test("tells the address that the ID token leaves out", async () => {
    plain.person = { sub: `good-${count}`, email: `good-${count}@hostile.example`, email_verified: true };
    expect(hasCode(await lied(bare))).toBe(true);
  });

  test("of another subject is refused", async () => expectNothing(await lied({ ...bare, userinfo: (claims) => Response.json({ ...claims, sub: "somebody-else" }) }), 410));
  test("without a subject is refused", async () => expectNothing(await lied({ ...bare, userinfo: ({ sub: _sub, ...claims }) => Response.json(claims) }), 410));
  test("that fails is refused", async () => expectNothing(await lied({ ...bare, userinfo: () => new Response("down", { status: 500 }) }), 410));
  test("is not asked where the ID token has the address, and cannot change it", async () => {
    plain.person = { sub: `good-${count}`, email: `good-${count}@hostile.example`, email_verified: true };
    plain.asked.length = 0;
    expect(hasCode(await lied({ userinfo: (claims) => Response.json({ ...claims, email: "owner@example.com" }) }))).toBe(true);
    expect(plain.asked).not.toContain("/userinfo");
  });

  test("cannot lend the word verified to the ID token's address", async () => {
    const page = await lied({ claims: ({ email_verified: _verified, ...claims }) => claims });
    expect([page.text.includes('id="connect"'), hasCode(page)]).toEqual([true, false]);
  });
});

describe("advisory 42: a provider is named", () => {
  const members = { issuer: "https://login.example.com", client_id: "x" };
  test.each(strangersTo("upstream_provider.create"))("by nobody but administrators: %j", async ({ caller, code }) => {
    expect(await codeOf(createProvider(site.gate, caller, { id: "stranger", client_secret: "x", members }))).toBe(code);
  });

  test("by nobody who is not an administrator of the deployment, whatever they are in a team", async () => {
    const { teamId } = site.people;
    const owner = await addPerson(site.gate, { teamId, role: "admin" });
    expect(await codeOf(createProvider(site.gate, owner, { id: "person", client_secret: "x", members }))).toBe("forbidden");
    expect(await codeOf(updateProvider(site.gate, owner, { id: "plain", members: { provisioning: "trusted" } }))).toBe("forbidden");
    expect(await codeOf(deleteProvider(site.gate, owner, { id: "plain" }))).toBe("forbidden");
  });

  test.each([["file:///etc/passwd"], ["http://169.254.169.254"], ["http://10.0.0.1"], ["gopher://x"], ["https://user@login.example.com"], ["//login.example.com"]])("at no address such as %s", async (issuer) => {
    expect(await codeOf(createProvider(site.gate, operator, { id: "odd", client_secret: "x", members: { ...members, issuer } }))).toBe("invalid_request");
  });
});

describe("advisory 42: a discovery document", () => {
  const documents: readonly [string, HostileOptions["discovery"]][] = [
    ["of another issuer", (document) => ({ ...document, issuer: "https://accounts.google.com" })],
    ["of this issuer with a slash", (document) => ({ ...document, issuer: `${String(document["issuer"])}/` })],
    ["without an issuer", ({ issuer: _issuer, ...document }) => document],
    ["without an authorization endpoint", ({ authorization_endpoint: _endpoint, ...document }) => document],
    ["with a script as its authorization endpoint", (document) => ({ ...document, authorization_endpoint: "javascript:alert(1)" })],
    ["with data as its authorization endpoint", (document) => ({ ...document, authorization_endpoint: "data:text/html,x" })],
    ["that is larger than a megabyte", (document) => ({ ...document, more: "x".repeat(1_100_000) })],
  ];
  test.each(documents)("%s leads nowhere", async (_name, discovery) => {
    using fresh = await startHostile(discovery === undefined ? {} : { discovery });
    const id = `fresh-${count}`;
    await addProvider(site.gate, id, fresh.issuer);
    await browser.open(requestAddress(site));
    const page = await browser.submit("upstream", { provider: id });
    expect([[410, 503].includes(page.status), page.location, page.text.includes('id="sign-in"')]).toEqual([true, undefined, true]);
    expect(await lastProblem()).toMatch(/^upstream_sign_in\.start refused .*"problem":"./);
  });

  test("is kept: a second sign-in asks for the token alone, and keys once", async () => {
    for (const round of [1, 2]) {
      browser = openBrowser(site.urls.issuer);
      plain.person = { sub: `good-${count}-${round}`, email: `good-${count}-${round}@hostile.example`, email_verified: true };
      if (round === 2) plain.asked.length = 0;
      expect(hasCode(await lied({}))).toBe(true);
    }
    expect(plain.asked).toEqual(["/token"]);
  });

  test("is asked for again after an hour", async () => {
    await leaveFor(site, browser, "plain");
    plain.asked.length = 0;
    site.world.services.clock.advance(3_600_000);
    await leaveFor(site, browser, "plain");
    expect(plain.asked).toEqual(["/.well-known/openid-configuration"]);
  });
});

// Addresses that a document names go through the same guard.
describe("advisory 48: an upstream's address inside of the operator's network", () => {
  test("is not asked although a provider of the internet names it", async () => {
    await using guarded = await startUpstreamSite({ settings: { dialAllow: [] } });
    await addProvider(guarded.gate, "plain", plain.issuer);
    plain.asked.length = 0;
    const visitor = openBrowser(guarded.urls.issuer);
    await visitor.open(requestAddress(guarded));
    const page = await visitor.submit("upstream", { provider: "plain" });
    expect([page.status, page.location, plain.asked]).toEqual([503, undefined, []]);
  });

  test.each([["127.0.0.2"], ["10.0.0.1"], ["169.254.169.254"], ["[::ffff:127.0.0.1]"]])("is not asked as the token endpoint: %s", async (host) => {
    const only = findDialAllowance("127.0.0.1");
    await using guarded = await startUpstreamSite({ settings: { dialAllow: only === undefined ? [] : [only] } });
    using fresh = await startHostile({ discovery: (document) => ({ ...document, token_endpoint: `http://${host}:9/token` }) });
    await addProvider(guarded.gate, "fresh", fresh.issuer);
    const visitor = openBrowser(guarded.urls.issuer);
    const page = await visitor.open(fresh.answer(await leaveFor(guarded, visitor, "fresh")));
    expect([page.status, hasCode(page), fresh.asked]).toEqual([503, false, ["/.well-known/openid-configuration"]]);
    const last = (await auditRows(guarded.world.store)).at(-1);
    expect(last?.details).toContain(host.replace(/^\[|\]$/g, "").replace("127.0.0.1", "7f00:1"));
  });
});

test("no provider, no network: an air-gapped site asks nobody", async () => {
  await using lonely = await startUpstreamSite();
  const asked: string[] = [];
  const refuse = (what: string) => {
    asked.push(what);
    return Promise.reject(new Error("there is no network"));
  };
  lonely.world.services.replaceNetwork({ resolve: (name) => refuse(name), exchange: ({ url }) => refuse(url.href) });
  const visitor = openBrowser(lonely.urls.issuer);
  const page = await visitor.open(requestAddress(lonely));
  await visitor.open(`${lonely.urls.issuer}/upstream/start?provider=google`);
  await visitor.open(`${lonely.urls.issuer}/upstream/callback?state=${"a".repeat(43)}&code=x`);
  expect([page.text.includes('id="upstream"'), asked]).toEqual([false, []]);
});

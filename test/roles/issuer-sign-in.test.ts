/** The dashboard's sign-in through the issuer: in a real browser, and by requests that somebody else has made up. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import type { Browser } from "playwright-core";
import { createSessionByIssuer, DASHBOARD_CLIENT } from "../../src/oidc/dashboard-sign-in.ts";
import { signIdToken } from "../../src/oidc/id-tokens.ts";
import { launchBrowser } from "../support/chromium.ts";
import { auditRows } from "../support/gate.ts";
import { addPerson, anonymous, ownerAddress, PASSWORD, userCaller } from "../support/people.ts";
import { codeOf } from "../support/refusal.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";
import { enrol } from "../support/second-factor.ts";
import { testNeeding, whyNot } from "../support/skip.ts";

let site: TestRoles;
let browser: Browser | undefined;
beforeAll(async () => {
  if (whyNot(["chromium"]) === undefined) browser = await launchBrowser();
});
afterAll(async () => await browser?.close());
beforeEach(async () => {
  site = await startRoles();
});
afterEach(() => site.close());

async function newPage() {
  if (browser === undefined) throw new Error("there is no browser");
  const context = await browser.newContext({ locale: "en" });
  return { page: await context.newPage(), context, [Symbol.asyncDispose]: () => context.close() };
}

testNeeding("chromium", "one signs in at the issuer and is in the dashboard; a second time nothing is typed; signing out ends both", async () => {
  await using tab = await newPage();
  const { page, context } = tab;
  await page.goto(`${site.urls.api}/sign-in`);
  await page.click("#issuer-sign-in");
  expect(new URL(page.url()).origin).toBe(site.urls.issuer);
  await page.fill("#email_address", ownerAddress);
  await page.fill("#user_password", PASSWORD);
  await page.click("#submit");
  await page.locator("body.app main h1").waitFor();
  expect(page.url()).toBe(`${site.urls.api}/`);
  const cookies = await context.cookies();
  expect(cookies.filter(({ name }) => name.startsWith("cyberun")).map(({ httpOnly }) => httpOnly)).not.toContain(false);
  expect(cookies.find(({ name }) => name === "cyberun")?.sameSite).toBe("Strict");
  expect(await page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")).not.toContain("eyJ");

  // The dashboard's session alone is gone: the issuer still knows who is there.
  await context.clearCookies({ name: "cyberun" });
  await page.goto(`${site.urls.api}/sign-in/issuer`);
  await page.locator("body.app main h1").waitFor();
  expect(page.url()).toBe(`${site.urls.api}/`);

  await page.click("text=Sign out");
  await page.waitForURL((url) => url.origin === site.urls.issuer);
  await page.click("button[type=submit]");
  await page.goto(`${site.urls.api}/sign-in/issuer`);
  await page.locator("#user_password").waitFor();
  expect((await auditRows(site.world.store)).filter(({ operation }) => operation === "session.create_by_issuer").length).toBe(2);
}, 60_000);

testNeeding("chromium", "the second factor is asked for at the issuer, and the session says so", async () => {
  const { app } = await enrol(site.gate, site.people.owner);
  await using tab = await newPage();
  const { page } = tab;
  await page.goto(`${site.urls.api}/sign-in/issuer`);
  await page.fill("#email_address", ownerAddress);
  await page.fill("#user_password", PASSWORD);
  await page.click("#submit");
  await page.fill("#code", app.code());
  await page.click("#submit");
  await page.locator("body.app main h1").waitFor();
  const sessions = await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.sessions).where(eq(reader.tables.sessions.kind, "cookie")));
  expect(sessions.map(({ amr }) => JSON.parse(amr ?? "[]"))).toContainEqual(["pwd", "otp", "mfa"]);
}, 60_000);

describe("the way back is refused", () => {
  /** The first step as a browser does it: the cookie's value and what the issuer is asked. */
  async function begin() {
    const { headers } = await site.call("/sign-in/issuer");
    const [, verifier = ""] = /cyberun-dashboard=([^;]+)/.exec(headers.get("set-cookie") ?? "") ?? [];
    return { verifier, asked: new URL(headers.get("location") ?? "").searchParams };
  }
  const back = async (query: Readonly<Record<string, string>>, cookie?: string) =>
    await site.call(`/sign-in/issuer/callback?${new URLSearchParams(query).toString()}`, { headers: { accept: "text/html", ...(cookie === undefined ? {} : { cookie: `cyberun-dashboard=${cookie}` }) } });

  test("without the browser's cookie, with another's, with another state or another issuer's answer (mix-up)", async () => {
    const [mine, other] = [await begin(), await begin()];
    const state = mine.asked.get("state") ?? "";
    const good = { code: "x", state, iss: site.urls.issuer };
    for (const [query, cookie] of [
      [good, undefined],
      [good, other.verifier],
      [{ ...good, state: other.asked.get("state") ?? "" }, mine.verifier],
      [{ ...good, iss: "https://evil.example" }, mine.verifier],
      [{ code: "x", state }, mine.verifier],
      [{ error: "access_denied", state, iss: site.urls.issuer }, mine.verifier],
      [good, mine.verifier],
    ] as const) {
      const answer = await back(query, cookie);
      expect([query, answer.status, answer.headers.get("set-cookie")]).toEqual([query, 410, null]);
    }
  });

  test("the challenge is of the verifier, and state and nonce tell nothing of it", async () => {
    const { verifier, asked } = await begin();
    const hash = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("base64url");
    expect(Object.fromEntries(asked)).toMatchObject({ code_challenge: hash(verifier), code_challenge_method: "S256" });
    expect(new Set([asked.get("code_challenge"), asked.get("state"), asked.get("nonce"), verifier].map(String)).size).toBe(4);
  });

  test("when the issuer does not answer, with the way that is left", async () => {
    await using lone = await startRoles({ isIssuerGone: true });
    const { headers } = await lone.call("/sign-in/issuer");
    const [, verifier = ""] = /cyberun-dashboard=([^;]+)/.exec(headers.get("set-cookie") ?? "") ?? [];
    const state = new URL(headers.get("location") ?? "").searchParams.get("state") ?? "";
    const answer = await lone.call(`/sign-in/issuer/callback?${new URLSearchParams({ code: "x", state, iss: lone.urls.issuer }).toString()}`, { headers: { accept: "text/html", cookie: `cyberun-dashboard=${verifier}` } });
    expect([answer.status, answer.text.includes("The issuer does not answer the dashboard.")]).toEqual([503, true]);
  });

  test.each([
    ["a page of a proxy", () => new Response("<html>hello</html>"), 503],
    ["JSON without an ID token", () => Response.json({ access_token: "x" }), 503],
    ["a fault of its own", () => Response.json({ error: "server_error" }, { status: 500 }), 503],
    ["a refusal of the code", () => Response.json({ error: "invalid_grant" }, { status: 400 }), 410],
  ] as const)("when the issuer answers with %s it is told apart, and nobody is signed in", async (_name, answer, status) => {
    const { verifier, asked } = await begin();
    site.world.services.replaceFetch(async () => answer());
    const told = await back({ code: "x", state: asked.get("state") ?? "", iss: site.urls.issuer }, verifier);
    expect([told.status, told.headers.get("set-cookie")]).toEqual([status, null]);
  });

  test("an ID token for another client, person, nonce, time or issuer makes no session", async () => {
    const verifier = "a".repeat(43);
    const nonce = new Bun.CryptoHasher("sha256").update(`nonce ${verifier}`).digest("base64url");
    const now = Math.floor(site.gate.services.clock.now() / 1_000);
    const key = await site.keyring.getSigningKey();
    const facts = { issuer: site.urls.issuer, clientId: DASHBOARD_CLIENT, subject: site.people.owner.userId, issuedAt: now, lifeSeconds: 300, authTimeMs: undefined, acr: undefined, amr: ["pwd"], nonce, sid: undefined, personClaims: {}, accessToken: "x" };
    const disabled = await addPerson(site.gate, { address: "gone@example.com" });
    await site.gate.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ disabled_at: 1 }).where(eq(writer.tables.users.id, disabled.userId))));
    const outcome = async (changes: object) => await codeOf(createSessionByIssuer(site.gate, anonymous, { keyring: site.keyring, idToken: await signIdToken(key, { ...facts, ...changes }), verifier }));
    for (const changes of [{ clientId: "another" }, { issuer: "https://evil.example" }, { nonce: undefined }, { nonce: "other" }, { issuedAt: now - 301 }, { subject: userCaller("nobody", undefined).userId }, { subject: disabled.userId }]) {
      expect([changes, await outcome(changes)]).toEqual([changes, "gone"]);
    }
    const good = await signIdToken(key, facts);
    expect(await codeOf(createSessionByIssuer(site.gate, anonymous, { keyring: site.keyring, idToken: `${good.slice(0, -4)}AAAA`, verifier }))).toBe("gone");
    expect(await codeOf(createSessionByIssuer(site.gate, anonymous, { keyring: site.keyring, idToken: good, verifier: "b".repeat(43) }))).toBe("gone");
    expect(await outcome({})).toBeUndefined();
  });
});

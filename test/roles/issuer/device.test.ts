/** The page on which people type a device's code: sign-in, look, decide, over real sockets. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { formsOf, openBrowser, type TestBrowser } from "../../support/browser.ts";
import { type Codes, type DeviceFlow, startDeviceFlow } from "../../support/device-flow.ts";
import { auditRows } from "../../support/gate.ts";
import { outcome } from "../../support/oauth.ts";
import { addPerson, ownerAddress, PASSWORD } from "../../support/people.ts";
import { startRoles, type TestRoles } from "../../support/roles.ts";
import { enrol } from "../../support/second-factor.ts";

const person = { email_address: ownerAddress, user_password: PASSWORD };
const other = { email_address: "grace@example.com", user_password: PASSWORD };
const allow = { decision: "allow" };

let site: TestRoles;
let flow: DeviceFlow;
let browser: TestBrowser;
let codes: Codes;

beforeAll(async () => {
  site = await startRoles();
  flow = await startDeviceFlow(site);
  await addPerson(site.gate, { address: other.email_address });
});
afterAll(() => site.close());
beforeEach(async () => {
  site.license({});
  site.world.services.clock.advance(60_000);
  browser = openBrowser(site.urls.issuer);
  codes = await flow.ask({ scope: "openid email offline_access" });
});

const page = (code?: string) => `${site.urls.issuer}/device${code === undefined ? "" : `?user_code=${code}`}`;
const poll = async () => outcome(await flow.poll(codes.deviceCode));

describe("a code", () => {
  test("that came with the link is shown to whoever signs in, confirmed, looked at and allowed", async () => {
    const first = await browser.open(page(codes.userCode));
    expect([first.status, first.text.includes('id="sign-in"'), first.text.includes("Sign in to connect a device."), first.text.includes("own:page")]).toEqual([200, true, true, false]);
    const second = await browser.submit("sign-in", person);
    expect([second.url, second.text.includes(`value="${codes.userCode}"`), second.text.includes("Wall screen")]).toEqual([page(codes.userCode), true, false]);
    const third = await browser.submit("device", { user_code: codes.userCode });
    expect([third.status, third.text.includes("Wall screen"), third.text.includes("Ada Lovelace"), third.text.includes(`id="user-code">${codes.userCode}<`)]).toEqual([200, true, true, true]);
    for (const scope of ["openid", "email", "offline_access"]) expect(third.text).toContain(`data-scope="${scope}"`);
    expect([third.text.includes('data-scope="profile"'), third.text.includes("from 127.0.0.1")]).toEqual([false, true]);
    expect(await poll()).toEqual([400, "authorization_pending"]);
    const last = await browser.submit("consent", allow);
    expect([last.status, last.text.includes('id="device-allowed"')]).toEqual([200, true]);
    expect((await flow.poll(codes.deviceCode)).status).toBe(200);
  });

  test("may be typed in any case, with spaces or without its dash", async () => {
    await browser.open(page());
    await browser.submit("sign-in", person);
    const typed = ` ${codes.userCode.toLowerCase().replace("-", " ")} `;
    expect((await browser.submit("device", { user_code: typed })).text).toContain('id="consent"');
  });

  test("that is refused is told to the device, and is not good any more", async () => {
    await browser.open(page(codes.userCode));
    await browser.submit("sign-in", person);
    await browser.submit("device", { user_code: codes.userCode });
    expect((await browser.submit("consent", { decision: "deny" })).text).toContain('id="device-denied"');
    expect(await poll()).toEqual([400, "access_denied"]);
    await browser.open(page(codes.userCode));
    const again = await browser.submit("device", { user_code: codes.userCode });
    expect([again.status, again.text.includes('id="consent"'), again.text.includes('id="error"')]).toEqual([404, false, true]);
  });

  test("leaves the device waiting when the sign-in was left with a no", async () => {
    await browser.open(page(codes.userCode));
    const left = await browser.submit("cancel", { decision: "deny" });
    expect([left.status, left.text.includes('id="device-denied"')]).toEqual([200, true]);
    expect(await poll()).toEqual([400, "authorization_pending"]);
  });

  test("is asked for in German, without scripts, and with a policy that allows none", async () => {
    const { text, headers } = await browser.open(page(codes.userCode), { headers: { "accept-language": "de-DE,de;q=0.9" } });
    expect([text.includes("um ein Gerät zu verbinden"), text.includes("<script")]).toEqual([true, false]);
    expect(headers.get("content-security-policy")).not.toContain("script-src");
    await browser.submit("sign-in", person, { "accept-language": "de" });
    const asked = await browser.submit("device", { user_code: codes.userCode }, { "accept-language": "de" });
    expect([asked.text.includes("Hat Ihnen jemand den Code"), asked.text.includes("<script"), asked.headers.get("content-security-policy")?.includes("frame-ancestors 'none'")]).toEqual([true, false, true]);
  });
});

describe("nothing is approved", () => {
  const signIn = async (who: TestBrowser, credentials = person) => {
    await who.open(page());
    await who.submit("sign-in", credentials);
  };

  test("by opening a link, however it is spelled, signed in or not", async () => {
    await signIn(browser);
    const rows = (await auditRows(site.gate.store)).length;
    for (const address of [page(codes.userCode), `${page(codes.userCode)}&decision=allow`, `${site.urls.issuer}/device/decision?user_code=${codes.userCode}&decision=allow`]) await browser.open(address);
    expect(await poll()).toEqual([400, "authorization_pending"]);
    // It was not even looked up, so that nobody's link can take a code or use up somebody's guesses.
    expect(await auditRows(site.gate.store)).toHaveLength(rows);
  });

  test("by a form of another site, and by one that does not say whose it is", async () => {
    await signIn(browser);
    await browser.open(page(codes.userCode));
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    for (const headers of [{ cookie, "sec-fetch-site": "cross-site" }, { cookie, "sec-fetch-site": "same-site" }, { cookie, origin: "https://evil.example" }, { cookie }]) {
      const { status } = await site.call("/device/decision", { role: "issuer", form: { user_code: codes.userCode, decision: "allow" }, headers });
      expect([headers, status]).toEqual([headers, 403]);
    }
    expect(await poll()).toEqual([400, "authorization_pending"]);
  });

  test("by somebody who is not signed in: they are led to sign in and have to decide again", async () => {
    const answer = await site.call("/device/decision", { role: "issuer", form: { user_code: codes.userCode, decision: "allow" }, headers: { "sec-fetch-site": "same-origin" } });
    expect([answer.status, answer.headers.get("location")?.startsWith("/interaction/")]).toEqual([303, true]);
    expect(await poll()).toEqual([400, "authorization_pending"]);
  });

  test("by a second person, once a first one has looked at the code", async () => {
    await signIn(browser);
    await browser.submit("device", { user_code: codes.userCode });
    const second = openBrowser(site.urls.issuer);
    await signIn(second, other);
    const stolen = await second.submit("device", { user_code: codes.userCode });
    expect([stolen.status, stolen.text.includes("Wall screen")]).toEqual([404, false]);
    await browser.submit("consent", allow);
    const { body } = await flow.poll(codes.deviceCode);
    expect(JSON.stringify(Buffer.from(String(body["id_token"]).split(".")[1] ?? "", "base64url").toString())).toContain("ada@example.com");
  });

  test("by a page that was shown to somebody else at this browser", async () => {
    await signIn(browser);
    await browser.submit("device", { user_code: codes.userCode });
    const [form] = formsOf(browser.page.text).filter(({ id }) => id === "consent");
    const second = openBrowser(site.urls.issuer);
    await signIn(second, other);
    const cookie = [...second.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await site.call("/device/decision", { role: "issuer", form: { ...form?.fields, ...allow }, headers: { cookie, "sec-fetch-site": "same-origin" } });
    expect(answer.status).toBe(404);
    expect(await poll()).toEqual([400, "authorization_pending"]);
  });

  test("without the second factor of who has one", async () => {
    const careful = await addPerson(site.gate, { address: "careful@example.com" });
    await enrol(site.gate, careful);
    await browser.open(page(codes.userCode));
    const step = await browser.submit("sign-in", { email_address: "careful@example.com", user_password: PASSWORD });
    expect([step.text.includes('id="second-factor"'), step.text.includes("Sign in to connect a device."), browser.cookies.has("cyberun-issuer")]).toEqual([true, true, false]);
    await browser.open(page(codes.userCode));
    expect(browser.page.text).toContain('id="sign-in"');
  });

  test("while the license does not let the client be used", async () => {
    await signIn(browser);
    site.license({ features: { global: { oidc_provider: false } } });
    const { status, text } = await browser.submit("device", { user_code: codes.userCode });
    expect([status, text.includes("oidc_provider")]).toEqual([403, true]);
  });

  const bad: readonly string[] = ["", "ABCD", "ABCD-EFGH-2345", "0000-0000", "'; drop table", "<script>alert(1)</script>", "%00", "\u{1F600}".repeat(8)];
  test.each(bad)("for the code %j, which is asked for again and not shown as it came", async (code) => {
    await signIn(browser);
    const { status, text } = await browser.submit("device", { user_code: code });
    expect([status, text.includes('id="device"'), text.includes("<script>")]).toEqual([404, true, false]);
  });

  test("by a body that is none of the page's", async () => {
    await signIn(browser);
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    for (const form of [{}, { user_code: codes.userCode, decision: "maybe" }, { user_code: "A".repeat(65), decision: "allow" }]) {
      expect((await site.call("/device/decision", { role: "issuer", form, headers: { cookie, "sec-fetch-site": "same-origin" } })).status).toBe(400);
    }
    expect(await poll()).toEqual([400, "authorization_pending"]);
  });
});

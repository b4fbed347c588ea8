/** The account's pages and those of strangers over real sockets: who gets in, what is refused, and what no answer tells. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { findUserByCookie } from "../../../src/identity/authentication.ts";
import { listPasskeys } from "../../../src/identity/passkeys/passkeys.ts";
import { readSecondFactor } from "../../../src/identity/second-factors.ts";
import type { CreationOptions, RequestOptions } from "../../../src/identity/passkeys/options.ts";
import { openBrowser, type TestBrowser, type Visit } from "../../support/browser.ts";
import { startLocalIssuer } from "../../support/local-issuer.ts";
import { keptMail, type KeptMail } from "../../support/mail.ts";
import { addDevice, authenticatorDevice } from "../../support/passkey.ts";
import { addPerson, PASSWORD, signIn } from "../../support/people.ts";
import { shutStates } from "../../support/refusal.ts";
import type { TestRoles } from "../../support/roles.ts";
import { authenticator } from "../../support/second-factor.ts";
import { countWork } from "../../support/work-done.ts";
import type { UserCaller } from "../../../src/gate/caller.ts";

const nowhere = { teamId: undefined, address: undefined };
const NEW_PASSWORD = "four other words entirely";
const own = { "sec-fetch-site": "same-origin" };

let site: TestRoles;
let mail: KeptMail;
let browser: TestBrowser;
let person: UserCaller;
let address: string;

beforeAll(async () => {
  site = await startLocalIssuer({ settings: { hasMailServer: true } });
  mail = keptMail(site.gate);
});
afterAll(() => site.close());
beforeEach(async () => {
  site.license({});
  site.world.services.clock.advance(30_000);
  browser = openBrowser(site.urls.issuer);
  address = `${site.world.services.random.uuid()}@example.com`;
  person = await addPerson(site.gate, { address });
});

const open = (path: string, headers: Readonly<Record<string, string>> = {}) => browser.open(`${site.urls.issuer}${path}`, { headers });
const enter = async (password = PASSWORD): Promise<Visit> => {
  await open("/account");
  return await browser.submit("sign-in", { email_address: address, user_password: password });
};
/** A form that no page shows. */
const post = (path: string, form: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = own) =>
  site.call(path, { role: "issuer", method: "POST", form, headers: { ...headers, cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ") } });

function optionsOf<Options extends CreationOptions | RequestOptions>(text: string, isOne: (value: unknown) => value is Options): Options {
  const [, json = ""] = /data-options="([^"]*)"/.exec(text) ?? [];
  const value: unknown = JSON.parse(json.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&"));
  if (!isOne(value)) throw new Error("the page has no such options");
  return value;
}
const isCreation = (value: unknown): value is CreationOptions => typeof value === "object" && value !== null && "pubKeyCredParams" in value;
const isRequest = (value: unknown): value is RequestOptions => typeof value === "object" && value !== null && "allowCredentials" in value;

describe("the account", () => {
  test("is behind a sign-in, shows what there is, and signs out", async () => {
    expect((await open("/account")).url).toEndWith("/account/sign-in");
    const page = await enter();
    expect([page.status, page.url.endsWith("/account"), page.text.includes(address)]).toEqual([200, true, true]);
    const held = browser.cookies.get("cyberun-issuer") ?? "";
    const out = await browser.submit("sign-out");
    expect([out.text.includes('id="signed-out"'), browser.cookies.has("cyberun-issuer"), await findUserByCookie(site.gate, held, nowhere)]).toEqual([true, false, undefined]);
    expect((await open("/account")).url).toEndWith("/account/sign-in");
  });

  test("tells nothing of the names it was given but text", async () => {
    await enter();
    await addDevice(site.gate, person, '"><script>alert(1)</script>');
    const { users } = await site.gate.store.read(async ({ tables }) => tables);
    await site.gate.store.write(async (writer) => await writer.update(users).set({ display_name: "<img src=x onerror=alert(1)>" }).where(eq(users.id, person.userId)));
    const { text } = await open("/account");
    expect([text.includes("&lt;script&gt;alert(1)"), text.includes("<script"), text.includes("&lt;img src=x"), text.includes("<img")]).toEqual([true, false, true, false]);
  });

  test("shows other sessions and ends them, and nobody else's", async () => {
    const token = await signIn(site.gate, address, "cookie");
    const stranger = await addPerson(site.gate);
    const theirs = await signIn(site.gate, `${stranger.userId}@example.com`, "cookie");
    const { text } = await enter();
    expect([text.includes(`id="end-${token.sessionId}"`), text.includes(theirs.sessionId)]).toEqual([true, false]);
    expect((await post(`/account/sessions/${theirs.sessionId}/end`, {})).status).toBe(404);
    await browser.submit(`end-${token.sessionId}`);
    expect(await findUserByCookie(site.gate, token.secret, nowhere)).toBeUndefined();
    const more = await signIn(site.gate, address, "cookie");
    await open("/account");
    await browser.submit("end-others");
    expect([await findUserByCookie(site.gate, more.secret, nowhere), await findUserByCookie(site.gate, theirs.secret, nowhere)]).toEqual([undefined, expect.anything()]);
    expect((await open("/account")).url).toEndWith("/account");
  });

  test("changes the password, and a wrong one changes nothing and is said beside its field", async () => {
    const other = await signIn(site.gate, address, "cookie");
    await enter();
    await open("/account/password");
    const refused = await browser.submit("change-password", { current_password: "not the password", new_password: NEW_PASSWORD });
    expect([refused.status, refused.text.includes('<a href="#current_password">The current password is wrong.</a>'), refused.text.includes("not the password")]).toEqual([400, true, false]);
    expect(refused.text).toMatch(/id="current_password"[^>]*aria-describedby="current_password-note" aria-invalid="true"/);
    const done = await browser.submit("change-password", { current_password: PASSWORD, new_password: NEW_PASSWORD });
    expect([done.status, await findUserByCookie(site.gate, other.secret, nowhere), (await open("/account")).url.endsWith("/account")]).toEqual([200, undefined, true]);
  });

  test("sets up an authenticator and shows secret and recovery codes once", async () => {
    await enter();
    await open("/account/second-factor");
    const { text } = await browser.submit("enrol", { current_password: PASSWORD });
    const secret = (/<code id="secret">([A-Z2-7 ]+)<\/code>/.exec(text)?.[1] ?? "").replaceAll(" ", "");
    expect([secret.length, text.includes("<svg"), text.includes("otpauth")]).toEqual([32, true, false]);
    const app = authenticator(site.gate, secret);
    const wrong = await browser.submit("confirm", { code: app.wrong() });
    expect([wrong.status, wrong.text.includes(secret.slice(0, 4))]).toEqual([400, false]);
    const codes = [...(await browser.submit("confirm", { code: app.code() })).text.matchAll(/<li><code>([0-9a-z-]{23})<\/code>/g)].map(([, code]) => code ?? "");
    expect(codes).toHaveLength(10);
    const account = await open("/account");
    for (const shown of [secret, ...codes]) expect(account.text).not.toContain(shown);
    await open("/account/recovery-codes");
    site.world.services.clock.advance(30_000);
    expect((await browser.submit("renew", { current_password: PASSWORD, code: codes[0] ?? "" })).text).toContain('id="codes"');
    await open("/account/second-factor");
    site.world.services.clock.advance(30_000);
    await browser.submit("remove", { current_password: PASSWORD, code: app.code() });
    expect(await readSecondFactor(site.gate, person, undefined)).toEqual({ is_enrolled: false, is_locked: false, recovery_codes_left: 0 });
  });

  test("adds a passkey, signs in with it both ways, and removes it", async () => {
    await enter();
    await open("/account/passkeys/new");
    const device = authenticatorDevice(site.gate);
    const made = await browser.submit("begin-passkey", { current_password: PASSWORD });
    const credential = JSON.stringify(device.create(optionsOf(made.text, isCreation)));
    expect((await browser.submit("passkey", { display_name: "Laptop", credential })).text).toContain('id="codes"');
    await open("/account");
    await browser.submit("sign-out");
    const second = await enter();
    expect([second.status, second.text.includes('id="second-factor"'), browser.cookies.has("cyberun-issuer")]).toEqual([200, true, false]);
    // The right password alone opens nothing.
    expect((await site.call("/account", { role: "issuer", headers: { cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ") } })).headers.get("location")).toBe("/account/sign-in");
    const options = optionsOf(second.text, isRequest);
    expect((await browser.submit("passkey", { passkey: JSON.stringify(device.get(options)) })).url).toEndWith("/account");
    await browser.submit("sign-out");
    const alone = await open("/account");
    const answer = JSON.stringify(device.get(optionsOf(alone.text, isRequest)));
    const elsewhere = openBrowser(site.urls.issuer);
    await elsewhere.open(`${site.urls.issuer}/account`);
    expect((await elsewhere.submit("passkey", { passkey: answer })).status).toBe(401);
    const [{ id } = { id: "" }] = (await listPasskeys(site.gate, person, undefined)).passkey_list;
    await browser.submit("passkey", { passkey: JSON.stringify(device.get(optionsOf((await open("/account")).text, isRequest))) });
    await open(`/account/passkeys/${id}`);
    expect((await browser.submit("remove-passkey", { current_password: "not the password" })).status).toBe(400);
    await browser.submit("remove-passkey", { current_password: PASSWORD });
    expect((await listPasskeys(site.gate, person, undefined)).passkey_list).toEqual([]);
    expect((await open(`/account/passkeys/${id}`)).status).toBe(404);
  });
});

/** Every form of the account, with what would do something. */
const forms: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["/account/password", { current_password: PASSWORD, new_password: NEW_PASSWORD }],
  ["/account/sessions/end-others", {}],
  ["/account/sessions/x/end", {}],
  ["/account/sign-out", {}],
  ["/account/second-factor", { current_password: PASSWORD }],
  ["/account/second-factor/confirm", { code: "000000" }],
  ["/account/second-factor/remove", { current_password: PASSWORD, code: "000000" }],
  ["/account/recovery-codes", { current_password: PASSWORD, code: "000000" }],
  ["/account/passkeys/new", { current_password: PASSWORD }],
  ["/account/passkeys", { display_name: "x", credential: "{}" }],
  ["/account/passkeys/x", { current_password: PASSWORD }],
];

describe("a form of the account", () => {
  test("is none of those that the table lacks", () => {
    const known = forms.map(([path]) => path.replace("/x", "/0"));
    const served = site.apps.issuer.routes.filter(({ method, path }) => method === "POST" && path.startsWith("/account") && !path.includes("sign-in")).map(({ path }) => path.replace(/:[a-z_]+/, "0"));
    expect(served.toSorted()).toEqual(known.toSorted());
  });

  test.each(forms)("%s of another site does nothing", async (path, form) => {
    await enter();
    for (const headers of [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }, { origin: "https://evil.example" }, { origin: "null" }, {}]) {
      expect([path, headers, (await post(path, form, headers)).status]).toEqual([path, headers, 403]);
    }
    expect((await open("/account")).url).toEndWith("/account");
    expect(await readSecondFactor(site.gate, person, undefined)).toMatchObject({ is_enrolled: false });
  });

  test.each(forms)("%s of nobody leads to the sign-in", async (path, form) => {
    const answer = await post(path, form);
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/account/sign-in"]);
  });

  test.each(forms.filter(([, form]) => Object.keys(form).length > 0))("%s with a field more, or none, is bad input", async (path, form) => {
    await enter();
    expect((await post(path, { ...form, is_administrator: "true" })).status).toBe(400);
    expect((await post(path, { nothing: "" })).status).toBe(400);
  });
});

describe("what strangers do by themselves", () => {
  const names = { first_name: "Grace", last_name: "Hopper", user_password: "nanoseconds of wire" };

  test("signing up leads to a mail, the mail to an account", async () => {
    const email_address = `n${address}`;
    await open("/account");
    expect((await open("/sign-up")).status).toBe(200);
    const refused = await browser.submit("sign-up", { ...names, email_address, user_password: "Password2026!" });
    expect([refused.status, refused.text.includes("guessed first"), refused.text.includes("Password2026!"), refused.text.includes(email_address)]).toEqual([400, true, false, true]);
    expect((await browser.submit("sign-up", { ...names, email_address })).text).toContain("Look into your mail");
    await mail.deliver();
    await browser.open(mail.linkTo(email_address).replace("localhost", "127.0.0.1"));
    expect((await browser.submit("verify", { user_password: names.user_password })).status).toBe(200);
    await open("/account");
    expect((await browser.submit("sign-in", { email_address, user_password: names.user_password })).text).toContain(email_address);
  });

  const pages = ["/sign-up", "/forgot-password"] as const;
  test.each(pages)("%s is gone with its feature, for whoever sends the form anyway", async (path) => {
    const form = path === "/sign-up" ? { ...names, email_address: "new@example.com" } : { email_address: "new@example.com" };
    for (const [license, status] of [[{ features: { global: { registration: false, email: false } } }, 403], ...shutStates.map((state) => [{ state }, 503] as const)] as const) {
      site.license(license);
      expect([(await open(path)).status, (await post(path, form)).status]).toEqual([status, status]);
      expect((await open("/account/sign-in")).text).not.toContain(`href="${path}"`);
    }
    site.license({});
    expect((await open("/account/sign-in")).text).toContain(`href="${path}"`);
  });

  test("a form of another site does nothing", async () => {
    for (const path of pages) expect((await post(path, path === "/sign-up" ? { ...names, email_address: "new@example.com" } : { email_address: "new@example.com" }, { "sec-fetch-site": "cross-site" })).status).toBe(403);
  });

  /** The same path, once for a name that is known and once for one that is not. */
  const asked: readonly (readonly [string, string, (email: string) => Readonly<Record<string, string>>])[] = [
    ["sign-in with a wrong password", "/account/sign-in/sign-in", (email_address) => ({ email_address, user_password: "not the password" })],
    ["a lost password", "/forgot-password", (email_address) => ({ email_address })],
    ["sign-up", "/sign-up", (email_address) => ({ ...names, email_address })],
  ];
  test.each(asked)("%s tells known from unknown names by no status, word, header or work", async (_name, path, form) => {
    using counted = countWork(site.gate);
    await open("/account/sign-in");
    const shown = async (email: string) => {
      const { result, work } = await counted.of(() => post(path, form(email)));
      // Questions to passkeys are other each time, for everybody.
      const text = result.text.replaceAll(email, "NAME").replace(/data-options="[^"]*"/g, "");
      return { status: result.status, text, headers: [...result.headers].filter(([name]) => !["date", "content-length", "x-request-id"].includes(name)).toSorted(), work };
    };
    await shown(`y${address.slice(1)}`);
    const known = await shown(address);
    expect(await shown(`z${address.slice(1)}`)).toEqual(known);
    expect(known.work.writes).toBeGreaterThan(0);
  });
});

test("pages may run no script, but those with a passkey the site's one; nobody frames them, and no address is told on", async () => {
  await enter();
  const paths: readonly (readonly [string, boolean])[] = [["/account", false], ["/account/password", false], ["/account/second-factor", false], ["/account/recovery-codes", false], ["/account/passkeys/new", false], ["/sign-up", false], ["/forgot-password", false], ["/account/sign-in", true]];
  for (const [path, hasScript] of paths) {
    const { headers, text } = await open(path);
    const policy = headers.get("content-security-policy") ?? "";
    expect([path, policy.includes("script-src"), text.includes("<script")]).toEqual([path, hasScript, hasScript]);
    if (hasScript) expect([/script-src 'self';/.test(policy), text.match(/<script[^>]*>[^<]*/g)]).toEqual([true, ['<script src="/passkeys.js">']]);
    expect(policy).toMatch(/^default-src 'none';.* form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/);
    expect([headers.get("referrer-policy"), headers.get("cache-control"), headers.get("x-frame-options"), text.includes(" style="), / on[a-z]+=/.test(text)]).toEqual(["same-origin", "no-store", "DENY", false, false]);
    expect(Buffer.byteLength(text)).toBeLessThan(40_960);
  }
  const script = await open("/passkeys.js");
  expect([script.status, script.headers.get("content-type"), Buffer.byteLength(script.text) < 4_096]).toEqual([200, "text/javascript; charset=utf-8", true]);
});

test("pages speak the browser's language", async () => {
  expect((await open("/sign-up", { "accept-language": "de-AT,de;q=0.9" })).text).toContain('<html lang="de">');
  expect((await open("/sign-up", { "accept-language": "fr" })).text).toContain('<html lang="en">');
});

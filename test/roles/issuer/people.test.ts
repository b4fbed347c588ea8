/** What people meet at the issuer beside the way they meant to go: wrong addresses, no mail, wrong codes, and their password manager. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { FACTOR_FAILURES_MAX } from "../../../src/identity/factor-check.ts";
import { openBrowser } from "../../support/browser.ts";
import { startLocalIssuer } from "../../support/local-issuer.ts";
import { addDevice } from "../../support/passkey.ts";
import { addPerson, ownerAddress, PASSWORD } from "../../support/people.ts";
import { type CallOptions, startRoles, type TestRoles } from "../../support/roles.ts";
import { enrol } from "../../support/second-factor.ts";

const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
const german = { ...html, "accept-language": "de" };

let site: TestRoles;
beforeAll(async () => {
  site = await startLocalIssuer();
});
afterAll(() => site.close());

const ask = (path: string, options: CallOptions = {}) => site.call(path, { role: "issuer", ...options });

describe("a wrong address or method", () => {
  const wrong: readonly (readonly [string, string, CallOptions, number, string])[] = [
    ["an address that is none", "/nothing", {}, 404, "not_found"],
    ["one among the endpoints", "/oauth/nothing", {}, 404, "not_found"],
    ["an endpoint for programs, opened", "/oauth/token", {}, 405, "method_not_allowed"],
    ["a page with another method", "/sign-up", { method: "DELETE" }, 405, "method_not_allowed"],
  ];
  test.each(wrong)("%s is a page for a browser, in its language, and JSON for a program", async (_name, path, options, status, code) => {
    const page = await ask(path, { ...options, headers: html });
    expect([page.status, page.headers.get("content-type"), page.text.includes(`<code id="error-code">${code}</code>`)]).toEqual([status, "text/html; charset=utf-8", true]);
    expect(page.headers.get("content-security-policy")).toStartWith("default-src 'none'; style-src 'self'");
    expect((await ask(path, { ...options, headers: german })).text).toContain('<html lang="de">');
    for (const accept of ["application/json", "*/*"]) {
      const json = await ask(path, { ...options, headers: { accept } });
      expect([json.status, json.headers.get("content-type")?.split(";")[0]]).toEqual([status, "application/json"]);
      expect(json.text).not.toContain("<");
    }
  });

  test("a wrong method names those that there are, on the page too", async () => {
    expect((await ask("/oauth/token", { headers: html })).headers.get("allow")).toBe("POST");
  });

  test("what an endpoint refuses for any other reason is OAuth's JSON, whatever is accepted", async () => {
    const refused = await ask("/oauth/token", { form: { grant_type: "nothing" }, headers: html });
    expect([refused.status, refused.headers.get("content-type")?.split(";")[0], typeof refused.body["error"]]).toEqual([401, "application/json", "string"]);
  });

  test("a form that cannot be read is a page", async () => {
    const page = await ask("/sign-up", { form: { first_name: "x" }, headers: { ...html, "sec-fetch-site": "same-origin" } });
    expect([page.status, page.headers.get("content-type")]).toEqual([400, "text/html; charset=utf-8"]);
  });
});

describe("a forgotten password where no mail is sent", () => {
  test.each([["without a mail server", {}, 503], ["without the feature", { features: { global: { email: false } } }, 403]] as const)("leads to an administrator and not to a vendor, %s", async (_name, options, status) => {
    await using other = await startRoles({ ...options, settings: { hasMailServer: status === 403 } });
    for (const request of [{}, { form: { email_address: "a@example.com" } }]) {
      const page = await other.call("/forgot-password", { role: "issuer", ...request, headers: { ...html, "sec-fetch-site": "same-origin" } });
      expect([page.status, page.text.includes("Ask an administrator, who can make a link for you")]).toEqual([status, true]);
      expect(page.text).not.toMatch(/vendor|license|<form/);
    }
    expect((await other.call("/forgot-password", { role: "issuer", headers: german })).text).toContain("jemanden aus der Administration");
  });
});

test("a field for the current password stands beside the name that it belongs to, which nobody sees and nothing sends", async () => {
  const browser = openBrowser(site.urls.issuer);
  await browser.open(`${site.urls.issuer}/account`);
  await browser.submit("sign-in", { email_address: ownerAddress, user_password: PASSWORD });
  for (const path of ["/account/password", "/account/second-factor", "/account/passkeys/new"]) {
    const { text } = await browser.open(`${site.urls.issuer}${path}`);
    expect([path, text.match(/<input type="text" autocomplete="username" value="ada@example\.com" readonly hidden>\s*<label for="current_password">/g)?.length]).toEqual([path, 1]);
  }
  expect((await browser.open(`${site.urls.issuer}/account/sign-in`)).text).not.toContain("readonly hidden");
});

describe("after a wrong code or passkey", () => {
  const own = { "sec-fetch-site": "same-origin", ...html };
  const doors = [["issuer", "/account/sign-in/sign-in", "/account/sign-in"], ["api", "/sign-in", "/sign-in"]] as const;
  const challengeOf = (text: string) => /&quot;challenge&quot;:&quot;([^&]+)/.exec(text)?.[1];

  test.each(doors)("the %s asks the person's passkeys anew", async (role, first, path) => {
    const address = `${role}@example.com`;
    const { device } = await addDevice(site.gate, await addPerson(site.gate, { address }));
    const step = await site.call(first, { role, headers: own, form: { email_address: address, user_password: PASSWORD } });
    const step_token = / name="step_token" value="([^"]+)"/.exec(step.text)?.[1] ?? "";
    const wrongCode = await site.call(`${path}/code`, { role, headers: own, form: { step_token, code: "000000" } });
    const wrongPasskey = await site.call(`${path}/passkey`, { role, headers: own, form: { step_token, passkey: JSON.stringify(device.get({ challenge: "x", rpId: "localhost", allowCredentials: [], userVerification: "preferred", timeout: 1 })) } });
    const challenges = [step, wrongCode, wrongPasskey].map(({ text }) => challengeOf(text));
    expect([step.status, wrongCode.status, wrongPasskey.status, new Set(challenges).size, challenges.includes(undefined)]).toEqual([200, 401, 401, 3, false]);
    for (const { headers, text } of [wrongCode, wrongPasskey]) {
      expect(headers.get("content-security-policy")).toContain("script-src 'self'");
      expect(text).toContain('<script src="/passkeys.js">');
      expect(text).toContain(`value="${step_token}"`);
      expect(text).not.toContain("000000");
    }
    expect([wrongCode.text, wrongPasskey.text].map((text) => / id="error">([^<]*)/.exec(text)?.[1])).toEqual([
      "The code is not right, was used before, or came too late.",
      "The passkey&#39;s answer is not good, or came too late. Try again.",
    ]);
  });

  test.each(doors)("the %s tells a locked authenticator from a wrong code, in German too", async (role, first, path) => {
    const address = `locked-${role}@example.com`;
    const person = await addPerson(site.gate, { address });
    const { app } = await enrol(site.gate, person);
    const step = await site.call(first, { role, headers: { ...own, ...german }, form: { email_address: address, user_password: PASSWORD } });
    const step_token = / name="step_token" value="([^"]+)"/.exec(step.text)?.[1] ?? "";
    const texts: string[] = [];
    for (let wrong = 0; wrong < FACTOR_FAILURES_MAX + 1; wrong += 1) {
      const answer = await site.call(`${path}/code`, { role, headers: { ...own, ...german }, form: { step_token, code: app.wrong() } });
      texts.push(/ id="error">([^<]*)/.exec(answer.text)?.[1] ?? "");
    }
    expect([texts[0]?.startsWith("Der Code ist falsch"), texts.at(-1)?.startsWith("Die Authenticator-App ist nach zu vielen falschen Codes gesperrt.")]).toEqual([true, true]);
  });

  test.each(doors)("the %s asks none of somebody whose step is over", async (role, _first, path) => {
    const gone = await site.call(`${path}/code`, { role, headers: own, form: { step_token: "s".repeat(43), code: "000000" } });
    expect([gone.status, challengeOf(gone.text), gone.text.includes("This sign-in is over")]).toEqual([401, undefined, true]);
  });
});

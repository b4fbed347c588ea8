/**
 * Every page of the issuer in a real browser: in both languages, by day and by night, at phone width, small, without a
 * breach of its policy, and with nothing that axe finds. The walk itself is what a person does with scripts off, but for
 * the pages of passkeys.
 */
import { afterAll, beforeAll, expect } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { languages } from "../../../src/dashboard/language.ts";
import { launchBrowser } from "../../support/chromium.ts";
import { startLocalIssuer } from "../../support/local-issuer.ts";
import { keptMail, type KeptMail } from "../../support/mail.ts";
import { addClient } from "../../support/oidc-client.ts";
import { look as lookAt, phone, startWalk, type Walk as PageWalk } from "../../support/page-walk.ts";
import { addDevice } from "../../support/passkey.ts";
import { ownerAddress, PASSWORD } from "../../support/people.ts";
import type { TestRoles } from "../../support/roles.ts";
import { authenticator } from "../../support/second-factor.ts";
import { testNeeding, whyNot } from "../../support/skip.ts";

const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const NEW_PASSWORD = "four other words entirely";

let browser: Browser | undefined;
beforeAll(async () => {
  if (whyNot(["chromium"]) === undefined) browser = await launchBrowser();
});
afterAll(async () => await browser?.close());

interface Walk extends PageWalk {
  readonly site: TestRoles;
  readonly mail: KeptMail;
}

const look = (walk: Walk, name: string) => lookAt(walk, `issuer/${name}`);

async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [id, value] of Object.entries(fields)) await page.fill(`#${id}`, value);
  await page.click("#submit");
}

const at = (walk: Walk, path: string) => walk.page.goto(`${walk.site.gate.settings.issuerUrl}${path}`);

async function walkSelfService(walk: Walk): Promise<void> {
  const { page, mail } = walk;
  const grace = { first_name: "Grace", last_name: "Hopper", email_address: "grace@example.com" };
  await at(walk, "/account");
  await look(walk, "sign-in");
  await page.click("#sign-up-link");
  await look(walk, "sign-up");
  await fill(page, { ...grace, user_password: "Password2026!" });
  expect(await page.getByRole("alert").locator("a").getAttribute("href")).toBe("#user_password");
  await look(walk, "sign-up-refused");
  await fill(page, { ...grace, user_password: "nanoseconds of wire" });
  await look(walk, "sign-up-done");
  await mail.deliver();
  await page.goto(mail.linkTo("grace@example.com"));
  await look(walk, "verify-address");
  await fill(page, { user_password: "not the password" });
  await look(walk, "verify-address-refused");
  await fill(page, { user_password: "nanoseconds of wire" });
  await look(walk, "verify-address-done");
  await at(walk, "/forgot-password");
  await look(walk, "forgot-password");
  await fill(page, { email_address: "grace@example.com" });
  await look(walk, "forgot-password-done");
  await mail.deliver();
  const link = mail.linkTo("grace@example.com");
  await page.goto(link);
  await look(walk, "choose-password");
  await fill(page, { new_password: NEW_PASSWORD });
  await look(walk, "choose-password-done");
  await page.goto(link);
  await look(walk, "gone");
}

async function walkFactors(walk: Walk): Promise<void> {
  const { page, site } = walk;
  await at(walk, "/account");
  await fill(page, { email_address: ownerAddress, user_password: "not the password" });
  await look(walk, "sign-in-refused");
  await fill(page, { user_password: PASSWORD });
  await look(walk, "account");
  await page.click("#authenticator");
  await look(walk, "authenticator");
  await fill(page, { current_password: "not the password" });
  await look(walk, "authenticator-refused");
  await fill(page, { current_password: PASSWORD });
  await look(walk, "authenticator-confirm");
  const app = authenticator(site.gate, ((await page.textContent("#secret")) ?? "").replaceAll(" ", ""));
  await fill(page, { code: app.wrong() });
  await look(walk, "authenticator-confirm-refused");
  await fill(page, { code: app.code() });
  await look(walk, "recovery-codes");
  await page.click("#kept");
  await page.click("#recovery-codes");
  await look(walk, "renew-codes");
  await fill(page, { current_password: PASSWORD, code: app.wrong() });
  await look(walk, "renew-codes-refused");
  await at(walk, "/account/second-factor");
  await look(walk, "authenticator-remove");
}

async function walkPasskeysAndPassword(walk: Walk): Promise<void> {
  const { page, site } = walk;
  await addDevice(site.gate, site.people.owner, "Test laptop");
  await at(walk, "/account");
  await look(walk, "account-with-all");
  await page.click("#passkey-list a");
  await look(walk, "passkey-remove");
  await at(walk, "/account/passkeys/new");
  await look(walk, "passkey-begin");
  await fill(page, { current_password: PASSWORD });
  await look(walk, "passkey-create");
  await at(walk, "/account/password");
  await look(walk, "change-password");
  await fill(page, { current_password: PASSWORD, new_password: "password" });
  await look(walk, "change-password-refused");
  await fill(page, { current_password: PASSWORD, new_password: NEW_PASSWORD });
  await look(walk, "change-password-done");
}

async function walkForClient(walk: Walk): Promise<void> {
  const { page, site } = walk;
  const { id } = await addClient(site.gate, { client_name: "Invoices", scope: "openid profile email offline_access", policy_uri: "https://app.example/policy" });
  const parameters = { client_id: id, redirect_uri: "https://app.example/cb", response_type: "code", scope: "openid profile email", code_challenge: CHALLENGE, code_challenge_method: "S256" };
  await at(walk, `/oauth/authorize?${new URLSearchParams(parameters).toString()}`);
  await look(walk, "consent");
  await at(walk, "/oauth/logout");
  await look(walk, "sign-out-question");
  await page.click("#submit");
  await look(walk, "signed-out");
  await at(walk, `/oauth/authorize?${new URLSearchParams(parameters).toString()}`);
  await look(walk, "sign-in-for-client");
  await fill(page, { email_address: ownerAddress, user_password: NEW_PASSWORD });
  await look(walk, "second-step");
  await fill(page, { code: "000000" });
  await look(walk, "second-step-refused");
  await at(walk, "/oauth/authorize?client_id=unknown");
  await look(walk, "refusal");
  await at(walk, "/device");
  await look(walk, "device");
}

for (const language of languages) {
  testNeeding("chromium", `every page stands up to axe, in ${language}`, async () => {
    await using site = await startLocalIssuer({ settings: { hasMailServer: true } });
    if (browser === undefined) throw new Error("there is no browser");
    // Under scripts that are off axe does not run either; what is walked here needs none.
    await using context = await browser.newContext({ locale: language, viewport: phone });
    const page = await context.newPage();
    const walk: Walk = { ...startWalk(page, language), site, mail: keptMail(site.gate) };
    for (const part of [walkSelfService, walkFactors, walkPasskeysAndPassword, walkForClient]) await part(walk);
    expect(walk.found).toEqual([]);
    expect(walk.seen.length).toBeGreaterThan(35);
  }, 180_000);
}

/** The issuer in a real browser with scripts off, from sign-up to sign-out: every way that needs no passkey works. */
import { afterAll, beforeAll, expect } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "../../support/chromium.ts";
import { openClientSite } from "../../support/client-site.ts";
import { startDeviceFlow } from "../../support/device-flow.ts";
import { startLocalIssuer } from "../../support/local-issuer.ts";
import { keptMail } from "../../support/mail.ts";
import { addClient } from "../../support/oidc-client.ts";
import { addPerson, ownerAddress, PASSWORD } from "../../support/people.ts";
import { authenticator } from "../../support/second-factor.ts";
import { testNeeding, whyNot } from "../../support/skip.ts";

const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

let browser: Browser | undefined;
beforeAll(async () => {
  if (whyNot(["chromium"]) === undefined) browser = await launchBrowser();
});
afterAll(async () => await browser?.close());

async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [id, value] of Object.entries(fields)) await page.fill(`#${id}`, value);
  await page.click("#submit");
}

async function openPage(complaints: string[]): Promise<Page> {
  if (browser === undefined) throw new Error("there is no browser");
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  page.on("console", (message) => void (/status of 4\d\d|^\[DOM\]/.test(message.text()) || complaints.push(message.text())));
  return page;
}

testNeeding("chromium", "sign-up, second factor, a client with consent, a device, and out", async () => {
  await using site = await startLocalIssuer({ settings: { hasMailServer: true } });
  const mail = keptMail(site.gate);
  const complaints: string[] = [];
  const page = await openPage(complaints);
  const issuer = site.gate.settings.issuerUrl;
  const grace = { email_address: "grace@example.com", user_password: "nanoseconds of wire" };

  await page.goto(`${issuer}/account`);
  await page.click("#sign-up-link");
  await fill(page, { first_name: "Grace", last_name: "Hopper", ...grace });
  await mail.deliver();
  await page.goto(mail.linkTo(grace.email_address));
  await fill(page, { user_password: grace.user_password });
  await page.click("#go-on");
  await fill(page, grace);
  expect(await page.textContent("#who")).toBe("Grace Hopper");

  await page.click("#authenticator");
  await fill(page, { current_password: grace.user_password });
  const app = authenticator(site.gate, ((await page.textContent("#secret")) ?? "").replaceAll(" ", ""));
  await fill(page, { code: app.code() });
  await page.click("#kept");
  await page.click("#sign-out button");
  site.world.services.clock.advance(30_000);

  using client = openClientSite();
  const { id } = await addClient(site.gate, { client_name: "Invoices", redirect_uris: [client.redirectUri], scope: "openid profile" });
  const parameters = { client_id: id, redirect_uri: client.redirectUri, response_type: "code", scope: "openid profile", code_challenge: CHALLENGE, code_challenge_method: "S256" };
  await page.goto(`${issuer}/oauth/authorize?${new URLSearchParams(parameters).toString()}`);
  await fill(page, grace);
  await fill(page, { code: app.code() });
  expect(await page.textContent("#asks")).toContain("Invoices");
  await page.click("#allow");
  await page.waitForURL(`${client.redirectUri}?**`);
  expect(new URL(page.url()).searchParams.has("code")).toBe(true);

  const flow = await startDeviceFlow(site);
  const codes = await flow.ask({ scope: "openid email" });
  await page.goto(`${issuer}/device?user_code=${codes.userCode}`);
  if (await page.isVisible("#submit")) await page.click("#submit");
  await page.click("#allow");
  expect((await flow.poll(codes.deviceCode)).status).toBe(200);

  await page.goto(`${issuer}/oauth/logout`);
  await page.click("#submit");
  expect(await page.isVisible("#signed-out")).toBe(true);
  await page.goto(`${issuer}/account`);
  expect(new URL(page.url()).pathname).toBe("/account/sign-in");
  expect(complaints).toEqual([]);
  await page.context().close();
}, 60_000);

testNeeding("chromium", "a consent page that is shown to one person is not answered by another", async () => {
  await using site = await startLocalIssuer();
  await addPerson(site.gate, { address: "grace@example.com" });
  const complaints: string[] = [];
  const page = await openPage(complaints);
  const issuer = site.gate.settings.issuerUrl;
  using client = openClientSite();
  const { id } = await addClient(site.gate, { client_name: "Invoices", redirect_uris: [client.redirectUri], scope: "openid profile" });
  const parameters = { client_id: id, redirect_uri: client.redirectUri, response_type: "code", scope: "openid profile", code_challenge: CHALLENGE, code_challenge_method: "S256" };
  await page.goto(`${issuer}/oauth/authorize?${new URLSearchParams(parameters).toString()}`);
  await fill(page, { email_address: ownerAddress, user_password: PASSWORD });
  expect(await page.textContent("#who")).toBe("Ada Lovelace");
  // In another tab of the same browser somebody else signs in.
  const other = await page.context().newPage();
  await other.goto(`${issuer}/account`);
  await other.click("#sign-out button");
  await other.goto(`${issuer}/account`);
  await fill(other, { email_address: "grace@example.com", user_password: PASSWORD });
  await page.click("#allow");
  expect([await page.textContent("#who"), new URL(page.url()).host]).toEqual(["Grace Hopper", new URL(issuer).host]);
  await page.context().close();
}, 60_000);

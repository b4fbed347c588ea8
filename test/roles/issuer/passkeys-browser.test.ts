/** Passkeys in a real browser with a virtual authenticator: made on the account's page, used after the password and alone. */
import { afterAll, beforeAll, expect } from "bun:test";
import type { Browser, BrowserContext, CDPSession, Page } from "playwright-core";
import { launchBrowser } from "../../support/chromium.ts";
import { openClientSite } from "../../support/client-site.ts";
import { startLocalIssuer } from "../../support/local-issuer.ts";
import { addFirstParty } from "../../support/oidc-client.ts";
import { ownerAddress, PASSWORD } from "../../support/people.ts";
import type { TestRoles } from "../../support/roles.ts";
import { testNeeding, whyNot } from "../../support/skip.ts";

const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

let browser: Browser | undefined;
beforeAll(async () => {
  if (whyNot(["chromium"]) === undefined) browser = await launchBrowser();
});
afterAll(async () => await browser?.close());

interface Tab extends AsyncDisposable {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly cdp: CDPSession;
  readonly authenticatorId: string;
  readonly complaints: readonly string[];
}

/** A browser with an authenticator that verifies its owner at once, or cannot. */
async function openTab(verifies = true): Promise<Tab> {
  if (browser === undefined) throw new Error("there is no browser");
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints: string[] = [];
  // An icon that is not there, and a hint about names beside passwords, are no breach of a policy.
  page.on("console", (message) => void (/status of 404|^\[DOM\]/.test(message.text()) || complaints.push(message.text())));
  page.on("pageerror", (error) => void complaints.push(error.message));
  const cdp = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: verifies, isUserVerified: verifies, automaticPresenceSimulation: true } as const;
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", { options });
  return { context, page, cdp, authenticatorId, complaints, [Symbol.asyncDispose]: () => context.close() };
}

const issuerOf = (site: TestRoles) => site.gate.settings.issuerUrl;

async function signInToAccount(page: Page, site: TestRoles): Promise<void> {
  await page.goto(`${issuerOf(site)}/account`);
  await page.fill("#email_address", ownerAddress);
  await page.fill("#user_password", PASSWORD);
  await page.click("#submit");
}

async function addPasskey(page: Page, name: string): Promise<void> {
  await page.click("#add-passkey");
  await page.fill("#current_password", PASSWORD);
  await page.click("#submit");
  await page.fill("#display_name", name);
  await page.click("#use-passkey");
}

/** Of a client of our own, which asks for no consent. */
async function authorizationUrl(site: TestRoles, redirect_uri: string): Promise<string> {
  const { id } = await addFirstParty(site.gate, "own-app", { redirect_uris: [redirect_uri] });
  const parameters = { client_id: id, redirect_uri, response_type: "code", scope: "openid", code_challenge: CHALLENGE, code_challenge_method: "S256" };
  return `${issuerOf(site)}/oauth/authorize?${new URLSearchParams(parameters).toString()}`;
}

testNeeding("chromium", "a passkey is added, signs in after the password, alone, and to a client", async () => {
  await using site = await startLocalIssuer();
  await using tab = await openTab();
  const { page } = tab;
  await signInToAccount(page, site);
  expect(await page.textContent("#who")).toBe("Ada Lovelace");
  await addPasskey(page, "Test laptop");
  await page.waitForSelector("#codes");
  expect(await page.locator("#codes li").count()).toBe(10);
  await page.click("#kept");
  expect(await page.textContent("#passkey-list")).toContain("Test laptop");

  // After the password.
  await page.click("#sign-out button");
  await signInToAccount(page, site);
  expect(await page.isVisible("#code")).toBe(true);
  await page.click("#use-passkey");
  await page.waitForSelector("#who");
  expect(await page.textContent("#passkey-list")).toContain("last used");

  // Alone, without a name.
  await page.click("#sign-out button");
  await page.goto(`${issuerOf(site)}/account`);
  await page.click("#use-passkey");
  await page.waitForSelector("#who");

  // To a client.
  await tab.context.clearCookies();
  using client = openClientSite();
  await page.goto(await authorizationUrl(site, client.redirectUri));
  await page.click("#use-passkey");
  await page.waitForURL(`${client.redirectUri}?**`);
  expect(new URL(page.url()).searchParams.has("code")).toBe(true);
  expect(tab.complaints).toEqual([]);
}, 60_000);

testNeeding("chromium", "a key that cannot verify its owner does after the password, and not alone", async () => {
  await using site = await startLocalIssuer();
  await using tab = await openTab(false);
  const { page } = tab;
  await signInToAccount(page, site);
  await addPasskey(page, "Test key");
  await page.click("#kept");
  await page.click("#sign-out button");
  await page.goto(`${issuerOf(site)}/account`);
  await page.click("#use-passkey");
  // The authenticator itself refuses; the page says so, and the password is still there.
  await page.waitForSelector("[data-problem]:not([hidden])");
  await page.fill("#email_address", ownerAddress);
  await page.fill("#user_password", PASSWORD);
  await page.click("#submit");
  await page.click("#use-passkey");
  await page.waitForSelector("#who");
}, 60_000);

testNeeding("chromium", "a copy of a passkey is found out by its counter, and shown", async () => {
  await using site = await startLocalIssuer();
  await using tab = await openTab();
  const { page, cdp, authenticatorId } = tab;
  await signInToAccount(page, site);
  await addPasskey(page, "Test key");
  await page.click("#kept");
  const { credentials } = await cdp.send("WebAuthn.getCredentials", { authenticatorId });
  const [credential] = credentials;
  if (credential === undefined) throw new Error("the authenticator has no credential");
  const use = async () => {
    await page.goto(`${issuerOf(site)}/account`);
    if (await page.isVisible("#sign-out")) await page.click("#sign-out button");
    await page.goto(`${issuerOf(site)}/account`);
    await page.click("#use-passkey");
  };
  await cdp.send("WebAuthn.removeCredential", { authenticatorId, credentialId: credential.credentialId });
  await cdp.send("WebAuthn.addCredential", { authenticatorId, credential: { ...credential, signCount: 50 } });
  await use();
  await page.waitForSelector("#who");
  await cdp.send("WebAuthn.removeCredential", { authenticatorId, credentialId: credential.credentialId });
  await cdp.send("WebAuthn.addCredential", { authenticatorId, credential: { ...credential, signCount: 10 } });
  await use();
  await page.waitForSelector("#error");
  expect(await page.isVisible("#who")).toBe(false);
}, 60_000);

testNeeding("chromium", "at the dashboard a passkey is the second step too", async () => {
  await using site = await startLocalIssuer();
  await using tab = await openTab();
  const { page } = tab;
  await signInToAccount(page, site);
  await addPasskey(page, "Test laptop");
  await page.waitForSelector("#codes");
  await page.goto(`${site.gate.settings.publicUrl}/sign-in`);
  await page.fill("#email_address", ownerAddress);
  await page.fill("#user_password", PASSWORD);
  await page.click("#submit");
  await page.click("#use-passkey");
  await page.waitForSelector("#who");
  expect([await page.textContent("#who"), tab.complaints]).toEqual(["Ada Lovelace", []]);
}, 60_000);

testNeeding("chromium", "with scripts off there is no passkey to press, and the other ways are there", async () => {
  await using site = await startLocalIssuer();
  await using tab = await openTab();
  await signInToAccount(tab.page, site);
  await addPasskey(tab.page, "Test key");
  const code = (await tab.page.textContent("#codes li")) ?? "";
  if (browser === undefined) throw new Error("there is no browser");
  await using plain = await browser.newContext({ javaScriptEnabled: false });
  const page = await plain.newPage();
  await signInToAccount(page, site);
  expect([await page.isVisible("#use-passkey"), await page.isVisible("#code")]).toEqual([false, true]);
  await page.fill("#code", code);
  await page.click("#submit");
  expect(await page.textContent("#who")).toBe("Ada Lovelace");
  await page.click("#add-passkey");
  await page.fill("#current_password", PASSWORD);
  await page.click("#submit");
  expect([await page.isVisible("#use-passkey"), await page.textContent("noscript")]).toEqual([false, expect.stringContaining("scripts")]);
}, 60_000);

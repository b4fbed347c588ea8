/**
 * Every page of the API server in a real browser: in both languages, by day and by night, at phone width, small, with the
 * operator's logo, without a breach of its policy, and with nothing that axe finds.
 */
import { afterAll, beforeAll, expect } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { startPairing } from "../../src/credentials/pairing.ts";
import { languages } from "../../src/dashboard/language.ts";
import { system } from "../../src/gate/caller.ts";
import { createSetupLink } from "../../src/identity/setup-links.ts";
import type { Logo } from "../../src/logo.ts";
import { createInvitation } from "../../src/teams/invitations.ts";
import { launchBrowser } from "../support/chromium.ts";
import { startLocalIssuer } from "../support/local-issuer.ts";
import { look as lookAt, phone, startWalk, type Walk as PageWalk } from "../support/page-walk.ts";
import { addDevice } from "../support/passkey.ts";
import { addPerson, ownerAddress, PASSWORD } from "../support/people.ts";
import type { TestRoles } from "../support/roles.ts";
import { testNeeding, whyNot } from "../support/skip.ts";

const logo: Logo = {
  type: "image/svg+xml",
  bytes: new Uint8Array(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 30"><rect width="120" height="30" rx="6" fill="#0b5cad"/></svg>')),
};

let browser: Browser | undefined;
beforeAll(async () => {
  if (whyNot(["chromium"]) === undefined) browser = await launchBrowser();
});
afterAll(async () => await browser?.close());

interface Walk extends PageWalk {
  readonly site: TestRoles;
}

async function look(walk: Walk, name: string): Promise<void> {
  await lookAt(walk, `dashboard/${name}`);
  const width: unknown = await walk.page.evaluate("document.querySelector('#deployment-logo')?.naturalWidth ?? 0");
  if (Number(width) === 0) walk.found.push(`${name}: no logo`);
}

const at = (walk: Walk, path: string) => walk.page.goto(`${walk.site.gate.settings.publicUrl}${path}`);

async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [id, value] of Object.entries(fields)) await page.fill(`#${id}`, value);
}

async function walkSetUp(walk: Walk): Promise<void> {
  await at(walk, "/");
  await look(walk, "not-set-up");
  const link = new URL((await createSetupLink(walk.site.gate, system, undefined)).setup_url).pathname;
  await at(walk, link);
  await look(walk, "set-up");
  await fill(walk.page, { deployment_name: "   ", team_name: "First", first_name: "Ada", last_name: "Lovelace", email_address: ownerAddress, user_password: "Password2026!" });
  await walk.page.click("#submit");
  await look(walk, "set-up-refused");
  await at(walk, "/setup/x");
  await look(walk, "set-up-gone");
}

async function walkSignIn(walk: Walk): Promise<void> {
  const { page, site } = walk;
  await at(walk, "/setup/x");
  await look(walk, "already-set-up");
  await at(walk, "/sign-in");
  await look(walk, "sign-in");
  await fill(page, { email_address: ownerAddress, user_password: "not the password" });
  await page.click("#submit");
  await look(walk, "sign-in-refused");
  const careful = await addPerson(site.gate, { address: "careful@example.com", teamId: site.people.teamId });
  await addDevice(site.gate, careful);
  await fill(page, { email_address: "careful@example.com", user_password: PASSWORD });
  await page.click("#submit");
  await look(walk, "second-step");
  await fill(page, { code: "000000" });
  await page.click("#second-factor #submit");
  expect(await page.isVisible("#use-passkey")).toBe(true);
  await look(walk, "second-step-refused");
  await at(walk, "/nothing");
  await look(walk, "not-found");
}

async function walkInvitation(walk: Walk): Promise<void> {
  const { page, site } = walk;
  const { invitation_url } = await createInvitation(site.gate, site.people.owner, { email_address: "grace@example.com", invitation_role: "member" });
  const { pathname } = new URL(invitation_url ?? "");
  await at(walk, pathname);
  await look(walk, "invitation");
  await page.click("#submit-accept");
  await look(walk, "invitation-not-signed-in");
  await fill(page, { first_name: "Grace", last_name: "  ", user_password: "nanoseconds of wire" });
  await page.click("#submit-sign-up");
  await look(walk, "invitation-refused");
  await page.click("#submit-decline");
  await look(walk, "invitation-declined");
  await at(walk, pathname);
  await look(walk, "invitation-gone");
}

async function walkPairing(walk: Walk): Promise<void> {
  const { page, site } = walk;
  await at(walk, "/sign-in");
  await fill(page, { email_address: ownerAddress, user_password: PASSWORD });
  await page.click("#submit");
  await look(walk, "overview");
  await at(walk, "/desktop/pair");
  await look(walk, "pairing");
  await fill(page, { user_code: "AB7K-PNQ3" });
  await page.click("#submit");
  await look(walk, "pairing-refused");
  const { user_code } = await startPairing(site.gate, { kind: "anonymous", address: "192.0.2.1" }, undefined);
  await fill(page, { user_code });
  await page.click("#submit");
  await look(walk, "pairing-choice");
  await page.click("#approve");
  await look(walk, "paired");
  site.license({ state: "clock_anomaly" });
  await at(walk, "/");
  await look(walk, "overview-shut");
}

for (const language of languages) {
  testNeeding("chromium", `every page of the dashboard stands up to axe, in ${language}`, async () => {
    if (browser === undefined) throw new Error("there is no browser");
    await using fresh = await startLocalIssuer({ isNew: true, settings: { logo } });
    await using site = await startLocalIssuer({ settings: { logo } });
    await using context = await browser.newContext({ locale: language, viewport: phone });
    const walk = startWalk(await context.newPage(), language);
    await walkSetUp({ ...walk, site: fresh });
    for (const part of [walkSignIn, walkInvitation, walkPairing]) await part({ ...walk, site });
    expect(walk.found).toEqual([]);
    expect(walk.seen.length).toBe(21);
  }, 180_000);
}

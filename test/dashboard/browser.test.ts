/** The first hour in a real browser with scripts off: set-up by link, sign-out, sign-in, and what each refusal shows. */
import { afterAll, beforeAll, expect } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { root } from "../../build/executables.ts";
import { operator, system } from "../../src/gate/caller.ts";
import { createSetupLink } from "../../src/identity/setup-links.ts";
import { createInvitation } from "../../src/teams/invitations.ts";
import { createAdministrator } from "../../src/teams/setup.ts";
import { launchBrowser } from "../support/chromium.ts";
import { addPerson, ownerAddress, PASSWORD } from "../support/people.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";
import { testNeeding, whyNot } from "../support/skip.ts";

const shots = join(root, "test-output", "screenshots");
const widths = { phone: { width: 375, height: 740 }, desktop: { width: 1280, height: 800 } } as const;
/** A name that is not this machine's own: to it a browser says less about who sends a form. */
const PLAIN_HOST = "cyberun.test";

let browser: Browser | undefined;
beforeAll(async () => {
  mkdirSync(shots, { recursive: true });
  if (whyNot(["chromium"]) === undefined) browser = await launchBrowser(`--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`);
});
afterAll(async () => await browser?.close());

interface Visit extends AsyncDisposable {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the browser complained of. */
  readonly complaints: readonly string[];
}

async function visit(): Promise<Visit> {
  if (browser === undefined) throw new Error("there is no browser");
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: widths.desktop });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => void complaints.push(message.text()));
  page.on("requestfailed", (request) => void complaints.push(request.url()));
  return { context, page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** Pictures of the page as it is, on a phone and a desktop, by day and by night; none may have to be scrolled sideways. */
async function photograph(page: Page, name: string): Promise<void> {
  for (const [width, viewport] of Object.entries(widths)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
    }
    const body = await page.locator("main").boundingBox();
    expect([name, width, (body?.width ?? Infinity) <= viewport.width]).toEqual([name, width, true]);
  }
}

async function setUpLink({ gate }: TestRoles): Promise<string> {
  return (await createSetupLink(gate, system, undefined)).setup_url;
}

const answers = {
  "#deployment_name": "Werk Süd",
  "#team_name": "Rendering",
  "#first_name": "Ada",
  "#last_name": "Lovelace",
  "#email_address": ownerAddress,
  "#user_password": PASSWORD,
} as const;

async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [selector, value] of Object.entries(fields)) await page.fill(selector, value);
  await page.click("#submit");
}

const signInFields = { "#email_address": ownerAddress, "#user_password": PASSWORD } as const;

testNeeding("chromium", "from the set-up link to the overview, out, and in again", async () => {
  await using site = await startRoles({ isNew: true });
  await using tab = await visit();
  const { page } = tab;
  await page.goto(site.urls.api);
  expect(await page.textContent("h1")).toBe("Not set up yet");
  await photograph(page, "not-set-up");

  const link = await setUpLink(site);
  await page.goto(link);
  await photograph(page, "set-up");
  await fill(page, answers);
  expect([new URL(page.url()).pathname, await page.textContent("h1"), await page.textContent("#who")]).toEqual(["/", "Werk Süd", "Ada Lovelace"]);
  expect([await page.textContent("#license-state"), await page.textContent("main")]).toEqual(["ok", expect.stringContaining("Rendering")]);
  await photograph(page, "overview");

  await page.click("#sign-out");
  expect([new URL(page.url()).pathname, await page.textContent("h1")]).toEqual(["/sign-in", "Werk Süd"]);
  expect(await tab.context.cookies()).toEqual([]);
  await photograph(page, "sign-in");

  await fill(page, { ...signInFields, "#user_password": "not the password" });
  expect(await page.getByRole("alert").textContent()).toContain("Email address or password is wrong.");
  expect([await page.inputValue("#email_address"), await page.inputValue("#user_password")]).toEqual([ownerAddress, ""]);
  expect(await page.content()).not.toContain("not the password");
  await photograph(page, "sign-in-refused");

  await page.fill("#user_password", PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${site.urls.api}/`);
  expect([new URL(page.url()).pathname, await page.textContent("h1")]).toEqual(["/", "Werk Süd"]);

  await page.goto(link);
  expect(await page.textContent("h1")).toBe("Already set up");
  await photograph(page, "used-link");
  // A status of 4xx is a line on the console; a policy that stops one of our own parts would be one too.
  expect(tab.complaints.filter((line) => !/status of 4\d\d/.test(line))).toEqual([]);
}, 60_000);

testNeeding("chromium", "a set-up that is refused keeps what was typed, except the password", async () => {
  await using site = await startRoles({ isNew: true });
  await using tab = await visit();
  await tab.page.goto(await setUpLink(site));
  // The browser's own check passes blanks, and ours does not.
  await fill(tab.page, { ...answers, "#deployment_name": "   " });
  expect(await tab.page.getByRole("alert").textContent()).toContain("Please correct:");
  expect(await tab.page.locator("[aria-invalid]").getAttribute("id")).toBe("deployment_name");
  expect(await tab.page.textContent("#deployment_name-note")).toContain("Name of the deployment: 1 to 100 characters.");
  expect([await tab.page.inputValue("#team_name"), await tab.page.inputValue("#email_address"), await tab.page.inputValue("#user_password")]).toEqual(["Rendering", ownerAddress, ""]);
  await photograph(tab.page, "set-up-refused");
  await fill(tab.page, { "#deployment_name": "Werk Süd", "#user_password": PASSWORD });
  expect(await tab.page.textContent("h1")).toBe("Werk Süd");
}, 60_000);

testNeeding("chromium", "two people with the same link: the second is told that it is done", async () => {
  await using site = await startRoles({ isNew: true });
  await using first = await visit();
  await using second = await visit();
  const link = await setUpLink(site);
  await first.page.goto(link);
  await second.page.goto(link);
  await fill(first.page, answers);
  await fill(second.page, { ...answers, "#email_address": "eve@example.com" });
  expect(await second.page.textContent("h1")).toBe("Already set up");
  expect(await second.context.cookies()).toEqual([]);
}, 60_000);

testNeeding("chromium", "a link that is too old says so before a form is filled in, and where the next one comes from", async () => {
  await using site = await startRoles({ isNew: true });
  await using tab = await visit();
  const link = await setUpLink(site);
  site.world.services.clock.advance(1_800_000);
  await tab.page.goto(link);
  expect(await tab.page.getByRole("alert").textContent()).toContain("cyberun admin setup-link");
  expect(await tab.page.locator("form").count()).toBe(0);
  await photograph(tab.page, "link-too-old");
}, 60_000);

testNeeding("chromium", "forms work under a plain http name, where the browser tells the origin alone", async () => {
  await using site = await startRoles();
  await using tab = await visit();
  await tab.page.goto(`${site.urls.api.replace("127.0.0.1", PLAIN_HOST)}/sign-in`);
  await fill(tab.page, signInFields);
  expect([new URL(tab.page.url()).pathname, await tab.page.textContent("#who")]).toEqual(["/", "Ada Lovelace"]);
  await tab.page.click("#sign-out");
  expect(new URL(tab.page.url()).pathname).toBe("/sign-in");
}, 60_000);

testNeeding("chromium", "another site's form neither signs in nor signs out", async () => {
  await using site = await startRoles();
  await using tab = await visit();
  const action = site.urls.api;
  const evil = `<form method="post" action="${action}/sign-in"><input name="email_address" value="${ownerAddress}"><input name="user_password" value="${PASSWORD}"><button id="submit">x</button></form>
    <form method="post" action="${action}/sign-out"><button id="out">x</button></form>`;
  await using attacker = Bun.serve({ port: 0, development: false, fetch: () => new Response(evil, { headers: { "content-type": "text/html" } }) });
  const address = `http://localhost:${attacker.port}/`;
  await tab.page.goto(address);
  await tab.page.click("#submit");
  expect([await tab.page.getByRole("alert").textContent(), await tab.context.cookies()]).toEqual([expect.stringContaining("another site"), []]);
  await tab.page.goto(`${action}/sign-in`);
  await fill(tab.page, signInFields);
  await tab.page.goto(address);
  await tab.page.click("#out");
  await tab.page.goto(action);
  expect(await tab.page.textContent("#who")).toBe("Ada Lovelace");
}, 60_000);

testNeeding("chromium", "the overview says what a shut license is and what to do", async () => {
  await using site = await startRoles();
  await using tab = await visit();
  await tab.page.goto(`${site.urls.api}/sign-in`);
  await fill(tab.page, signInFields);
  await tab.page.waitForSelector("#license-state");
  site.license({ state: "expired" });
  await tab.page.goto(`${site.urls.api}/`);
  expect([await tab.page.textContent("#license-state"), await tab.page.textContent("main")]).toEqual(["expired", expect.stringContaining("Install a renewed license file")]);
  await photograph(tab.page, "overview-expired");
  expect(await tab.page.locator("td", { hasText: /^on$/ }).count()).toBe(0);
  await tab.page.goto(`${site.urls.api}/nothing`);
  expect(await tab.page.getByRole("alert").textContent()).toContain("nothing at this address");
  await photograph(tab.page, "refusal");
}, 60_000);

/** The link of a new invitation into the first team. */
async function invitationLink({ gate, people }: TestRoles, email_address: string): Promise<string> {
  return (await createInvitation(gate, people.owner, { email_address, invitation_role: "member" })).invitation_url ?? "";
}

testNeeding("chromium", "an invited person makes an account on the link's page, and another accepts with the account there is", async () => {
  await using site = await startRoles({ features: { global: { auto_team: false } } });
  await using tab = await visit();
  const { page } = tab;
  await page.goto(await invitationLink(site, "grace@example.com"));
  expect([await page.textContent("#invited"), await page.textContent("#team"), await page.textContent("#role")]).toEqual(["grace@example.com", "First", "member"]);
  await photograph(page, "invitation");
  await page.fill("#first_name", "Grace");
  await page.fill("#last_name", "Hopper");
  await page.fill("#user_password", "nanoseconds of wire");
  await page.click("#submit-sign-up");
  await page.waitForURL(`${site.urls.api}/`);
  expect([await page.textContent("#who"), await page.textContent("main")]).toEqual(["Grace Hopper", expect.stringContaining("First")]);

  await addPerson(site.gate, { address: "alan@example.com" });
  const link = await invitationLink(site, "alan@example.com");
  await page.goto(link);
  await page.click("#submit-accept");
  expect(await page.getByRole("alert").textContent()).toContain("another address");
  await photograph(page, "invitation-refused");
  await page.goto(`${site.urls.api}/`);
  await page.click("#sign-out");
  await page.waitForSelector("#sign-in");
  await fill(page, { "#email_address": "alan@example.com", "#user_password": PASSWORD });
  await page.waitForSelector("#who");
  await page.goto(link);
  await page.click("#submit-accept");
  await page.waitForURL(`${site.urls.api}/`);
  expect(await page.textContent("main")).toContain("First");
  await page.goto(link);
  expect(await page.getByRole("alert").textContent()).toContain("not good any more");
  expect(tab.complaints.filter((line) => !/status of 4\d\d/.test(line))).toEqual([]);
}, 60_000);

testNeeding("chromium", "the forms are walked by keyboard in their order, and each field has its name", async () => {
  await using site = await startRoles({ isNew: true });
  await using tab = await visit();
  await tab.page.goto(await setUpLink(site));
  for (const id of ["deployment_name", "team_name", "first_name", "last_name", "email_address", "user_password", "submit"]) {
    await tab.page.keyboard.press("Tab");
    expect(await tab.page.locator(":focus").getAttribute("id")).toBe(id);
  }
  const names = ["Name of the deployment", "First team", "First name", "Last name", "Email address", "Password"];
  for (const name of names) expect([name, await tab.page.getByLabel(name, { exact: true }).count()]).toEqual([name, 1]);
  expect(await tab.page.getByRole("button", { name: "Set up" }).count()).toBe(1);
}, 60_000);

testNeeding("chromium", "a name that is HTML is shown as it was typed", async () => {
  await using site = await startRoles({ isNew: true });
  await using tab = await visit();
  const name = `<script>document.title="x"</script>"'&<img src=x>`;
  await createAdministrator(site.gate, operator, { deployment_name: name, team_name: name, first_name: "A", last_name: "B", email_address: ownerAddress, user_password: PASSWORD });
  await tab.page.goto(`${site.urls.api}/sign-in`);
  expect(await tab.page.textContent("h1")).toBe(name);
  expect(await tab.page.locator("img, script").count()).toBe(0);
}, 60_000);

/** Both pages for devices in a real browser with scripts off: sign-in on the way, the code, the look, the decision. */
import { afterAll, beforeAll, expect } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { root } from "../../build/executables.ts";
import { pollPairing, startPairing } from "../../src/credentials/pairing.ts";
import { launchBrowser } from "../support/chromium.ts";
import { startDeviceFlow } from "../support/device-flow.ts";
import { anonymous, ownerAddress, PASSWORD } from "../support/people.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";
import { testNeeding, whyNot } from "../support/skip.ts";

const shots = join(root, "test-output", "screenshots");
const widths = { phone: { width: 375, height: 740 }, desktop: { width: 1280, height: 800 } } as const;

let browser: Browser | undefined;
let site: TestRoles;
beforeAll(async () => {
  mkdirSync(shots, { recursive: true });
  site = await startRoles();
  if (whyNot(["chromium"]) === undefined) browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await site.close();
});

async function photograph(page: Page, name: string): Promise<void> {
  for (const [width, viewport] of Object.entries(widths)) {
    await page.setViewportSize(viewport);
    await page.screenshot({ path: join(shots, `${name}-${width}-light.png`), fullPage: true });
    const body = await page.locator("main").boundingBox();
    expect([name, width, (body?.width ?? Infinity) <= viewport.width]).toEqual([name, width, true]);
  }
}

/** A page without scripts, and what the browser complained of there. */
async function open(): Promise<{ readonly page: Page; readonly complaints: readonly string[] }> {
  if (browser === undefined) throw new Error("there is no browser");
  const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  const complaints: string[] = [];
  page.on("console", (message) => void complaints.push(message.text()));
  page.on("requestfailed", (request) => void complaints.push(request.url()));
  return { page, complaints };
}

async function signIn(page: Page): Promise<void> {
  await page.fill("#email_address", ownerAddress);
  await page.fill("#user_password", PASSWORD);
  await page.click("#submit");
}

testNeeding("chromium", "a device of a client is allowed at the issuer, from its link on", async () => {
  const flow = await startDeviceFlow(site);
  const { body } = await flow.start({ scope: "openid email" });
  const { page, complaints } = await open();
  await page.goto(String(body["verification_uri_complete"]));
  await signIn(page);
  await page.waitForSelector("#device");
  expect(await page.inputValue("#user_code")).toBe(String(body["user_code"]));
  await photograph(page, "device-code");
  await page.click("#submit");
  await page.waitForSelector("#consent");
  expect(await page.textContent("#user-code")).toBe(String(body["user_code"]));
  await photograph(page, "device-consent");
  await page.click("#allow");
  await page.waitForSelector("#device-allowed");
  expect((await flow.poll(String(body["device_code"]))).status).toBe(200);
  // The icon that browsers ask for by themselves.
  expect(complaints.filter((line) => !/status of 404/.test(line))).toEqual([]);
}, 60_000);

testNeeding("chromium", "a desktop is paired at the dashboard, by keyboard alone, from its link on", async () => {
  const { device_code, verification_uri } = await startPairing(site.gate, { kind: "anonymous", address: "192.0.2.1" }, undefined);
  const { page, complaints } = await open();
  await page.goto(verification_uri);
  await signIn(page);
  await page.waitForSelector("#pair");
  await page.focus("#user_code");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#decision");
  await photograph(page, "pairing");
  await page.focus("#device_name");
  await page.keyboard.type("Laptop");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#paired");
  expect((await pollPairing(site.gate, anonymous, { device_code })).status).toBe("approved");
  // The icon that browsers ask for by themselves.
  expect(complaints.filter((line) => !/status of 404/.test(line))).toEqual([]);
}, 60_000);

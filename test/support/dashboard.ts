/**
 * The dashboard in a real browser, over roles of the test: signed in, photographed, and looked at by axe.
 *
 *     await using dashboard = await openDashboard();
 *     await using tab = await dashboard.tab();
 *     await tab.open("/keys");
 */
import { expect } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { root } from "../../build/executables.ts";
import { launchBrowser } from "./chromium.ts";
import { eventually } from "./eventually.ts";
import { startLocalIssuer } from "./local-issuer.ts";
import { ownerAddress, signIn } from "./people.ts";
import { startRoles, type TestRoles } from "./roles.ts";
import { whyNot } from "./skip.ts";

export const shots = join(root, "test-output", "screenshots");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Over plain HTTP to a name that is not this machine's own, browsers withhold half of their interfaces. */
export const PLAIN_HOST = "cyberun.test";
const widths = { phone: { width: 375, height: 740 }, desktop: { width: 1280, height: 800 } } as const;

export interface Tab extends AsyncDisposable {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly complaints: string[];
  open(path: string): Promise<void>;
}

export interface TabOptions {
  readonly who?: string;
  readonly locale?: string;
  readonly javaScriptEnabled?: boolean;
  readonly host?: string;
}

export interface Dashboard extends AsyncDisposable {
  readonly site: TestRoles;
  /** Signed in by the dashboard's cookie. */
  tab(options?: TabOptions): Promise<Tab>;
}

/** Nothing is being loaded any more. */
export async function settled(page: Page): Promise<void> {
  await eventually(async () => (await page.locator("main .note[role=status]").count()) === 0, "the page has what it asked for");
}

/** At two widths and in two themes, each kept as a picture, with nothing that axe minds and nothing beside the screen. */
export async function photograph(page: Page, name: string): Promise<void> {
  for (const [width, viewport] of Object.entries(widths)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(shots, `app-${name}-${width}-${colorScheme}.png`) });
      await page.evaluate(axe);
      const violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[] = await page.evaluate("axe.run().then(({ violations }) => violations)");
      expect([name, width, colorScheme, violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)]).toEqual([name, width, colorScheme, []]);
    }
    expect([name, width, await page.evaluate("document.documentElement.scrollWidth <= innerWidth")]).toEqual([name, width, true]);
  }
  await page.setViewportSize(widths.desktop);
}

async function tabIn(browser: Browser, site: TestRoles, { who = ownerAddress, locale = "en", javaScriptEnabled = true, host = "127.0.0.1" }: TabOptions): Promise<Tab> {
  const context = await browser.newContext({ locale, viewport: widths.desktop, javaScriptEnabled });
  const start = site.urls.api.replace("127.0.0.1", host);
  const { secret } = await signIn(site.gate, who, "cookie");
  await context.addCookies([{ name: "cyberun", value: secret, url: start }]);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => void (message.type() === "error" && complaints.push(message.text())));
  page.on("pageerror", (error) => void complaints.push(String(error)));
  return {
    context,
    page,
    complaints,
    async open(path) {
      await page.goto(`${start}${path}`);
      await page.locator("body.app main h1").waitFor();
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
}

/** With `isLocal` it is known as localhost, where browsers have passkeys. */
export async function openDashboard({ isLocal = false } = {}): Promise<Dashboard> {
  mkdirSync(shots, { recursive: true });
  const browser = whyNot(["chromium"]) === undefined ? await launchBrowser(`--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`) : undefined;
  const site = isLocal ? await startLocalIssuer() : await startRoles();
  return {
    site,
    async tab(options = {}) {
      if (browser === undefined) throw new Error("there is no browser");
      return await tabIn(browser, site, options);
    },
    async [Symbol.asyncDispose]() {
      await browser?.close();
      await site.close();
    },
  };
}

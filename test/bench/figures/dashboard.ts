/** The dashboard as a person meets it: from the click to a page that answers, with nothing kept, and with the script kept. */
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { launchBrowser } from "../../support/chromium.ts";
import { administrator, foundTeam } from "../administrator.ts";
import { startDeployment } from "../deployment.ts";
import { atMost, type Bench, compared } from "../figure.ts";
import { column, contest } from "../rounds.ts";

const ROUNDS = 9;
const FIRST_MS_MAX = 1_000;

/** A page that is drawn by a script, and no more. */
const rawPage = '<!doctype html><html lang="en"><title>raw</title><main></main><script type="module" src="/raw.js"></script>';
const rawScript = 'const h = document.createElement("h1"); h.textContent = "Drawn"; document.querySelector("main").append(h);';

async function shownMs(context: BrowserContext, url: string): Promise<number> {
  const page = await context.newPage();
  const startedAtMs = performance.now();
  await page.goto(url, { waitUntil: "commit" });
  await page.locator("main h1").waitFor();
  const ms = performance.now() - startedAtMs;
  await page.close();
  return ms;
}

export const dashboardLoads: Bench = {
  name: "dashboard",
  title: "Dashboard",
  async measure({ dist, scratch }) {
    await using deployment = await startDeployment({ executable: join(dist, "cyberun"), dataDir: join(scratch, "data") });
    await foundTeam(deployment);
    const raw = Bun.serve({ port: 0, hostname: "127.0.0.1", routes: { "/": () => new Response(rawPage, { headers: { "content-type": "text/html" } }), "/raw.js": () => new Response(rawScript, { headers: { "content-type": "text/javascript" } }) } });
    const browser = await launchBrowser();
    try {
      const signedIn = await browser.newContext();
      const page = await signedIn.newPage();
      await page.goto(new URL("/sign-in", deployment.addresses.api).href);
      await page.fill("#email_address", administrator.email_address);
      await page.fill("#user_password", administrator.user_password);
      await page.click("#submit");
      await page.locator("body.app main h1").waitFor();
      const storageState = await signedIn.storageState();
      /** A browser that has nothing yet but the session. */
      const first = async (url: string) => {
        const context = await browser.newContext({ storageState });
        const ms = await shownMs(context, url);
        await context.close();
        return ms;
      };
      const pairs = await contest({ rounds: ROUNDS, warmUps: 1, ours: () => first(deployment.addresses.api), raw: () => first(raw.url.href) });
      const figure = compared(column(pairs, (ms) => ms));
      return [
        {
          name: "dashboard.first",
          title: "First load of the dashboard on loopback, to a page that is drawn and answers",
          unit: "ms",
          rawLoop: "the same browser, a page whose heading a script of one line draws",
          ...figure,
          bars: [atMost("median in ms", FIRST_MS_MAX, figure.ours.median)],
          notes: ["A fresh browser context each round: page, style sheets and script come over the wire, and the first answers of the API are waited for."],
        },
      ];
    } finally {
      await browser.close();
      await raw.stop(true);
    }
  },
};

/** A real browser without a window, for pages. Close it with `await using`. */
import { type Browser, chromium } from "playwright-core";
import { packagesOf, tools } from "../../build/tools.ts";

/** It runs as root in a container, without a graphics card, and must call nobody but the page under test. */
const switches = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];

/** With `more` switches. Throws when Chromium is not installed; guard a test with `testNeeding("chromium", …)`. */
export async function launchBrowser(...more: readonly string[]): Promise<Browser> {
  const executablePath = tools.chromium.find();
  if (executablePath === undefined) throw new Error(`Chromium is not installed: apt-get install ${packagesOf(["chromium"]).join(" ")}`);
  return await chromium.launch({ executablePath, args: [...switches, ...more] });
}

/** axe-core inside a page under test: what people who cannot see, or use a keyboard alone, would stumble over. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const ALL = "axe.run()";
/** The only rule that minds the colour scheme. */
const CONTRAST = "axe.run({ runOnly: { type: 'rule', values: ['color-contrast'] } })";

async function violationsOf(page: Page, run: string): Promise<readonly string[]> {
  const found: unknown = await page.evaluate(`${run}.then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).join(" | ")))`);
  return Array.isArray(found) ? found.map(String) : ["axe gave no answer"];
}

/** What is wrong by day and by night; empty when nothing is. The page's policy does not hold for a debugger's scripts. */
export async function findViolations(page: Page): Promise<readonly string[]> {
  await page.evaluate(source);
  await page.emulateMedia({ colorScheme: "light" });
  const byDay = await violationsOf(page, ALL);
  await page.emulateMedia({ colorScheme: "dark" });
  const byNight = await violationsOf(page, CONTRAST);
  await page.emulateMedia({ colorScheme: null });
  return [...byDay, ...byNight.map((each) => `dark: ${each}`)];
}

/**
 * A walk through pages in a real browser, which looks at each: its language, its size, its width on a phone, and what axe
 * finds by day and by night.
 *
 *     const walk = { ...startWalk(page, "de"), site };
 *     await look(walk, "issuer/sign-in");
 *     expect(walk.found).toEqual([]);
 */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Page } from "playwright-core";
import { root } from "../../build/executables.ts";
import { findViolations } from "./axe.ts";

const PAGE_BYTES_MAX = 40_960;
const PHONE_PIXELS = 375;

/** What a walk's browser context is opened with. */
export const phone = { width: PHONE_PIXELS, height: 740 } as const;

export interface Walk {
  readonly page: Page;
  readonly language: string;
  /** What was found on which page. */
  readonly found: string[];
  readonly seen: string[];
}

/** What the browser complains of is found too; a status that is a refusal is no complaint. */
export function startWalk(page: Page, language: string): Walk {
  const found: string[] = [];
  page.on("console", (message) => void (/status of 4\d\d|^\[DOM\]/.test(message.text()) || found.push(message.text())));
  return { page, language, found, seen: [] };
}

/** Looks at the page as it stands. `name` is the folder and file of its picture. */
export async function look({ page, language, found, seen }: Walk, name: string): Promise<void> {
  seen.push(name);
  const bytes = Buffer.byteLength(await page.content());
  if (bytes > PAGE_BYTES_MAX) found.push(`${name}: ${bytes} bytes`);
  if ((await page.getAttribute("html", "lang")) !== language) found.push(`${name}: another language`);
  if ((await page.content()).includes("undefined")) found.push(`${name}: says undefined`);
  for (const violation of await findViolations(page)) found.push(`${name}: ${violation}`);
  const width: unknown = await page.evaluate("document.documentElement.scrollWidth");
  if (Number(width) > PHONE_PIXELS) found.push(`${name}: ${String(width)} pixels wide on a phone`);
  const file = join(root, "test-output", "screenshots", `${name}-${language}.png`);
  mkdirSync(dirname(file), { recursive: true });
  await page.screenshot({ path: file, fullPage: true });
}

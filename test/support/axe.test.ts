import { expect } from "bun:test";
import { findViolations } from "./axe.ts";
import { launchBrowser } from "./chromium.ts";
import { testNeeding } from "./skip.ts";

const page = (style: string, body: string) =>
  `<!doctype html><html lang="en"><head><title>t</title><style>:root { color-scheme: light dark } ${style}</style></head><body><main><h1>h</h1>${body}</main></body></html>`;

testNeeding("chromium", "finds what has no name, and what cannot be read by night alone", async () => {
  await using browser = await launchBrowser();
  const tab = await browser.newPage();
  const found = async (text: string) => {
    await tab.setContent(text);
    return (await findViolations(tab)).map((each) => each.split(":", 2).join(":").replace(/: .*/, ""));
  };
  expect(await found(page("", "<p>fine</p>"))).toEqual([]);
  expect(await found(page("", '<input type="text">'))).toEqual(["label"]);
  expect(await found(page("@media (prefers-color-scheme: dark) { body { background: #222; color: #444 } }", "<p>dim</p>"))).toEqual(["dark"]);
}, 60_000);

import { expect } from "bun:test";
import { launchBrowser } from "./chromium.ts";
import { testNeeding } from "./skip.ts";

testNeeding("chromium", "the browser shows a page of ours and runs its script", async () => {
  await using server = Bun.serve({ port: 0, development: false, fetch: () => new Response("<h1>one</h1><script>document.title = 'ran'</script>", { headers: { "content-type": "text/html" } }) });
  await using browser = await launchBrowser();
  const page = await browser.newPage();
  await page.goto(server.url.href);
  expect(await page.title()).toBe("ran");
  expect(await page.textContent("h1")).toBe("one");
});

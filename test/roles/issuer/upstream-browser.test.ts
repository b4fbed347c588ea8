/**
 * Sign-in through a provider in a real browser: the pages' policies let the forms go where they have to, with scripts
 * off, and axe finds nothing on what people see on the way.
 */
import { afterAll, beforeAll, expect } from "bun:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { languages } from "../../../src/dashboard/language.ts";
import { findViolations } from "../../support/axe.ts";
import { launchBrowser } from "../../support/chromium.ts";
import { type ClientSite, openClientSite } from "../../support/client-site.ts";
import { addPerson, PASSWORD } from "../../support/people.ts";
import type { TestRoles } from "../../support/roles.ts";
import { testNeeding, whyNot } from "../../support/skip.ts";
import { type Peer, startPeer } from "../../support/upstream-peer.ts";
import { addProvider, requestAddress, startUpstreamSite } from "../../support/upstream-site.ts";

let browser: Browser | undefined;
let site: TestRoles;
let peer: Peer;
let client: ClientSite;

beforeAll(async () => {
  if (whyNot(["chromium"]) !== undefined) return;
  browser = await launchBrowser();
  client = openClientSite();
  site = await startUpstreamSite({}, [client.redirectUri]);
  peer = await startPeer(`${site.urls.issuer}/upstream/callback`);
  await addProvider(site.gate, "peer", peer.issuer);
});
afterAll(async () => {
  if (browser === undefined) return;
  await browser.close();
  await peer[Symbol.asyncDispose]();
  await site.close();
  client[Symbol.dispose]();
});

interface Walk extends AsyncDisposable {
  readonly page: Page;
  /** What the browser complained of: a breach of a policy is among it. */
  readonly complaints: readonly string[];
}

/** A browser of its own. */
async function openWalk(options: Parameters<Browser["newContext"]>[0]): Promise<Walk> {
  if (browser === undefined) throw new Error("there is no browser");
  const context: BrowserContext = await browser.newContext({ viewport: { width: 375, height: 740 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => void complaints.push(message.text()));
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

const landed = ({ page }: Walk) => new URL(page.url());

testNeeding("chromium", "a newcomer goes from the button to the client with scripts off, and no policy is in the way", async () => {
  await using walk = await openWalk({ javaScriptEnabled: false });
  peer.person = { sub: "b-1", email: "b-1@newcomers.example", email_verified: true, given_name: "Grace", family_name: "Hopper" };
  await walk.page.goto(requestAddress(site, { redirect_uri: client.redirectUri }));
  await walk.page.click("#upstream-peer");
  await walk.page.waitForURL(`${client.redirectUri}**`);
  expect([landed(walk).searchParams.has("code"), walk.complaints]).toEqual([true, []]);
});

testNeeding("chromium", "an account is connected by its password with scripts off, and the form goes on to the client", async () => {
  await addPerson(site.gate, { address: "b-2@example.com" });
  await using walk = await openWalk({ javaScriptEnabled: false });
  peer.person = { sub: "b-2", email: "b-2@example.com", email_verified: true };
  await walk.page.goto(requestAddress(site, { redirect_uri: client.redirectUri }));
  await walk.page.click("#upstream-peer");
  await walk.page.waitForSelector("#connect");
  expect(await walk.page.inputValue("#email_address")).toBe("b-2@example.com");
  await walk.page.fill("#user_password", PASSWORD);
  await walk.page.click("#submit");
  await walk.page.waitForURL(`${client.redirectUri}**`);
  expect([landed(walk).searchParams.has("code"), walk.complaints]).toEqual([true, []]);
});

testNeeding("chromium", "the dashboard is signed in with scripts off", async () => {
  await using walk = await openWalk({ javaScriptEnabled: false });
  peer.person = { sub: "b-3", email: "b-3@newcomers.example", email_verified: true, given_name: "Edsger", family_name: "Dijkstra" };
  await walk.page.goto(`${site.urls.api}/sign-in`);
  await walk.page.click("#upstream-peer");
  await walk.page.waitForURL(`${site.urls.api}/`);
  expect([(await walk.page.content()).includes("Edsger Dijkstra"), walk.complaints]).toEqual([true, []]);
});

testNeeding("chromium", "axe finds nothing on the pages of the way, in any language, by day and by night", async () => {
  const found: string[] = [];
  for (const locale of languages) {
    await using walk = await openWalk({ locale });
    peer.person = { sub: `b-4-${locale}`, email: "b-4@newcomers.example", email_verified: false };
    const look = async (name: string) => {
      for (const violation of await findViolations(walk.page)) found.push(`${name} ${locale}: ${violation}`);
      if ((await walk.page.getAttribute("html", "lang")) !== locale) found.push(`${name} ${locale}: another language`);
      if (Number(await walk.page.evaluate("document.documentElement.scrollWidth")) > 375) found.push(`${name} ${locale}: wider than a phone`);
    };
    await walk.page.goto(requestAddress(site, { redirect_uri: client.redirectUri }));
    await look("sign-in");
    await walk.page.click("#upstream-peer");
    await walk.page.waitForSelector("#connect");
    await look("connect");
    await walk.page.fill("#user_password", "not the password");
    await walk.page.click("#submit");
    await walk.page.waitForSelector("#error");
    await look("connect-refused");
  }
  expect(found).toEqual([]);
}, 60_000);

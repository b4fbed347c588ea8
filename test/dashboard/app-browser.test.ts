/** The dashboard in a real browser with scripts on: every page, in every state, on a phone and a desktop, by day and by night. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { appPaths } from "../../src/roles/api/app-pages.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { type Dashboard, openDashboard, photograph, PLAIN_HOST, settled, shots, type TabOptions } from "../support/dashboard.ts";
import { sections } from "../support/dashboard-sections.ts";
import { eventually } from "../support/eventually.ts";
import type { TestLicense } from "../support/gate.ts";
import { addKey, addPerson, PASSWORD } from "../support/people.ts";
import type { TestRoles } from "../support/roles.ts";
import { authenticator } from "../support/second-factor.ts";
import { testNeeding } from "../support/skip.ts";
import { attemptOf, connectAgent } from "../support/socket-agent.ts";

const pages = ["/", "/workflows", "/tasks", "/agents", "/keys", "/members", "/webhooks", "/containers", "/notifications", "/license", "/users", "/identity", "/federation", "/system", "/audit", "/profile"];

let dashboard: Dashboard;
let site: TestRoles;
beforeAll(async () => {
  dashboard = await openDashboard();
  site = dashboard.site;
  await importWorkflow(site.gate, site.people.owner, { workflow_slug: "render", display_name: "Render a scene", tool_type: "command", workflow_json: { command: "render" }, parameters: [{ key: "seed", type: "integer", label: "Seed", default: 7 }, { key: "prompt", type: "string", label: "Prompt", required: true }] });
});
afterAll(async () => {
  await dashboard[Symbol.asyncDispose]();
});

const tabOf = (options?: TabOptions) => dashboard.tab(options);

test("the addresses that are served are those of the sections", () => {
  const shown = sections.flatMap(({ path, hasOne }) => (path === "/" ? [] : hasOne ? [path, `${path}/:id`] : [path]));
  expect(shown.toSorted()).toEqual([...appPaths].toSorted());
  expect(sections.map(({ path }) => path)).toEqual(pages);
});

testNeeding("chromium", "every page is there, stands up to axe, and complains of nothing", async () => {
  await using tab = await tabOf();
  for (const path of pages) {
    await tab.open(path);
    await settled(tab.page);
    await photograph(tab.page, path === "/" ? "overview" : path.slice(1));
    expect([path, await tab.page.locator("nav a[aria-current=page]").getAttribute("href")]).toEqual([path, path]);
  }
  expect(tab.complaints).toEqual([]);
}, 120_000);

testNeeding("chromium", "a person signs in, runs a workflow by its form and sees the agent finish it", async () => {
  await using tab = await tabOf();
  const agent = await connectAgent(site, (await addKey(site.gate, site.people.owner, "agent")).rawKey, { agent_id: "desk" });
  const { page } = tab;
  await tab.open("/");
  await page.click("nav >> text=Workflows");
  await page.click("text=Render a scene");
  await page.fill("input[name=prompt]", "a hill");
  await page.click("form[aria-label='Run it'] button[type=submit]");
  const offer = await agent.take("offer");
  expect(offer["parameters"]).toEqual({ seed: 7, prompt: "a hill" });
  agent.say({ type: "accept", ...attemptOf(offer) });
  agent.say({ type: "log", ...attemptOf(offer), offset: 0, stream: "stdout", text: "half done\n" });
  await agent.take("logged");
  await eventually(async () => {
    site.world.services.clock.advance(100);
    return (await page.locator("#log").count()) === 1 && (await page.locator("#log").innerText()).includes("half done");
  }, "the log is shown as it is written");
  agent.say({ type: "result", ...attemptOf(offer), outcome: { kind: "completed", output: { frames: 3 } } });
  await agent.take("taken");
  await page.locator("#task-status >> text=completed").waitFor();
  await page.locator("text=\"frames\": 3").waitFor();
  await photograph(page, "task");
  await page.goBack();
  await page.locator("h1 >> text=Render a scene").waitFor();
  await page.clock.setFixedTime(site.world.services.clock.now() + 1_000);
  await page.click("nav >> text=Overview");
  await page.locator("figcaption", { hasText: ": 1" }).waitFor();
  expect(tab.complaints).toEqual([]);
  agent.close();
}, 60_000);

testNeeding("chromium", "a key is made, shown once, and revoked after a question", async () => {
  await using tab = await tabOf();
  const { page } = tab;
  await tab.open("/keys");
  await page.click("summary");
  await page.fill("input[name=display_name]", "build server");
  await page.click("form[aria-label='Create a key'] button[type=submit]");
  const key = await page.locator("#secret").innerText();
  expect(key).toMatch(/^sk-/);
  expect((await site.call("/api/v1/r/workflows", { headers: { authorization: `Bearer ${key}` } })).status).toBe(200);
  await page.click("text=Done");
  expect(await page.locator("#secret").count()).toBe(0);
  const row = page.locator("tr", { hasText: "build server" });
  await row.locator("text=Revoke").click();
  await page.locator("dialog[open] >> text=Yes, do it").click();
  await row.locator("text=revoked").waitFor();
  expect((await site.call("/api/v1/r/workflows", { headers: { authorization: `Bearer ${key}` } })).status).toBe(401);
}, 60_000);

testNeeding("chromium", "over plain HTTP in a network of one's own it works as well", async () => {
  await using tab = await tabOf({ host: PLAIN_HOST });
  const { page } = tab;
  await tab.open("/keys");
  expect(await page.evaluate("isSecureContext")).toBe(false);
  await page.click("summary");
  await page.fill("input[name=display_name]", "plain");
  await page.click("form[aria-label='Create a key'] button[type=submit]");
  expect(await page.locator("#secret").innerText()).toMatch(/^sk-/);
  expect(await page.locator("button", { hasText: "Copy" }).count()).toBe(0);
  expect(tab.complaints).toEqual([]);
}, 60_000);

testNeeding("chromium", "a second factor is set up, and the sign-in form asks for its code", async () => {
  const address = "careful@example.com";
  await addPerson(site.gate, { address, teamId: site.people.teamId });
  await using tab = await tabOf({ who: address });
  const { page } = tab;
  await tab.open("/profile");
  await page.fill("form[aria-label='Set up a second factor'] input[name=current_password]", "not the password");
  await page.click("form[aria-label='Set up a second factor'] button[type=submit]");
  await page.locator("form[aria-label='Set up a second factor'] [role=alert]").waitFor();
  await page.fill("form[aria-label='Set up a second factor'] input[name=current_password]", PASSWORD);
  await page.click("form[aria-label='Set up a second factor'] button[type=submit]");
  const app = authenticator(site.gate, await page.locator("#factor-secret").innerText());
  await page.fill("input[name=code]", app.code(-1));
  await page.click("form[aria-label='Confirm'] button[type=submit]");
  expect((await page.locator("#recovery-codes").innerText()).split("\n").length).toBeGreaterThan(5);
  await photograph(page, "recovery-codes");
  await page.click("text=Done");
  await page.locator("#second-factor").waitFor();
  await page.click("text=Sign out");
  await page.fill("#email_address", address);
  await page.fill("#user_password", PASSWORD);
  await page.click("#submit");
  await page.fill("#code", app.code());
  await page.click("#submit");
  await page.locator("body.app main h1").waitFor();
}, 60_000);

testNeeding("chromium", "an administrator installs a license while it has expired, makes an account, a webhook and a team", async () => {
  await using tab = await tabOf();
  const { page } = tab;
  site.license({ state: "expired" });
  await tab.open("/license");
  await page.locator("#license-state >> text=expired").waitFor();
  await page.setInputFiles("#license-file", { name: "site.lic", mimeType: "text/plain", buffer: Buffer.from("a license") });
  site.licenseServer.tested = { outcome: "accepted", refusal: null, message: "", state: "ok", license: null, differences: [{ key: "quotas.team.max_agents", from: 2, to: 9 }], warnings: ["It ends earlier."] };
  await page.click("form[aria-label='Install a license file'] button[type=submit]");
  await page.locator("#license-test >> text=It has 9 bytes.").waitFor();
  await page.locator("#license-test >> td >> text=quotas.team.max_agents").waitFor();
  await page.locator("#license-test >> text=It ends earlier.").waitFor();
  expect(site.licenseServer.files).toEqual([]);
  await photograph(page, "license-test");
  await page.click("#license-test >> text=Install");
  await page.locator("text=The license is in force.").waitFor();
  expect(site.licenseServer.files).toEqual(["a license"]);
  site.license({});

  await tab.open("/users");
  await page.click("summary");
  for (const [name, value] of [["email_address", "new@example.com"], ["first_name", "New"], ["last_name", "Person"]] as const) await page.fill(`input[name=${name}]`, value);
  await page.click("form[aria-label='Create an account'] button[type=submit]");
  expect(await page.locator("#secret").innerText()).toContain("/reset-password/");
  await page.locator("td >> text=new@example.com").waitFor();

  await tab.open("/webhooks");
  await page.click("summary");
  await page.fill("input[name=display_name]", "CI");
  await page.fill("input[name=url]", "https://ci.example/hook");
  await page.click("form[aria-label='Create a webhook'] button[type=submit]");
  expect(await page.locator("#secret").innerText()).toMatch(/^whsec_/);
  await tab.open("/profile");
  await page.fill("form[aria-label='Create a team'] input", "Third");
  await page.click("form[aria-label='Create a team'] button[type=submit]");
  await page.locator("aside select >> text=Third").waitFor({ state: "attached" });
  await tab.open("/audit");
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Download as lines (JSON)")]);
  const lines = readFileSync(await download.path(), "utf8").trim().split("\n");
  expect(lines.map((line) => Object.keys(JSON.parse(line)).includes("operation"))).not.toContain(false);
}, 60_000);

const DAY_SECONDS = 86_400;

/** A license that ends so many days from now, by the browser's clock. */
function endingIn(days: number): TestLicense["license"] {
  return { licenseId: `lic-${days}`, deploymentId: "site", customerName: "Acme Ltd", template: "enterprise", sequence: 7, expiresAt: Math.floor(Date.now() / 1_000) + days * DAY_SECONDS + 60 };
}

testNeeding("chromium", "the end of the license is said in steps, put away until the next one, and not put away at the last", async () => {
  await using tab = await tabOf();
  const { page } = tab;
  const reminder = page.locator("#reminder");
  for (const [days, isSaid] of [[200, false], [91, false], [90, true], [30, true], [14, true], [7, true]] as const) {
    site.license({ license: endingIn(days) });
    await tab.open("/");
    await settled(page);
    expect([days, await reminder.count()]).toEqual([days, isSaid ? 1 : 0]);
    if (!isSaid) continue;
    expect(await reminder.innerText()).toContain(`${days} days left`);
    await reminder.locator("text=Remind me later").click();
    expect([days, await reminder.count()]).toEqual([days, 0]);
    await tab.open("/keys");
    await settled(page);
    expect([days, await reminder.count()]).toEqual([days, 0]);
  }
  site.license({ license: endingIn(1) });
  await tab.open("/");
  await reminder.waitFor();
  expect(await reminder.locator("button").count()).toBe(0);
  expect(await reminder.innerText()).toContain("1 day left");
  await photograph(page, "last-day");
  site.license({});
}, 60_000);

describe("every page in every state of the license", () => {
  const states: readonly (readonly [string, TestLicense])[] = [
    ["ok", { license: endingIn(200) }],
    ["expiring", { state: "expiring", license: endingIn(20) }],
    ["unreachable", { state: "unreachable" }],
    ["expired", { state: "expired" }],
    ["grace_over", { state: "grace_over" }],
    ["invalid", { state: "invalid" }],
    ["clock_anomaly", { state: "clock_anomaly" }],
    ["missing", { state: "missing" }],
    ["features off", { features: { team: { webhooks: false } } }],
    ["quota full", { quotas: { team: { max_agents: 0 } } }],
  ];

  testNeeding("chromium", "says something, in both languages, and never stays blank", async () => {
    for (const locale of ["en", "de"]) {
      await using tab = await tabOf({ locale });
      for (const [state, license] of states) {
        site.license(license);
        for (const path of pages) {
          await tab.open(path);
          await settled(tab.page);
          const said = await tab.page.locator("main").innerText();
          expect([locale, state, path, said.trim().length > 20]).toEqual([locale, state, path, true]);
          expect([locale, state, path, await tab.page.locator("html").getAttribute("lang")]).toEqual([locale, state, path, locale]);
        }
        await tab.page.screenshot({ path: join(shots, `app-license-${state.replaceAll(" ", "-")}-${locale}.png`) });
      }
    }
    site.license({ features: { team: { webhooks: false } } });
    await using tab = await tabOf();
    await tab.open("/");
    await settled(tab.page);
    expect(await tab.page.locator("nav >> text=Webhooks").count()).toBe(0);
    await tab.open("/webhooks");
    await tab.page.locator("text=This is not part of the deployment's license").waitFor();
    site.license({ state: "expired" });
    await tab.open("/keys");
    await tab.page.locator(".notice.bad >> text=To the license").first().waitFor();
    site.license({});
  }, 240_000);
});

testNeeding("chromium", "with scripts off, with an API that fails, at a wrong address, without a team: something is said", async () => {
  {
    await using tab = await tabOf({ javaScriptEnabled: false });
    await tab.page.goto(`${site.urls.api}/tasks`);
    expect(await tab.page.locator("main").innerText()).toContain("The dashboard needs scripts");
  }
  await using tab = await tabOf();
  await tab.page.route("**/api/v1/r/tasks*", (route) => route.fulfill({ status: 500, json: { error_code: "internal", error_message: "It broke." } }));
  await tab.open("/tasks");
  await tab.page.locator("[role=alert] >> text=It broke.").waitFor();
  await tab.page.route("**/api/v1/users/me", (route) => route.abort());
  await tab.page.goto(`${site.urls.api}/tasks`);
  await tab.page.locator("text=The server does not answer.").waitFor();
  await tab.page.unrouteAll();
  await tab.open("/tasks/00000000-0000-7000-8000-00000000000f");
  await tab.page.locator("[role=alert] >> text=resource not found").waitFor();
  await addPerson(site.gate, { address: "alone@example.com" });
  await using lonely = await tabOf({ who: "alone@example.com" });
  await lonely.open("/");
  await lonely.page.locator("text=You belong to no team yet").waitFor();
}, 60_000);

testNeeding("chromium", "who belongs to several teams chooses one, and it stays chosen", async () => {
  const other = (await site.call("/api/v1/teams", { as: (await site.credentials()).user, json: { display_name: "Second" } })).body["id"];
  await using tab = await tabOf();
  await tab.open("/");
  await tab.page.selectOption("aside select", { label: "Second" });
  await tab.page.locator("h1 >> text=Second").waitFor();
  await tab.open("/keys");
  expect(await tab.page.locator("aside select").inputValue()).toBe(String(other));
}, 60_000);

testNeeding("chromium", "who is not signed in is sent to sign in; the first load is small, and kept by its name", async () => {
  const stranger = await site.call("/tasks");
  expect([stranger.status, stranger.headers.get("location")]).toEqual([303, "/sign-in"]);
  await using tab = await tabOf();
  let bytes = 0;
  tab.page.on("response", (response) => void response.body().then((body) => (bytes += Number(response.headers()["content-length"] ?? body.length)), () => {}));
  await tab.open("/");
  await tab.page.waitForLoadState("networkidle");
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(250_000);
  const src = (await tab.page.locator("script[src]").getAttribute("src")) ?? "";
  const named = await site.call(src);
  expect([named.headers.get("cache-control"), (await site.call("/app.js?v=old")).headers.get("cache-control")]).toEqual(["public, max-age=31536000, immutable", "no-cache"]);
});

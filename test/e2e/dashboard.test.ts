/**
 * The first day of a deployment, in a real browser against the compiled executable: set up by its link, licensed while the
 * license has expired, secured by a second factor, put to work with an agent of its own, and paired with a command line.
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { realServices } from "../../src/services.ts";
import { launchBrowser } from "../support/chromium.ts";
import type { Running } from "../support/executable.ts";
import { authenticator } from "../support/second-factor.ts";
import { testNeeding, whyNot } from "../support/skip.ts";
import { administrator, openWorkshop, setupLink, type Workshop } from "../support/workshop.ts";

const SEEN_MS_MAX = 60_000;

let workshop: Workshop;
let site: Running;
let renewal: string;
let browser: Browser;

beforeAll(async () => {
  if (whyNot(["chromium"]) !== undefined) return;
  workshop = await openWorkshop();
  const expired = await workshop.sign("expired", ["--template", "enterprise", "--expires-in-seconds", "1"]);
  renewal = await workshop.sign("renewal", ["--renew", expired, "--days", "60", "--feature", "account.manual_team_creation=on"]);
  site = await workshop.serve(expired);
  browser = await launchBrowser();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await site?.[Symbol.asyncDispose]();
  workshop?.close();
});

/** A program that runs until the block ends; what it writes is read as it comes. */
function running(argv: readonly string[], env: Readonly<Record<string, string>>) {
  const child = Bun.spawn([workshop.cyberun, ...argv], { env: { PATH: process.env["PATH"] ?? "", HOME: workshop.folder, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const heard = Promise.withResolvers<string>();
  const code = /user_code=([A-Z0-9-]+)/;
  const ended = child.stderr.pipeTo(
    new WritableStream({
      write(chunk) {
        said += new TextDecoder().decode(chunk);
        const [, found] = code.exec(said) ?? [];
        if (found !== undefined) heard.resolve(found);
      },
    }),
  );
  return {
    userCode: heard.promise,
    async result() {
      const [out, exit] = await Promise.all([child.stdout.text(), child.exited]);
      await ended;
      return { out, err: said, exit };
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

async function signIn(page: Page): Promise<void> {
  await page.fill("#email_address", administrator.email_address);
  await page.fill("#user_password", administrator.user_password);
  await page.click("#submit");
}

async function setUpByLink(page: Page): Promise<void> {
  await page.goto(`${site.urls.api}/`);
  await page.locator("text=cyberun admin setup-link").waitFor();
  await page.goto(await setupLink(workshop, site));
  for (const [name, value] of Object.entries(administrator)) await page.fill(`input[name=${name}]`, value);
  await page.click("#submit");
}

async function installRenewal(page: Page): Promise<void> {
  await page.locator(".notice.bad >> text=To the license").first().click();
  await page.locator("#license-state >> text=expired").waitFor();
  await page.setInputFiles("#license-file", renewal);
  await page.click("form[aria-label='Install a license file'] button[type=submit]");
  await page.locator("#license-test >> text=The file would be accepted.").waitFor();
  await page.locator("#license-test td >> text=sequence").waitFor();
  await page.click("#license-test >> button:has-text('Install')");
  await page.locator("text=The license is in force.").waitFor();
  await page.locator("#license-state >> text=ok").waitFor();
  await page.locator("td >> text=license.install").first().waitFor();
  await page.locator("#reminder >> text=days left").waitFor();
}

async function enrolAndSignInAgain(page: Page): Promise<void> {
  await page.click("nav >> text=Account");
  await page.fill("form[aria-label='Set up a second factor'] input[name=current_password]", administrator.user_password);
  await page.click("form[aria-label='Set up a second factor'] button[type=submit]");
  const app = authenticator({ services: realServices() }, await page.locator("#factor-secret").innerText());
  await page.fill("input[name=code]", app.code(-1));
  await page.click("form[aria-label='Confirm'] button[type=submit]");
  await page.locator("#recovery-codes").waitFor();
  await page.click("text=Done");
  await page.click("text=Sign out");
  await signIn(page);
  await page.fill("#code", app.code());
  await page.click("#submit");
  await page.locator("body.app main h1").waitFor();
}

async function makeTeamAndKey(page: Page): Promise<string> {
  await page.click("nav >> text=Account");
  await page.fill("form[aria-label='Create a team'] input", "Renderers");
  await page.click("form[aria-label='Create a team'] button[type=submit]");
  await page.locator("aside select >> text=Renderers").waitFor({ state: "attached" });
  await page.selectOption("aside select", { label: "Renderers" });
  await page.locator("h1 >> text=Renderers").waitFor();
  await page.click("nav >> text=Keys");
  await page.click("summary");
  await page.fill("input[name=display_name]", "render node");
  await page.selectOption("select[name=kind]", "agent");
  await page.click("form[aria-label='Create a key'] button[type=submit]");
  const key = await page.locator("#secret").innerText();
  expect(key).toMatch(/^ak-/);
  await page.click("text=Done");
  return key;
}

/** The reference agent, with one command that tells what it was given. */
function startAgent(key: string) {
  const folder = join(workshop.folder, "agent");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "agent.json");
  const command = 'echo "rendering"; printf \'{"frames": 3}\' > "$CYBERUN_RESULT_FILE"';
  writeFileSync(file, JSON.stringify({ gateway_url: site.urls.gateway, agent_id: "node-1", data_dir: join(folder, "data"), commands: { render: { argv: ["/bin/sh", "-c", command] } } }));
  return running(["agent", "run", file], { CYBERUN_AGENT_KEY: key });
}

async function runOnAgent(page: Page): Promise<void> {
  await page.click("nav >> text=Agents");
  await page.locator("td >> text=node-1").waitFor({ timeout: SEEN_MS_MAX });
  await page.click("nav >> text=Workflows");
  await page.click("summary");
  const definition = { workflow_slug: "render", display_name: "Render a scene", tool_type: "command", workflow_json: { command: "render" }, parameters: [{ key: "seed", type: "integer", label: "Seed", default: 7 }] };
  await page.setInputFiles("#workflow-file", { name: "render.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(definition)) });
  await page.click("form[aria-label='Import a workflow'] button[type=submit]");
  await page.locator("h1 >> text=Render a scene").waitFor();
  await page.fill("input[name=seed]", "11");
  await page.click("form[aria-label='Run it'] button[type=submit]");
  await page.locator("#task-status >> text=completed").waitFor({ timeout: SEEN_MS_MAX });
  await page.locator("#log >> text=rendering").waitFor({ timeout: SEEN_MS_MAX });
  await page.locator("code >> text=\"seed\":11").waitFor();
  await page.locator("code >> text=\"frames\": 3").waitFor();
}

async function pairCommandLine(page: Page): Promise<void> {
  const config = join(workshop.folder, "config");
  await using login = running(["login", "--json"], { XDG_CONFIG_HOME: config, CYBERUN_API_URL: site.urls.api ?? "" });
  await page.goto(`${site.urls.api}/desktop/pair?user_code=${await login.userCode}`);
  await page.click("#submit");
  await page.locator("#teams label >> text=Renderers").click();
  await page.click("#approve");
  await page.locator("#paired").waitFor();
  const { out, exit, err } = await login.result();
  expect([exit, err.includes("dk-"), out.includes("dk-")]).toEqual([0, false, false]);
  expect(JSON.parse(out)).toMatchObject({ user: { email_address: administrator.email_address }, device: { team_name: "Renderers" } });
  const kept = join(config, "cyberun", "profiles", "default.json");
  expect([existsSync(kept), readFileSync(kept, "utf8").includes("dk-")]).toEqual([true, true]);
  await page.goto(`${site.urls.api}/profile`);
  await page.locator("table[aria-label='Your devices'] >> text=Renderers").waitFor();
}

testNeeding("chromium", "from the set-up link to a task that an agent has done and a paired command line", async () => {
  const page = await browser.newPage({ locale: "en", viewport: { width: 1280, height: 800 } });
  const complaints: string[] = [];
  page.on("pageerror", (error) => void complaints.push(String(error)));
  await setUpByLink(page);
  if (await page.locator("#user_password").isVisible()) await signIn(page);
  await page.locator("body.app main h1").waitFor();
  await installRenewal(page);
  await enrolAndSignInAgain(page);
  await using _agent = startAgent(await makeTeamAndKey(page));
  await runOnAgent(page);
  await pairCommandLine(page);
  expect(complaints).toEqual([]);
}, 180_000);

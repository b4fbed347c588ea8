/** What people do on the dashboard's pages, in a real browser: each deed by its buttons and forms, and what came of it asked of the API. */
import { afterAll, beforeAll, expect } from "bun:test";
import { listSites } from "../../src/federation/site-operations.ts";
import { operator } from "../../src/gate/caller.ts";
import { rotateSigningKeys } from "../../src/oidc/key-rotation.ts";
import { runWorkflowBySlug } from "../../src/tasks/submission.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { type Dashboard, openDashboard, photograph, settled } from "../support/dashboard.ts";
import { bundleOf, openSite } from "../support/federation.ts";
import { addKey, addPerson, PASSWORD } from "../support/people.ts";
import type { TestRoles } from "../support/roles.ts";
import { testNeeding } from "../support/skip.ts";
import { connectAgent } from "../support/socket-agent.ts";
import { deliver, receivers } from "../support/webhooks.ts";

let dashboard: Dashboard;
let site: TestRoles;
beforeAll(async () => {
  dashboard = await openDashboard();
  site = dashboard.site;
});
afterAll(() => dashboard[Symbol.asyncDispose]());

const definition = { workflow_slug: "blur", display_name: "Blur", tool_type: "command", workflow_json: { command: "blur" } } as const;

testNeeding("chromium", "a webhook is tested, its delivery sent again, shut, opened, given a new secret and deleted", async () => {
  await using tab = await dashboard.tab();
  const { page } = tab;
  await tab.open("/webhooks");
  await page.click("summary");
  await page.fill("input[name=display_name]", "CI");
  await page.fill("input[name=url]", "https://ci.example/hook");
  await page.click("form[aria-label='Create a webhook'] button[type=submit]");
  expect(await page.locator("#secret").innerText()).toMatch(/^whsec_/);
  await page.click("td >> text=CI");
  await page.locator("h1 >> text=CI").waitFor();
  await page.click("text=Send a test");
  await page.locator("td >> text=pending").waitFor();
  const post = receivers(site.world);
  await deliver(site.world);
  await page.locator("td >> text=delivered").waitFor();
  await page.locator("td >> text=200").waitFor();
  await page.click("td >> text=Send again");
  await page.locator("td >> text=pending").waitFor();
  await deliver(site.world);
  await page.locator("td >> text=pending").waitFor({ state: "detached" });
  expect(post.calls.map(({ url }) => url)).toEqual(["https://ci.example/hook", "https://ci.example/hook"]);
  await photograph(page, "webhook");
  await page.click(".deeds >> text=Disable");
  await page.locator("dd >> text=disabled").first().waitFor();
  await page.click(".deeds >> text=Enable");
  await page.locator("dd >> text=active").waitFor();
  await page.click(".deeds >> text=New secret");
  await page.locator("dialog[open] >> text=Yes, do it").click();
  expect(await page.locator("#secret").innerText()).toMatch(/^whsec_/);
  await page.click("text=Done");
  await page.click(".deeds >> text=Delete");
  await page.locator("dialog[open] >> text=Yes, do it").click();
  await page.locator("text=No webhook yet.").waitFor();
  expect(tab.complaints).toEqual([]);
}, 60_000);

testNeeding("chromium", "the audit log is narrowed by operation, area and outcome, and taken along as it is shown", async () => {
  await using tab = await dashboard.tab();
  const { page } = tab;
  await tab.open("/audit");
  await page.click("summary");
  await page.fill("input[name=operation]", "workflow");
  await importWorkflow(site.gate, site.people.owner, definition);
  await page.click("form[aria-label='Narrow down'] button[type=submit]");
  await page.locator("td >> text=workflow.import").waitFor();
  for (const shown of await page.locator("tbody tr td:nth-child(2)").allInnerTexts()) expect(shown).toMatch(/workflow\./);
  expect(await page.locator("a[download]").getAttribute("href")).toContain("operation=workflow");
  await page.fill("input[name=operation]", "no.such");
  await page.click("form[aria-label='Narrow down'] button[type=submit]");
  await page.locator("[role=alert] >> text=operation").first().waitFor();
  await page.fill("input[name=operation]", "workflow.delete");
  await page.fill("input[name=to]", "2020-01-01");
  await page.click("form[aria-label='Narrow down'] button[type=submit]");
  await page.locator("text=Nothing fits.").waitFor();
}, 60_000);

testNeeding("chromium", "an agent shows what it is; a tunnel to it is opened, shown and closed", async () => {
  await using tab = await dashboard.tab();
  const { page } = tab;
  const agent = await connectAgent(site, (await addKey(site.gate, site.people.owner, "agent")).rawKey, { agent_id: "desk", tunnel_ports: [8188] });
  await tab.open("/agents");
  await page.click("td >> text=desk");
  await page.locator("h1 >> text=desk").waitFor();
  await page.locator("dd >> text=idle").waitFor();
  await page.click("summary >> text=Open a tunnel");
  await page.fill("input[name=port]", "8188");
  await page.click("form[aria-label='Open a tunnel'] button[type=submit]");
  expect(await page.locator("#secret").innerText()).toContain("/tunnel/");
  await page.click("text=Done");
  await page.locator("li >> text=8188").waitFor();
  await photograph(page, "agent");
  await page.click("li >> text=Close");
  await page.locator("dialog[open] >> text=Yes, do it").click();
  await page.locator("text=No tunnel is open.").waitFor();
  agent.close();
  await tab.open("/agents/nobody");
  await page.locator("text=This agent is not connected.").waitFor();
}, 60_000);

testNeeding("chromium", "a program is registered, given a new secret, shut and deleted; the next signing key is published", async () => {
  await using tab = await dashboard.tab();
  const { page } = tab;
  await tab.open("/identity");
  await page.click("summary");
  await page.fill("input[name=client_name]", "Shop");
  await page.fill("input[name=redirect_uris]", "https://shop.example/callback");
  await page.click("form[aria-label='Register a program'] button[type=submit]");
  expect(await page.locator("#secret").innerText()).toMatch(/^client_id=.+\nclient_secret=cs-/);
  await page.click("text=Done");
  const row = page.locator("li", { hasText: "Shop" });
  await photograph(page, "client");
  await row.locator("button:has-text('New secret')").click();
  await page.locator("dialog[open] >> text=Yes, do it").click();
  expect(await page.locator("#secret").innerText()).toMatch(/^client_secret=cs-/);
  await page.click("text=Done");
  await row.locator("button:has-text('Disable')").click();
  await row.locator("text=disabled").waitFor();
  await row.locator("button:has-text('Delete')").click();
  await page.locator("dialog[open] >> text=Yes, do it").click();
  await page.locator("text=No program is registered.").waitFor();
  await page.click("text=Have the next key sign");
  await page.locator("dialog[open] >> text=Yes, do it").click();
  await page.locator("td >> text=pending").waitFor();
  expect(tab.complaints).toEqual([]);
}, 60_000);

testNeeding("chromium", "a workflow is read from a file, its runs stand beside it, and an earlier version is put back", async () => {
  await using tab = await dashboard.tab();
  const { page } = tab;
  const choose = async (text: string) => {
    await tab.open("/workflows");
    await page.click("summary >> text=Import a workflow");
    await page.setInputFiles("#workflow-file", { name: "sharpen.json", mimeType: "application/json", buffer: Buffer.from(text) });
    await page.click("form[aria-label='Import a workflow'] button[type=submit]");
  };
  await choose("no json");
  await page.locator("text=The file is not JSON.").waitFor();
  await choose(JSON.stringify({ workflow_slug: "Bad Slug!" }));
  await page.locator("form[aria-label='Import a workflow'] [role=alert]").waitFor();
  await choose(JSON.stringify({ ...definition, workflow_slug: "sharpen", display_name: "Sharpen" }));
  await page.locator("h1 >> text=Sharpen").waitFor();
  await choose(JSON.stringify({ ...definition, workflow_slug: "sharpen", display_name: "Sharpen more" }));
  await page.locator("h1 >> text=Sharpen more").waitFor();
  await runWorkflowBySlug(site.gate, site.people.owner, { workflow_slug: "sharpen" });
  await page.locator("table[aria-label=Runs] >> text=sharpen@2").waitFor();
  await photograph(page, "workflow");
  await page.locator("table[aria-label='Earlier versions'] >> text=Put back").first().click();
  await page.locator("dialog[open] >> text=Yes, do it").click();
  await page.locator("p >> text=sharpen@3").waitFor();
}, 60_000);

testNeeding("chromium", "a member gets another role, the team another name; an account gets a link and is deleted", async () => {
  const address = "helper@example.com";
  const { userId } = await addPerson(site.gate, { address, teamId: site.people.teamId });
  await using tab = await dashboard.tab();
  const { page } = tab;
  await tab.open("/members");
  await page.locator("tr", { hasText: address }).locator("select").selectOption("viewer");
  await page.waitForResponse((response) => response.url().includes("/api/v1/members?") && response.ok());
  const members: { readonly member_list: readonly { readonly user_id: string; readonly role: string }[] } = JSON.parse((await site.call("/api/v1/members", { as: { ...(await site.credentials()).user } })).text);
  expect(members.member_list.find(({ user_id }) => user_id === userId)?.role).toBe("viewer");
  await page.click("summary >> text=Rename the team");
  await page.fill("form[aria-label='Rename the team'] input", "Renders");
  await page.click("form[aria-label='Rename the team'] button[type=submit]");
  await tab.open("/");
  await page.locator("h1 >> text=Renders").waitFor();
  await tab.open("/users");
  const row = page.locator("tr", { hasText: address });
  await row.locator("button:has-text('Password link')").click();
  await page.locator("dialog[open] >> text=Yes, do it").click();
  expect(await page.locator("#secret").innerText()).toContain("/reset-password/");
  await page.click("text=Done");
  await row.locator("button:has-text('Delete')").click();
  await page.locator("dialog[open] >> text=Yes, do it").click();
  await row.waitFor({ state: "detached" });
}, 60_000);

testNeeding("chromium", "the password and the name are changed, and every other session is ended at once", async () => {
  const address = "mover@example.com";
  await addPerson(site.gate, { address, teamId: site.people.teamId });
  await using other = await dashboard.tab({ who: address });
  await using tab = await dashboard.tab({ who: address });
  const { page } = tab;
  await tab.open("/profile");
  await page.click("summary >> text=Change the name");
  await page.fill("input[name=display_name]", "Moved");
  await page.click("form[aria-label='Change the name'] button[type=submit]");
  await tab.open("/profile");
  await page.locator("h1 >> text=Moved").waitFor();
  await page.click("text=End all the others");
  await page.locator("dialog[open] >> text=Yes, do it").click();
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  await other.page.goto(`${site.urls.api}/profile`);
  await other.page.locator("#user_password").waitFor();
  await page.click("summary >> text=Change the password");
  await page.fill("form[aria-label='Change the password'] input[name=current_password]", "wrong");
  await page.fill("input[name=new_password]", "another good long sentence");
  await page.click("form[aria-label='Change the password'] button[type=submit]");
  await page.locator("form[aria-label='Change the password'] [role=alert]").waitFor();
}, 60_000);

const MANY = 10_000;

testNeeding("chromium", "ten thousand tasks come page by page, to the last one, and are told apart by their status", async () => {
  const { store } = site.world;
  await importWorkflow(site.gate, site.people.owner, { ...definition, workflow_slug: "many" });
  const { task_id } = await runWorkflowBySlug(site.gate, site.people.owner, { workflow_slug: "many" });
  await store.write(async (writer) => {
    const { tasks } = writer.tables;
    const [row] = (await writer.select().from(tasks)).filter(({ id }) => id === task_id);
    if (row === undefined) throw new Error("there is no task");
    const rows = Array.from({ length: MANY }, (_, at) => ({ ...row, id: `00000000-0000-7000-9000-${String(at).padStart(12, "0")}`, status: "completed", created_at: row.created_at - at - 1 }));
    for (let at = 0; at < MANY; at += 500) await writer.insert(tasks).values(rows.slice(at, at + 500));
  });
  await using tab = await dashboard.tab();
  const { page } = tab;
  await tab.open("/tasks");
  await settled(page);
  expect(await page.locator("tbody tr").count()).toBe(20);
  await page.click(".tabs >> text=completed");
  await page.locator("nav.pages >> text=Page 1 of 500").waitFor();
  await page.click("text=Next page");
  await page.locator("nav.pages >> text=Page 2 of 500").waitFor();
  await page.fill("nav.pages input", "500");
  await page.press("nav.pages input", "Enter");
  await page.locator("nav.pages >> text=Page 500 of 500").waitFor();
  await page.locator(`td a[href='/tasks/00000000-0000-7000-9000-${String(MANY - 1).padStart(12, "0")}']`).waitFor();
  expect(await page.locator("button:has-text('Next page')").isDisabled()).toBe(true);
  await page.click(".tabs >> text=failed");
  await page.locator("text=Nothing fits.").waitFor();
}, 60_000);

testNeeding("chromium", "a passkey is added with the password, used to prove oneself, and removed", async () => {
  await using local = await openDashboard({ isLocal: true });
  await using tab = await local.tab({ host: "localhost" });
  const { page } = tab;
  const cdp = await tab.context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  await cdp.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  const add = async (name: string, password: string) => {
    await tab.open("/profile");
    await page.click("summary >> text=Add a passkey");
    await page.fill("form[aria-label='Add a passkey'] input[name=display_name]", name);
    await page.fill("form[aria-label='Add a passkey'] input[name=current_password]", password);
    await page.click("form[aria-label='Add a passkey'] button[type=submit]");
  };
  await add("Laptop", "wrong password");
  await page.locator("form[aria-label='Add a passkey'] [role=alert]").waitFor();
  await add("Laptop", PASSWORD);
  expect((await page.locator("#secret").innerText()).split("\n").length).toBe(10);
  await page.click("text=Done");
  await page.locator("#passkeys >> text=Laptop").waitFor();
  await photograph(page, "passkeys");
  // The one that is there proves who removes it.
  await page.click("#passkeys summary");
  await page.click("form[aria-label='Remove: Laptop'] button[type=submit]");
  await page.locator("text=No passkey is set up.").waitFor();
}, 60_000);

testNeeding("chromium", "another site is pinned by its fingerprint, its rules are changed, a newer bundle is taken, and it is shut out", async () => {
  await using other = await openSite();
  await using tab = await dashboard.tab();
  const { page } = tab;
  await tab.open("/federation");
  await page.click("text=Make a bundle for other sites");
  expect((await page.locator("#secret").innerText()).split(".")).toHaveLength(3);
  await page.click("text=Done");
  const { bundle, fingerprint } = await bundleOf(other);
  const add = async (said: string, text: string) => {
    await tab.open("/federation");
    await page.click("summary >> text=Add a site's bundle");
    await page.setInputFiles("#bundle-file", { name: "b.bundle", mimeType: "text/plain", buffer: Buffer.from(text) });
    await page.fill("form[aria-label=\"Add a site's bundle\"] input[name=fingerprint]", said);
    await page.fill("form[aria-label=\"Add a site's bundle\"] input[name=id]", said === "" ? "" : "b");
    await page.click("form[aria-label=\"Add a site's bundle\"] button[type=submit]");
  };
  await add("A".repeat(43), bundle);
  await page.locator("form[aria-label=\"Add a site's bundle\"] [role=alert]").waitFor();
  await add(fingerprint, bundle);
  const row = page.locator("#sites > li", { hasText: fingerprint });
  await row.locator("text=link, member").waitFor();
  await photograph(page, "federation-site");
  await row.locator("summary").click();
  await row.locator("select[name=mapping]").selectOption("create");
  await row.locator("select[name=role]").selectOption("viewer");
  await row.locator("form button[type=submit]").click();
  await row.locator("text=create, viewer").waitFor();
  const { kid } = await other.keyring.getSigningKey();
  await rotateSigningKeys(other.gate, operator, { alg: undefined, time: "now" });
  await add("", (await bundleOf(other)).bundle);
  await page.locator("details .notice.good").waitFor();
  const { sites } = await listSites(site.gate, operator, undefined);
  expect(sites.map(({ sequence, key_ids }) => [sequence, key_ids.length, key_ids.includes(kid)])).toEqual([[2, 2, true]]);
  await row.locator("button:has-text('Shut out')").click();
  await page.locator("dialog[open] >> text=Yes, do it").click();
  await page.locator("text=No other site is pinned.").waitFor();
}, 60_000);

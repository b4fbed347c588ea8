/** The page on which a person pairs a device, as a browser meets it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type PolledPairing, pollPairing, startPairing, type StartedPairing } from "../../src/credentials/pairing.ts";
import { createTeam } from "../../src/teams/teams.ts";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { addPerson, anonymous, ownerAddress, PASSWORD } from "../support/people.ts";
import { codeOf } from "../support/refusal.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";
import { enrol } from "../support/second-factor.ts";

const person = { email_address: ownerAddress, user_password: PASSWORD };

let site: TestRoles;
let browser: TestBrowser;
let started: StartedPairing;
beforeAll(async () => {
  site = await startRoles();
});
afterAll(() => site.close());
beforeEach(async () => {
  site.license({});
  site.world.services.clock.advance(60_000);
  browser = openBrowser(site.urls.api);
  started = await startPairing(site.gate, { kind: "anonymous", address: "192.0.2.1" }, undefined);
});

const poll = async (): Promise<PolledPairing> => await pollPairing(site.gate, anonymous, { device_code: started.device_code });

async function signIn(who: TestBrowser = browser, credentials = person): Promise<void> {
  await who.open(`${site.urls.api}/sign-in`);
  await who.submit("sign-in", credentials);
}

/** The page that asks for a decision. */
async function look(who: TestBrowser = browser) {
  await who.open(`${site.urls.api}/desktop/pair`);
  return await who.submit("pair", { user_code: started.user_code });
}

const cookiesOf = (who: TestBrowser) => ({ cookie: [...who.cookies].map(([name, value]) => `${name}=${value}`).join("; ") });

describe("a code", () => {
  test("that came with the link survives the sign-in, is confirmed, looked at and approved for a team", async () => {
    const first = await browser.open(started.verification_uri);
    expect([first.url.endsWith("/sign-in"), first.text.includes(started.user_code)]).toEqual([true, false]);
    const second = await browser.submit("sign-in", person);
    expect([second.status, second.text.includes('id="pair"'), second.text.includes(`value="${started.user_code}"`)]).toEqual([200, true, true]);
    expect((await browser.open(site.urls.api)).text).toContain("Overview");
    const third = await look();
    expect([third.text.includes(`id="user-code">${started.user_code}<`), third.text.includes("from 192.0.2.1"), third.text.includes("First"), third.text.includes("Ada Lovelace")]).toEqual([true, true, true, true]);
    expect(await poll()).toEqual({ status: "pending" });
    const last = await browser.submit("decision", { decision: "approve", team_id: site.people.teamId, device_name: " Laptop " });
    expect([last.status, last.text.includes('id="paired"')]).toEqual([200, true]);
    expect((await poll()).status).toBe("approved");
    const { body } = await site.call("/api/v1/users/me/devices", { as: (await site.credentials()).user });
    expect(JSON.stringify(body)).toContain('"display_name":"Laptop"');
  });

  test("leads back to the page without one when the link had none, once", async () => {
    await browser.open(`${site.urls.api}/desktop/pair`);
    expect((await browser.submit("sign-in", person)).url).toBe(`${site.urls.api}/desktop/pair`);
    expect((await browser.open(site.urls.api)).url).toBe(site.urls.api);
  });

  test("on another site's link finds who is signed in, although the cookie does not come with that link", async () => {
    const { status, text } = await site.call(`/desktop/pair?user_code=${started.user_code.toLowerCase()}&x="><b>`, { headers: { "sec-fetch-site": "cross-site" } });
    expect([status, text.includes(`content="0; url=/desktop/pair?user_code=${started.user_code}"`), text.includes("<b>"), text.includes("signed in")]).toEqual([200, true, false, false]);
    await signIn();
    expect((await browser.open(started.verification_uri, { headers: { "sec-fetch-site": "cross-site" } })).text).toContain('id="pair"');
  });

  test("survives the second factor, without which nothing is shown", async () => {
    const careful = await addPerson(site.gate, { address: "careful@example.com", teamId: site.people.teamId });
    const { app } = await enrol(site.gate, careful);
    await browser.open(started.verification_uri);
    const step = await browser.submit("sign-in", { ...person, email_address: "careful@example.com" });
    expect([step.text.includes('id="second-factor"'), browser.cookies.has("cyberun")]).toEqual([true, false]);
    expect((await browser.open(started.verification_uri)).url).toEndWith("/sign-in");
    await browser.submit("sign-in", { ...person, email_address: "careful@example.com" });
    expect((await browser.submit("second-factor", { code: app.code() })).text).toContain(`value="${started.user_code}"`);
  });

  test("that is refused leaves the device with nothing", async () => {
    await signIn();
    await look();
    expect((await browser.submit("decision", { decision: "refuse" })).text).toContain('id="refused"');
    expect(await codeOf(poll())).toBe("not_found");
  });

  test("is for a team of one's own in which one is a member at least", async () => {
    const second = await createTeam(site.gate, site.people.owner, { display_name: "Second team" });
    const viewer = await addPerson(site.gate, { address: "viewer@example.com", teamId: second.id, role: "viewer" });
    await signIn();
    expect((await look()).text).toContain("Second team");
    await browser.submit("decision", { decision: "refuse" });
    started = await startPairing(site.gate, anonymous, undefined);
    const other = openBrowser(site.urls.api);
    await signIn(other, { ...person, email_address: "viewer@example.com" });
    const { text } = await look(other);
    expect([text.includes('id="no-team"'), text.includes('id="approve"'), text.includes("Second team")]).toEqual([true, false, false]);
    for (const team_id of [viewer.teamId ?? "", site.people.teamId, "", "x"]) {
      const { status } = await other.submit("decision", { decision: "approve", team_id });
      expect([team_id, status >= 400 && status < 500]).toEqual([team_id, true]);
      await look(other);
    }
    expect(await poll()).toEqual({ status: "pending" });
  });

  test("stays good when the name, the cap or the license was the problem, and the page says which", async () => {
    await signIn();
    await look();
    const named = await browser.submit("decision", { decision: "approve", team_id: site.people.teamId, device_name: "x".repeat(101) });
    expect([named.status, named.text.includes('id="decision"'), named.text.includes("1 to 100 characters")]).toEqual([400, true, true]);
    site.license({ quotas: { team: { max_agents: 0 } } });
    const capped = await browser.submit("decision", { decision: "approve", team_id: site.people.teamId });
    expect([capped.status, capped.text.includes("max_agents")]).toEqual([403, true]);
    site.license({ state: "expired" });
    const shut = await browser.submit("decision", { decision: "approve", team_id: site.people.teamId });
    expect([shut.status, shut.text.includes('id="decision"')]).toEqual([503, true]);
    site.license({});
    expect((await browser.submit("decision", { decision: "approve", team_id: site.people.teamId })).text).toContain('id="paired"');
  });
});

describe("nothing is paired", () => {
  test("by opening links, signed in or not", async () => {
    await signIn();
    for (const address of [started.verification_uri, `${started.verification_uri}&decision=approve`, `${site.urls.api}/desktop/pair/decision?user_code=${started.user_code}&decision=approve&team_id=${site.people.teamId}`]) await browser.open(address);
    expect(await poll()).toEqual({ status: "pending" });
  });

  test("by a form of another site", async () => {
    await signIn();
    const form = { user_code: started.user_code, decision: "approve", team_id: site.people.teamId };
    for (const headers of [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }, { origin: "https://evil.example" }, {}]) {
      expect((await site.call("/desktop/pair/decision", { form, headers: { ...cookiesOf(browser), ...headers } })).status).toBe(403);
    }
    expect(await poll()).toEqual({ status: "pending" });
  });

  test("by a second person, once a first one has looked at the code", async () => {
    const second = openBrowser(site.urls.api);
    await addPerson(site.gate, { address: "second@example.com", teamId: site.people.teamId });
    await signIn();
    await look();
    await signIn(second, { ...person, email_address: "second@example.com" });
    const stolen = await look(second);
    expect([stolen.status, stolen.text.includes('id="decision"')]).toEqual([404, false]);
    const answer = await site.call("/desktop/pair/decision", {
      form: { user_code: started.user_code, decision: "approve", team_id: site.people.teamId },
      headers: { ...cookiesOf(second), "sec-fetch-site": "same-origin" },
    });
    expect(answer.status).toBe(404);
    expect(await poll()).toEqual({ status: "pending" });
  });

  test.each(["", "ABCD", "0000-0000", '"><script>alert(1)</script>'])("by the code %j, which is not shown again", async (user_code) => {
    await signIn();
    await browser.open(`${site.urls.api}/desktop/pair`);
    const { status, text, headers } = await browser.submit("pair", { user_code });
    expect([status, text.includes('id="pair"'), text.includes("<script"), headers.get("content-security-policy")?.includes("script")]).toEqual([404, true, false, false]);
  });

  test("by a way back that was made up", async () => {
    for (const value of ["pairing-https://evil.example", "pairing-..%2F..%2Fsign-out", "pairing-AB7KPNQ34", "something-else-long"]) {
      browser.cookies.set("cyberun-pairing", value);
      await signIn();
      expect([site.urls.api, `${site.urls.api}/`, `${site.urls.api}/desktop/pair`]).toContain(browser.page.url);
    }
  });
});

/** Advisory 41: a device's request is decided by the one person who took it up, into that person's account, by an act of theirs. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { decodeJwt } from "jose";
import { findCallerByKey } from "../../../src/credentials/authentication.ts";
import { formsOf, openBrowser, type TestBrowser, type Visit } from "../../support/browser.ts";
import { type DeviceFlow, startDeviceFlow } from "../../support/device-flow.ts";
import { addPerson, PASSWORD } from "../../support/people.ts";
import { startRoles, type TestedRole, type TestRoles } from "../../support/roles.ts";

interface Door {
  readonly name: string;
  readonly role: TestedRole;
  readonly page: string;
  readonly ask: string;
  readonly decide: string;
  readonly yes: () => Readonly<Record<string, string>>;
  start(): Promise<{ readonly deviceCode: string; readonly userCode: string; readonly link: string }>;
  /** The id of the person whose account the device got into; undefined while it is in none. */
  poll(deviceCode: string): Promise<string | undefined>;
}

const first = { email_address: "first@example.com", user_password: PASSWORD };
const second = { email_address: "second@example.com", user_password: PASSWORD };
const ids = new Map<string, string>();

let site: TestRoles;
let flow: DeviceFlow;
beforeAll(async () => {
  site = await startRoles();
  flow = await startDeviceFlow(site);
  for (const { email_address: address } of [first, second]) ids.set(address, (await addPerson(site.gate, { address, teamId: site.people.teamId })).userId);
});
afterAll(() => site.close());
// Somebody's wrong codes of one test are not to hold them up in the next.
beforeEach(() => site.world.services.clock.advance(900_000));

const doors: readonly Door[] = [
  {
    name: "issuer",
    role: "issuer",
    page: "/device",
    ask: "device",
    decide: "consent",
    yes: () => ({ decision: "allow" }),
    async start() {
      const { body } = await flow.start({ scope: "openid" });
      return { deviceCode: String(body["device_code"]), userCode: String(body["user_code"]), link: String(body["verification_uri_complete"]) };
    },
    async poll(deviceCode) {
      const { status, body } = await flow.poll(deviceCode);
      return status === 200 ? decodeJwt(String(body["id_token"])).sub : undefined;
    },
  },
  {
    name: "API",
    role: "api",
    page: "/desktop/pair",
    ask: "pair",
    decide: "decision",
    yes: () => ({ decision: "approve", team_id: site.people.teamId }),
    async start() {
      const { body } = await site.call("/api/v1/desktop/pair/start", { method: "POST" });
      return { deviceCode: String(body["device_code"]), userCode: String(body["user_code"]), link: String(body["verification_uri"]) };
    },
    async poll(deviceCode) {
      const { body } = await site.call("/api/v1/desktop/pair/poll", { json: { device_code: deviceCode } });
      const caller = body["status"] === "approved" ? await findCallerByKey(site.gate, String(body["raw_key"]), undefined) : undefined;
      return caller?.kind === "device" ? caller.userId : undefined;
    },
  },
];

/** A browser at the door's page, with that person signed in. */
async function browserOf({ role, page }: Door, person: typeof first): Promise<TestBrowser> {
  const browser = openBrowser(site.urls[role]);
  await browser.open(`${site.urls[role]}${page}`);
  await browser.submit("sign-in", person);
  return browser;
}

async function look({ role, page, ask }: Door, browser: TestBrowser, userCode: string): Promise<Visit> {
  await browser.open(`${site.urls[role]}${page}`);
  return await browser.submit(ask, { user_code: userCode });
}

describe.each(doors.map((door) => [door.name, door] as const))("advisory 41: at the %s", (_name, door) => {
  test("a device gets into the account of the person who decided, and into no other", async () => {
    const { deviceCode, userCode } = await door.start();
    const browser = await browserOf(door, first);
    await browserOf(door, second);
    await look(door, browser, userCode);
    await browser.submit(door.decide, door.yes());
    expect(await door.poll(deviceCode)).toBe(ids.get(first.email_address));
  });

  test("what one person has taken up is unknown to another, who can neither allow nor refuse it", async () => {
    const { deviceCode, userCode } = await door.start();
    const [mine, theirs] = [await browserOf(door, first), await browserOf(door, second)];
    await look(door, mine, userCode);
    const seen = await look(door, theirs, userCode);
    expect([seen.status, formsOf(seen.text).map(({ id }) => id).includes(door.decide)]).toEqual([404, false]);
    const [form] = formsOf(mine.page.text).filter(({ id }) => id === door.decide);
    const cookie = [...theirs.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    for (const decision of [door.yes(), { ...door.yes(), decision: door.name === "issuer" ? "deny" : "refuse" }]) {
      const { status } = await site.call(`${door.page}/decision`, { role: door.role, form: { ...form?.fields, ...decision }, headers: { cookie, "sec-fetch-site": "same-origin" } });
      expect(status).toBe(404);
    }
    expect(await door.poll(deviceCode)).toBeUndefined();
    site.world.services.clock.advance(5_000);
    await mine.submit(door.decide, door.yes());
    expect(await door.poll(deviceCode)).toBe(ids.get(first.email_address));
  });

  test("the link alone puts it into nobody's account, however often and by whomever it is opened", async () => {
    const { deviceCode, link } = await door.start();
    for (const person of [first, second]) {
      const browser = await browserOf(door, person);
      for (const address of [link, link, `${link}&decision=allow&decision=approve`, link.replace("?", "/decision?")]) await browser.open(address);
    }
    expect(await door.poll(deviceCode)).toBeUndefined();
  });

  test("nothing in the form says whose account it is", async () => {
    const { deviceCode, userCode } = await door.start();
    const browser = await browserOf(door, first);
    const page = await look(door, browser, userCode);
    const [form] = formsOf(page.text).filter(({ id }) => id === door.decide);
    expect(Object.keys(form?.fields ?? {})).toEqual(["user_code"]);
    expect([page.text.includes(ids.get(first.email_address) ?? ""), page.text.includes(deviceCode)]).toEqual([false, false]);
  });
});

test("advisory 41: a confirmation through the API is for the caller, whatever the body says, and not for what another has taken up", async () => {
  const [, api] = doors;
  if (api === undefined) throw new Error("there is no such door");
  const { userCode } = await api.start();
  await look(api, await browserOf(api, second), userCode);
  const { user } = await site.credentials();
  const confirm = async (json: object) => (await site.call("/api/v1/desktop/pair/confirm", { as: user, json })).status;
  expect(await confirm({ user_code: userCode })).toBe(404);
  const mine = await api.start();
  for (const extra of [{ user_id: ids.get(second.email_address) }, { team_id: site.people.teamId }, { raw_key: "dk-x" }]) expect(await confirm({ user_code: mine.userCode, ...extra })).toBe(400);
  expect(await confirm({ user_code: mine.userCode })).toBe(204);
  expect(await api.poll(mine.deviceCode)).toBe(site.people.owner.userId);
});

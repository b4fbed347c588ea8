/** Advisories 30, 31 and 41: what an authenticator or a device says is checked here, anew. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { UserCaller } from "../../../src/gate/caller.ts";
import { addPasskey, enrolPasskey, listPasskeys } from "../../../src/identity/passkeys/passkeys.ts";
import { completeSession } from "../../../src/identity/session-completion.ts";
import { openBrowser } from "../../support/browser.ts";
import { startDeviceFlow } from "../../support/device-flow.ts";
import { type TestGate, testGate } from "../../support/gate.ts";
import { basic, outcome } from "../../support/oauth.ts";
import { addClient } from "../../support/oidc-client.ts";
import { addDevice, authenticatorDevice, type Lies } from "../../support/passkey.ts";
import { addPerson, anonymous, ownerAddress, PASSWORD, setUp, signIn } from "../../support/people.ts";
import { codeOf, refusalOf } from "../../support/refusal.ts";
import { startRoles, type TestRoles } from "../../support/roles.ts";
import { stepTokenOf } from "../../support/second-factor.ts";

let site: TestRoles;
let keyed: TestGate;
let count = 0;

beforeAll(async () => {
  site = await startRoles();
  keyed = await testGate({ settings: { issuerUrl: "https://id.example.com" } });
  await setUp(keyed.gate);
});
afterAll(async () => {
  await keyed.close();
  await site.close();
});
beforeEach(() => {
  count += 1;
  site.world.services.clock.advance(10);
});

async function keyedPerson(): Promise<UserCaller & { readonly address: string }> {
  const address = `${keyed.services.random.uuid()}@example.com`;
  const added = await addPerson(keyed.gate, { address });
  const { sessionId } = await signIn(keyed.gate, address);
  return { ...added, sessionId, address };
}

describe("advisory 30: the server checks again what a passkey's browser should have checked:", () => {
  const lies: readonly (readonly [string, Lies])[] = [
    ["an origin whose name ends like ours", { origin: "https://badid.example.com" }],
    ["an origin below ours", { origin: "https://x.id.example.com" }],
    ["an origin above ours", { origin: "https://example.com" }],
    ["an origin without https", { origin: "http://id.example.com" }],
    ["another challenge", { challenge: "AAAA" }],
    ["another relying party", { rpId: "example.com" }],
    ["nobody there", { flags: 0 }],
    ["an algorithm that is not taken", { alg: -65_535 }],
    ["an attestation that nobody asked for", { fmt: "packed", statement: new Map<unknown, unknown>([["alg", -7], ["sig", Buffer.alloc(70)]]) }],
    ["a foreign frame", { crossOrigin: true }],
  ];
  test.each(lies)("%s adds none", async (_name, lie) => {
    const person = await keyedPerson();
    const options = await enrolPasskey(keyed.gate, person, { current_password: PASSWORD });
    const credential = authenticatorDevice(keyed.gate).create(options, lie);
    expect(await codeOf(addPasskey(keyed.gate, person, { display_name: "Laptop", credential }))).toBe("invalid_request");
    expect((await listPasskeys(keyed.gate, person, undefined)).passkey_list).toEqual([]);
  });
});

describe("advisory 31: a passkey that was copied", () => {
  test.each([["behind", 4], ["the same", 5]])("shows by a counter that is %s, and opens nothing any more", async (_name, counter) => {
    const person = await keyedPerson();
    const { device } = await addDevice(keyed.gate, person);
    const attempt = async (at: number) => {
      const refusal = await refusalOf(signIn(keyed.gate, person.address));
      const asked = refusal.details?.["passkey_options"];
      // A passkey that was shut is not asked for any more.
      if (typeof asked !== "object" || asked === null || !("challenge" in asked)) return "unauthenticated";
      const options = { challenge: String(asked.challenge), rpId: "id.example.com", timeout: 0, userVerification: "preferred" as const, allowCredentials: [] };
      return await codeOf(completeSession(keyed.gate, anonymous, { step_token: stepTokenOf(refusal), passkey: device.get(options, { counter: at }), kind: "token" }));
    };
    expect(await attempt(5)).toBeUndefined();
    expect(await attempt(counter)).toBe("unauthenticated");
    expect(await attempt(100)).toBe("unauthenticated");
  });
});

describe("advisory 41: a device's request", () => {
  test("is approved by no link alone, signed in or not", async () => {
    const flow = await startDeviceFlow(site);
    const codes = await flow.ask({ scope: "openid" });
    const browser = openBrowser(site.urls.issuer);
    const page = `${site.urls.issuer}/device?user_code=${codes.userCode}`;
    await browser.open(page);
    await browser.submit("sign-in", { email_address: ownerAddress, user_password: PASSWORD });
    for (let visit = 0; visit < 3; visit += 1) await browser.open(`${page}&decision=allow`);
    expect(outcome(await flow.poll(codes.deviceCode))[1]).not.toBeUndefined();
    expect((await flow.poll(codes.deviceCode)).status).toBe(400);
  });

  test("that one person has looked at is not approved by another", async () => {
    const flow = await startDeviceFlow(site);
    const codes = await flow.ask({ scope: "openid" });
    const address = `looker-${count}@example.com`;
    await addPerson(site.gate, { address });
    const open = async (email_address: string) => {
      const browser = openBrowser(site.urls.issuer);
      await browser.open(`${site.urls.issuer}/device?user_code=${codes.userCode}`);
      await browser.submit("sign-in", { email_address, user_password: PASSWORD });
      await browser.submit("device", { user_code: codes.userCode });
      return browser;
    };
    const first = await open(ownerAddress);
    const thief = await open(address);
    expect(thief.page.text).not.toContain('id="consent"');
    await first.submit("consent", { decision: "allow" });
    expect((await flow.poll(codes.deviceCode)).status).toBe(200);
  });

  test("gives its tokens to its own client, and to it once", async () => {
    const flow = await startDeviceFlow(site);
    const other = await addClient(site.gate, { grant_types: ["urn:ietf:params:oauth:grant-type:device_code"], response_types: [], redirect_uris: [] });
    const codes = await flow.ask({ scope: "openid" });
    await flow.decide(codes.userCode, "allow");
    expect(outcome(await flow.poll(codes.deviceCode, {}, basic(other)))).toEqual([400, "invalid_grant"]);
    expect((await flow.poll(codes.deviceCode)).status).toBe(200);
    expect(outcome(await flow.poll(codes.deviceCode))).toEqual([400, "invalid_grant"]);
  });

  test("gives its tokens once of fifty polls at once (advisory 2 for devices)", async () => {
    const flow = await startDeviceFlow(site);
    const codes = await flow.ask({ scope: "openid" });
    await flow.decide(codes.userCode, "allow");
    const statuses = await Promise.all(Array.from({ length: 50 }, async () => (await flow.poll(codes.deviceCode)).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  });
});

/** Advisories 30 and 31 as far as they are about passkeys: the browser keeps no policy of ours, and a copy is found out. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { UserCaller } from "../../../src/gate/caller.ts";
import type { CreationOptions, RequestOptions } from "../../../src/identity/passkeys/options.ts";
import { beginPasskeySignIn, createSessionByPasskey } from "../../../src/identity/passkeys/sign-in.ts";
import { issueAccessToken } from "../../../src/oidc/access-tokens.ts";
import { startLocalIssuer } from "../../support/local-issuer.ts";
import { addDevice, authenticatorDevice, type Device, type Lies } from "../../support/passkey.ts";
import { addPerson, anonymous, PASSWORD, signIn } from "../../support/people.ts";
import { codeOf } from "../../support/refusal.ts";
import { type Answer, bearer, type TestRoles } from "../../support/roles.ts";

const BROWSER = "b".repeat(43);

let site: TestRoles;
let person: UserCaller;
let address: string;

beforeAll(async () => {
  site = await startLocalIssuer();
});
afterAll(() => site.close());
beforeEach(async () => {
  address = `${site.world.services.random.uuid()}@example.com`;
  person = await addPerson(site.gate, { address });
});

const isCreation = (value: unknown): value is CreationOptions => typeof value === "object" && value !== null && "pubKeyCredParams" in value;
const isRequest = (value: unknown): value is RequestOptions => typeof value === "object" && value !== null && "allowCredentials" in value;

async function register(lie: Lies): Promise<Answer> {
  const as = bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, address)));
  const { body } = await site.call("/api/v1/users/me/passkeys/options", { as, json: { current_password: PASSWORD } });
  if (!isCreation(body)) throw new Error("no options");
  return await site.call("/api/v1/users/me/passkeys", { as, json: { display_name: "Laptop", credential: authenticatorDevice(site.gate).create(body, lie) } });
}

async function complete(device: Device, lie: Lies): Promise<Answer> {
  const { body } = await site.call("/api/v1/auth/login", { json: { email_address: address, user_password: PASSWORD } });
  const details = Object.entries(body).find(([name]) => name === "details")?.[1];
  if (typeof details !== "object" || details === null || !("passkey_options" in details) || !("step_token" in details) || !isRequest(details.passkey_options)) throw new Error("no second step");
  return await site.call("/api/v1/auth/login/complete", { json: { step_token: details.step_token, passkey: device.get(details.passkey_options, lie) } });
}

async function alone(device: Device, lie: Lies): Promise<string | undefined> {
  const options = await beginPasskeySignIn(site.gate, anonymous, { browser: BROWSER });
  if (options === undefined) throw new Error("no passkeys here");
  return await codeOf(createSessionByPasskey(site.gate, anonymous, { passkey: device.get(options, lie), browser: BROWSER, kind: "cookie" }));
}

const origins = ["https://localhost", "http://localhost", "http://localhost:1", "http://badlocalhost", "http://x.localhost", "http://127.0.0.1", "null", "https://evil.example"];

describe("advisory 30: the server keeps the policy, whatever the browser did", () => {
  test.each(origins)("at registration, with the origin %s", async (origin) => {
    expect((await register({ origin })).status).toBe(400);
  });

  test.each(origins)("at sign-in, with the origin %s", async (origin) => {
    const { device } = await addDevice(site.gate, person);
    expect([(await complete(device, { origin })).status, await alone(device, { origin })]).toEqual([401, "unauthenticated"]);
  });

  const policies: readonly (readonly [string, Lies])[] = [
    ["an algorithm that was not offered", { alg: -65_535 }],
    ["an attestation that nobody asked for", { fmt: "packed", statement: new Map<unknown, unknown>([["alg", -7], ["sig", Buffer.alloc(70)]]) }],
    ["another relying party", { rpId: "example.com" }],
    ["nobody being there", { flags: 0 }],
  ];
  test.each(policies)("at registration, with %s", async (_name, lie) => {
    expect((await register(lie)).status).toBe(400);
    expect((await register({})).status).toBe(201);
  });

  test("at sign-in alone, without the person verified", async () => {
    const { device } = await addDevice(site.gate, person);
    expect([await alone(device, { flags: 1 }), await alone(device, {})]).toEqual(["unauthenticated", undefined]);
  });
});

describe("advisory 31: a passkey whose counter runs backwards", () => {
  test.each([4, 5])("is refused from then on, at %d after 5", async (counter) => {
    const { device } = await addDevice(site.gate, person);
    expect((await complete(device, { counter: 5 })).status).toBe(200);
    expect(await alone(device, { counter })).toBe("unauthenticated");
    expect(await alone(device, { counter: 100 })).toBe("unauthenticated");
  });
});

/** Advisories 30 and 31: what an authenticator says is checked here, anew. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { UserCaller } from "../../../src/gate/caller.ts";
import { addPasskey, enrolPasskey, listPasskeys } from "../../../src/identity/passkeys/passkeys.ts";
import { completeSession } from "../../../src/identity/session-completion.ts";
import { type TestGate, testGate } from "../../support/gate.ts";
import { addDevice, authenticatorDevice, type Lies } from "../../support/passkey.ts";
import { addPerson, anonymous, PASSWORD, setUp, signIn } from "../../support/people.ts";
import { codeOf, refusalOf } from "../../support/refusal.ts";
import { stepTokenOf } from "../../support/second-factor.ts";

let keyed: TestGate;

beforeAll(async () => {
  keyed = await testGate({ settings: { issuerUrl: "https://id.example.com" } });
  await setUp(keyed.gate);
});
afterAll(() => keyed.close());

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

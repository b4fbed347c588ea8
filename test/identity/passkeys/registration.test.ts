import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { UserCaller } from "../../../src/gate/caller.ts";
import { beginPasskeyProof } from "../../../src/identity/passkeys/ownership.ts";
import { addPasskey, enrolPasskey, listPasskeys, removePasskey } from "../../../src/identity/passkeys/passkeys.ts";
import { readSecondFactor, removeSecondFactor, resetSecondFactor } from "../../../src/identity/second-factors.ts";
import { operator } from "../../../src/gate/caller.ts";
import { auditRows, storeText, type TestGate, testGate } from "../../support/gate.ts";
import { addDevice, authenticatorDevice, type Lies } from "../../support/passkey.ts";
import { addPerson, PASSWORD, setUp, signIn } from "../../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../../support/refusal.ts";
import { enrol } from "../../support/second-factor.ts";

const ISSUER = "https://id.example.com";
const settings = { issuerUrl: ISSUER };

let site: TestGate;
let person: UserCaller;

beforeAll(async () => {
  site = await testGate({ settings });
  await setUp(site.gate);
});
afterAll(() => site.close());
beforeEach(async () => {
  site.license({});
  person = await newPerson();
});

async function newPerson(): Promise<UserCaller> {
  const address = `${site.services.random.uuid()}@example.com`;
  const added = await addPerson(site.gate, { address });
  const { sessionId } = await signIn(site.gate, address);
  return { ...added, sessionId };
}

const begin = (caller = person) => enrolPasskey(site.gate, caller, { current_password: PASSWORD });
const add = (credential: unknown, caller = person, display_name = "Laptop") => addPasskey(site.gate, caller, { display_name, credential });
const namesOf = async (caller = person) => (await listPasskeys(site.gate, caller, undefined)).passkey_list.map(({ display_name }) => display_name);

test("is added with a name, listed, and the first one comes with recovery codes, once", async () => {
  const options = await begin();
  expect(options).toMatchObject({
    rp: { id: "id.example.com", name: "Test site" },
    attestation: "none",
    excludeCredentials: [],
    pubKeyCredParams: [{ alg: -7 }, { alg: -8 }, { alg: -257 }],
    authenticatorSelection: { residentKey: "preferred" },
  });
  expect(Buffer.from(options.user.id, "base64url").toString()).toBe(person.userId);
  const device = authenticatorDevice(site.gate);
  const { passkey, recovery_codes } = await add(device.create(options));
  expect(recovery_codes).toHaveLength(10);
  const created_at = new Date(site.services.clock.now()).toISOString();
  expect(passkey).toEqual({ id: passkey.id, display_name: "Laptop", created_at, last_used_at: null, is_synced: false, status: "active" });
  const second = await addDevice(site.gate, person, "Key on my ring");
  expect(second.recovery_codes).toBeNull();
  expect(await namesOf()).toEqual(["Laptop", "Key on my ring"]);
  expect((await begin()).excludeCredentials.map(({ id }) => id)).toEqual([device.credentialId, second.device.credentialId]);
  expect(await readSecondFactor(site.gate, person, undefined)).toEqual({ is_enrolled: false, is_locked: false, recovery_codes_left: 10 });
});

test("the store holds neither challenge nor recovery codes, and the audit says what was done", async () => {
  const options = await begin();
  const { recovery_codes, passkey } = await add(authenticatorDevice(site.gate).create(options));
  const stored = await storeText(site.store);
  for (const secret of [options.challenge, ...(recovery_codes ?? [])]) expect(stored).not.toContain(secret);
  const rows = (await auditRows(site.store)).filter(({ actor }) => actor === `user:${person.userId}`);
  expect(rows.map(({ operation, outcome, subject }) => `${operation} ${outcome} ${subject}`)).toEqual([`passkey.enrol done user:${person.userId}`, `passkey.add done user:${person.userId}`]);
  expect(JSON.parse(rows[1]?.details ?? "")).toEqual({ passkey_id: passkey.id });
});

test("a passkey that its owner's devices share is told apart", async () => {
  const options = await begin();
  expect((await add(authenticatorDevice(site.gate).create(options, { flags: 1 | 4 | 8 | 16 }))).passkey.is_synced).toBe(true);
});

describe("the answer to a registration", () => {
  const lies: readonly (readonly [string, Lies])[] = [
    ["of another type", { type: "webauthn.get" }],
    ["made for another challenge", { challenge: "AAAA" }],
    ["made for a challenge that is no text of ours", { challenge: "%%%" }],
    ["of another origin", { origin: "https://evil.example" }],
    ["of an origin whose name ends alike", { origin: "https://badid.example.com" }],
    ["of a host below ours", { origin: "https://x.id.example.com" }],
    ["of the host above ours", { origin: "https://example.com" }],
    ["of another port", { origin: "https://id.example.com:8443" }],
    ["of our name without https", { origin: "http://id.example.com" }],
    ["of our origin with a slash", { origin: "https://id.example.com/" }],
    ["of our origin in capitals", { origin: "https://ID.example.com" }],
    ["of a null origin", { origin: "null" }],
    ["made inside a foreign frame", { crossOrigin: true }],
    ["with a top origin", { topOrigin: "https://evil.example" }],
    ["for another relying party", { rpId: "evil.example" }],
    ["for a relying party that ends alike", { rpId: "example.com" }],
    ["without the person there", { flags: 0 }],
    ["verified but not present", { flags: 4 }],
    ["copied but not to be copied", { flags: 1 | 4 | 16 }],
    ["with another credential id than it is", { id: "AAAA" }],
    ["with two ids", { rawId: "AAAA" }],
    ["of another credential type", { credentialType: "password" }],
    ["with an algorithm that is not taken: ES384", { alg: -35 }],
    ["with an algorithm that is not taken: RS1", { alg: -65_535 }],
    ["with an algorithm that is not taken: 0", { alg: 0 }],
    ["with an attestation: packed", { fmt: "packed", statement: new Map<unknown, unknown>([["alg", -7], ["sig", Buffer.alloc(70)]]) }],
    ["with an attestation: fido-u2f", { fmt: "fido-u2f", statement: new Map<unknown, unknown>([["x5c", [Buffer.alloc(10)]], ["sig", Buffer.alloc(70)]]) }],
    ["with an attestation: android-safetynet", { fmt: "android-safetynet", statement: new Map<unknown, unknown>([["ver", "1"]]) }],
    ["with an attestation of an unknown kind", { fmt: "made-up" }],
    ["with a statement where none is", { statement: new Map<unknown, unknown>([["sig", Buffer.alloc(8)]]) }],
    ["with authenticator data that is cut", { authenticatorText: Buffer.alloc(36) }],
    ["with authenticator data that is empty", { authenticatorText: Buffer.alloc(0) }],
    ["with client data that is no JSON", { clientText: "{" }],
    ["with client data that says its type twice", { clientText: '{"type":"webauthn.create","type":"webauthn.get","challenge":"","origin":""}' }],
    ["with client data that is a list", { clientText: "[]" }],
  ];
  test.each(lies)("%s is refused, and nothing is added", async (_name, lie) => {
    const options = await begin();
    const refusal = await refusalOf(add(authenticatorDevice(site.gate).create(options, lie)));
    expect(refusal.code).toBe("invalid_request");
    expect(refusal.details).toMatchObject({ fields: [{ field: "credential" }] });
    expect(await namesOf()).toEqual([]);
    expect((await readSecondFactor(site.gate, person, undefined)).recovery_codes_left).toBe(0);
  });

  const shapes: readonly unknown[] = [undefined, null, 0, "", "{}", "no json", [], {}, { id: "a" }, { id: "a", rawId: "a", type: "public-key" }, { id: "a", rawId: "a", type: "public-key", response: {} }, "[".repeat(10_000), { id: "x".repeat(5_000), rawId: "x".repeat(5_000), type: "public-key", response: { clientDataJSON: "e30", attestationObject: "oA" } }, { id: "a", rawId: "a", type: "public-key", response: { clientDataJSON: "e30", attestationObject: "e".repeat(40_000) } }];
  test.each(shapes.map((shape, index) => [index, shape] as const))("of a shape that is none is refused: %#", async (_index, shape) => {
    expect(await codeOf(add(shape))).toBe("invalid_request");
  });

  test("is taken as the text of a form as well", async () => {
    const options = await begin();
    expect(await codeOf(add(JSON.stringify(authenticatorDevice(site.gate).create(options))))).toBeUndefined();
  });
});

describe("the challenge of a registration", () => {
  test("is good once, also side by side", async () => {
    const options = await begin();
    const codes = await Promise.all(Array.from({ length: 10 }, () => codeOf(add(authenticatorDevice(site.gate).create(options)))));
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    expect(await codeOf(add(authenticatorDevice(site.gate).create(options)))).toBe("invalid_request");
    expect(await namesOf()).toHaveLength(1);
  });

  test("is used up by the first answer even when that one cannot be added", async () => {
    const first = await addDevice(site.gate, person);
    const options = await begin();
    // The same authenticator again: a conflict, which leaves nothing behind.
    expect(await codeOf(add(first.device.create(options)))).toBe("conflict");
    expect(await namesOf()).toHaveLength(1);
  });

  test("ends after five minutes", async () => {
    const options = await begin();
    site.services.clock.advance(299_999);
    expect(await codeOf(add(authenticatorDevice(site.gate).create(options)))).toBeUndefined();
    const late = await begin();
    site.services.clock.advance(300_000);
    expect(await codeOf(add(authenticatorDevice(site.gate).create(late)))).toBe("invalid_request");
  });

  test("belongs to one session of one person, and is none for another purpose", async () => {
    const other = await newPerson();
    const options = await begin();
    const credential = authenticatorDevice(site.gate).create(options);
    expect(await codeOf(add(credential, other))).toBe("invalid_request");
    expect(await codeOf(add(credential, { ...person, sessionId: other.sessionId }))).toBe("invalid_request");
    await addDevice(site.gate, person);
    const proof = await beginPasskeyProof(site.gate, person, undefined);
    expect(await codeOf(add(authenticatorDevice(site.gate).create({ ...options, challenge: proof.challenge })))).toBe("invalid_request");
    expect(await namesOf(other)).toEqual([]);
  });

  test("altered anywhere is none", async () => {
    const { challenge, ...options } = await begin();
    const text = Buffer.from(challenge, "base64url").toString();
    for (const at of [0, 20, 44, 50, 60, text.length - 1]) {
      const altered = `${text.slice(0, at)}${text[at] === "1" ? "2" : "1"}${text.slice(at + 1)}`;
      const changed = { ...options, challenge: Buffer.from(altered).toString("base64url") };
      expect([at, await codeOf(add(authenticatorDevice(site.gate).create(changed)))]).toEqual([at, "invalid_request"]);
    }
  });
});

describe("adding and removing take a proof", () => {
  test("a wrong password, none, or both proofs begin nothing", async () => {
    expect(await codeOf(enrolPasskey(site.gate, person, { current_password: "wrong password" }))).toBe("invalid_request");
    expect(await codeOf(enrolPasskey(site.gate, person, {}))).toBe("invalid_request");
    expect(await codeOf(enrolPasskey(site.gate, person, { current_password: PASSWORD, passkey: {} }))).toBe("invalid_request");
  });

  test("a fresh answer of a passkey is one, for adding and removing", async () => {
    const { device, passkey } = await addDevice(site.gate, person);
    const answer = async () => device.get(await beginPasskeyProof(site.gate, person, undefined));
    const another = authenticatorDevice(site.gate);
    await add(another.create(await enrolPasskey(site.gate, person, { passkey: await answer() })), person, "Second");
    expect(await namesOf()).toEqual(["Laptop", "Second"]);
    await removePasskey(site.gate, person, { passkey_id: passkey.id, passkey: await answer() });
    expect(await namesOf()).toEqual(["Second"]);
    // What was removed proves nothing any more.
    expect(await codeOf(enrolPasskey(site.gate, person, { passkey: await answer() }))).toBe("invalid_request");
  });

  test("an answer that did not verify the person, was used, is of another session or of somebody else's passkey is none", async () => {
    const { device } = await addDevice(site.gate, person);
    const other = await newPerson();
    const theirs = await addDevice(site.gate, other);
    const ask = () => beginPasskeyProof(site.gate, person, undefined);
    const enrolWith = (passkey: unknown, caller = person) => codeOf(enrolPasskey(site.gate, caller, { passkey }));
    expect(await enrolWith(device.get(await ask(), { flags: 1 }))).toBe("invalid_request");
    const used = device.get(await ask());
    expect(await enrolWith(used)).toBeUndefined();
    expect(await enrolWith(used)).toBe("invalid_request");
    expect(await enrolWith(device.get(await ask()), { ...person, sessionId: other.sessionId })).toBe("invalid_request");
    expect(await enrolWith(theirs.device.get(await ask()))).toBe("invalid_request");
    expect(await enrolWith(device.get(await ask()))).toBeUndefined();
  });

  test("without a passkey there is nothing to ask one", async () => {
    expect(await codeOf(beginPasskeyProof(site.gate, person, undefined))).toBe("conflict");
  });

  test("another person's passkey cannot be removed, nor one twice, and each is named alike", async () => {
    const other = await newPerson();
    const theirs = await addDevice(site.gate, other);
    const { passkey } = await addDevice(site.gate, person);
    const remove = (passkey_id: string) => refusalOf(removePasskey(site.gate, person, { passkey_id, current_password: PASSWORD }));
    const foreign = await remove(theirs.passkey.id);
    expect([foreign.code, await namesOf(other)]).toEqual(["not_found", ["Laptop"]]);
    await removePasskey(site.gate, person, { passkey_id: passkey.id, current_password: PASSWORD });
    expect((await remove(passkey.id)).message).toBe(foreign.message);
    expect(await codeOf(removePasskey(site.gate, other, { passkey_id: theirs.passkey.id, current_password: "wrong password" }))).toBe("invalid_request");
    expect(await namesOf(other)).toEqual(["Laptop"]);
  });
});

test("names are bounded, and so is how many there are", async () => {
  const options = await begin();
  const credential = authenticatorDevice(site.gate).create(options);
  for (const name of ["", " ", "x".repeat(101), "a\nb", "\u202Eabc"]) expect(await codeOf(add(credential, person, name))).toBe("invalid_request");
  for (let each = 0; each < 20; each += 1) await addDevice(site.gate, person, `Device ${each}`);
  expect(await codeOf(add(authenticatorDevice(site.gate).create(await begin())))).toBe("conflict");
  expect(await namesOf()).toHaveLength(20);
});

describe("recovery codes", () => {
  test("go with the last second factor, whichever that is", async () => {
    const { passkey } = await addDevice(site.gate, person);
    const { app } = await enrol(site.gate, person);
    const left = async () => (await readSecondFactor(site.gate, person, undefined)).recovery_codes_left;
    await removePasskey(site.gate, person, { passkey_id: passkey.id, current_password: PASSWORD });
    expect(await left()).toBe(10);
    const again = await addDevice(site.gate, person);
    expect(again.recovery_codes).toBeNull();
    await removeSecondFactor(site.gate, person, { current_password: PASSWORD, code: app.code() });
    expect(await left()).toBe(10);
    await removePasskey(site.gate, person, { passkey_id: again.passkey.id, current_password: PASSWORD });
    expect(await left()).toBe(0);
  });

  test("an operator's reset takes passkeys as well", async () => {
    await addDevice(site.gate, person);
    await resetSecondFactor(site.gate, operator, { user_id: person.userId });
    expect([await namesOf(), (await readSecondFactor(site.gate, person, undefined)).recovery_codes_left]).toEqual([[], 0]);
  });
});

describe("where there can be no passkeys", () => {
  test.each([["an address", "http://127.0.0.1:9403"], ["an address with https", "https://192.0.2.1"], ["an IPv6 address", "https://[2001:db8::1]"], ["a name without https", "http://id.example.com"]])("the issuer is %s", async (_name, issuerUrl) => {
    await using bare = await testGate({ settings: { issuerUrl } });
    const { owner } = await setUp(bare.gate);
    const refusal = await refusalOf(enrolPasskey(bare.gate, owner, { current_password: PASSWORD }));
    expect([refusal.code, refusal.hint?.includes("issuer_url")]).toEqual(["unavailable", true]);
  });

  test("on localhost there can, without https", async () => {
    await using bare = await testGate({ settings: { issuerUrl: "http://localhost:9403" } });
    const { owner } = await setUp(bare.gate);
    expect((await enrolPasskey(bare.gate, owner, { current_password: PASSWORD })).rp.id).toBe("localhost");
  });
});

test("only people may, and whatever the license says", async () => {
  const input = { current_password: PASSWORD };
  for (const { caller, code } of strangersTo("passkey.enrol")) {
    const attempts = [listPasskeys(site.gate, caller, undefined), beginPasskeyProof(site.gate, caller, undefined), enrolPasskey(site.gate, caller, input), addPasskey(site.gate, caller, { display_name: "x", credential: {} }), removePasskey(site.gate, caller, { passkey_id: "x", ...input })];
    expect([caller.kind, await Promise.all(attempts.map(codeOf))]).toEqual([caller.kind, Array(5).fill(code)]);
  }
  for (const state of shutStates) {
    site.license({ state });
    expect(await codeOf(addDevice(site.gate, person, state))).toBeUndefined();
  }
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import type { UserCaller } from "../../../src/gate/caller.ts";
import { findUserByCookie, findUserBySession } from "../../../src/identity/authentication.ts";
import type { RequestOptions } from "../../../src/identity/passkeys/options.ts";
import { listPasskeys } from "../../../src/identity/passkeys/passkeys.ts";
import { beginPasskeySignIn, createSessionByPasskey } from "../../../src/identity/passkeys/sign-in.ts";
import { completeSession } from "../../../src/identity/session-completion.ts";
import { auditRows, type TestGate, testGate } from "../../support/gate.ts";
import { addDevice, type Device, foreignKey, type Lies } from "../../support/passkey.ts";
import { addPerson, anonymous, setUp, signIn } from "../../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../../support/refusal.ts";
import { enrol, stepTokenOf } from "../../support/second-factor.ts";

const settings = { issuerUrl: "https://id.example.com" };
const nowhere = { teamId: undefined, address: undefined };
const BROWSER = "b".repeat(43);

let site: TestGate;
let person: UserCaller;
let address: string;
let device: Device;
let recoveryCodes: readonly string[];

beforeAll(async () => {
  site = await testGate({ settings });
  await setUp(site.gate);
});
afterAll(() => site.close());
beforeEach(async () => {
  site.license({});
  address = `${site.services.random.uuid()}@example.com`;
  person = await addPerson(site.gate, { address });
  const added = await addDevice(site.gate, person);
  device = added.device;
  recoveryCodes = added.recovery_codes ?? [];
});

interface FirstStep {
  readonly step_token: string;
  readonly options: RequestOptions;
}

function optionsOf(details: Readonly<Record<string, unknown>> | undefined): RequestOptions {
  const options = details?.["passkey_options"];
  if (typeof options !== "object" || options === null || !("challenge" in options)) throw new Error("there are no options");
  return { challenge: String(options.challenge), rpId: "id.example.com", timeout: 0, userVerification: "preferred", allowCredentials: [] };
}

async function firstStep(kind: "token" | "cookie" = "token"): Promise<FirstStep> {
  const refusal = await refusalOf(signIn(site.gate, address, kind));
  return { step_token: stepTokenOf(refusal), options: optionsOf(refusal.details) };
}

const complete = ({ step_token }: FirstStep, passkey: unknown, kind: "token" | "cookie" = "token") => completeSession(site.gate, anonymous, { step_token, passkey, kind });
const begin = async (browser = BROWSER) => {
  const options = await beginPasskeySignIn(site.gate, anonymous, { browser });
  if (options === undefined) throw new Error("no passkeys here");
  return options;
};
const enter = (passkey: unknown, browser = BROWSER) => createSessionByPasskey(site.gate, anonymous, { passkey, browser, kind: "cookie" });

async function amrOf(sessionId: string): Promise<unknown> {
  const [row] = await site.store.read(async (reader) => await reader.select().from(reader.tables.sessions).where(eq(reader.tables.sessions.id, sessionId)));
  return JSON.parse(row?.amr ?? "null");
}

const statusOf = async () => (await listPasskeys(site.gate, person, undefined)).passkey_list[0]?.status;
const sessionsOf = async () => (await site.store.read(async (reader) => await reader.select().from(reader.tables.sessions).where(eq(reader.tables.sessions.user_id, person.userId)))).length;

describe("after the password", () => {
  test("whoever has a passkey gets no session, but the question to it", async () => {
    const refusal = await refusalOf(signIn(site.gate, address));
    expect(refusal).toMatchObject({ code: "second_factor_required", status: 401, details: { methods: ["passkey", "recovery_code"] } });
    const options = refusal.details?.["passkey_options"];
    expect(options).toMatchObject({ rpId: "id.example.com", userVerification: "preferred", allowCredentials: [{ type: "public-key", id: device.credentialId, transports: ["internal"] }] });
    expect(await sessionsOf()).toBe(0);
  });

  test("its answer makes the session that was begun, and is told in it", async () => {
    const step = await firstStep();
    // The password came before, so presence is enough.
    const held = await complete(step, device.get(step.options, { flags: 1 }));
    expect(await findUserBySession(site.gate, held, nowhere)).toMatchObject({ userId: person.userId });
    expect(await amrOf(held.sessionId)).toEqual(["pwd", "swk", "mfa"]);
    const [passkey] = (await listPasskeys(site.gate, person, undefined)).passkey_list;
    expect(passkey?.last_used_at).toBe(new Date(site.services.clock.now()).toISOString());
  });

  test("recovery code and authenticator are as good", async () => {
    const { app } = await enrol(site.gate, person);
    expect((await refusalOf(signIn(site.gate, address))).details?.["methods"]).toEqual(["totp", "passkey", "recovery_code"]);
    const step = await firstStep();
    expect(await codeOf(completeSession(site.gate, anonymous, { step_token: step.step_token, code: app.code(), kind: "token" }))).toBeUndefined();
  });

  test("a recovery code alone opens where there is no authenticator", async () => {
    const step = await firstStep();
    expect(await codeOf(completeSession(site.gate, anonymous, { step_token: step.step_token, code: recoveryCodes[0] ?? "", kind: "token" }))).toBeUndefined();
  });

  test("neither or both of code and passkey are refused", async () => {
    const step = await firstStep();
    expect(await codeOf(completeSession(site.gate, anonymous, { step_token: step.step_token, kind: "token" }))).toBe("invalid_request");
    expect(await codeOf(completeSession(site.gate, anonymous, { step_token: step.step_token, code: "1", passkey: device.get(step.options), kind: "token" }))).toBe("invalid_request");
  });

  test("the challenge belongs to the step, the step to its kind, and neither is good twice", async () => {
    const [one, other] = [await firstStep(), await firstStep()];
    expect(await codeOf(complete(other, device.get(one.options)))).toBe("unauthenticated");
    const alone = await begin();
    expect(await codeOf(complete(one, device.get({ ...one.options, challenge: alone.challenge })))).toBe("unauthenticated");
    const cookie = await firstStep("cookie");
    expect(await codeOf(complete(cookie, device.get(cookie.options)))).toBe("unauthenticated");
    const answer = device.get(other.options);
    const codes = await Promise.all(Array.from({ length: 10 }, () => codeOf(complete(other, answer))));
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    expect(await sessionsOf()).toBe(1);
  });

  test("a wrong proof is answered with a new question to the same passkeys, whose answer opens", async () => {
    const step = await firstStep();
    const refusal = await refusalOf(completeSession(site.gate, anonymous, { step_token: step.step_token, code: "000000", kind: "token" }));
    const asked = refusal.details?.["passkey_options"];
    expect([refusal.code, asked]).toMatchObject(["unauthenticated", { rpId: "id.example.com", allowCredentials: [{ id: device.credentialId }] }]);
    const { challenge } = Object(asked);
    expect(challenge).not.toBe(step.options.challenge);
    expect(await codeOf(complete(step, device.get({ ...step.options, challenge })))).toBeUndefined();
    const over = await refusalOf(completeSession(site.gate, anonymous, { step_token: step.step_token, code: "000000", kind: "token" }));
    expect([over.code, over.details]).toEqual(["unauthenticated", { reason: "step_over" }]);
  });

  test("another person's passkey does not do, although it is good", async () => {
    const other = await addPerson(site.gate);
    const theirs = await addDevice(site.gate, other);
    const step = await firstStep();
    expect(await codeOf(complete(step, theirs.device.get(step.options)))).toBe("unauthenticated");
    expect(await sessionsOf()).toBe(0);
  });

  test("the step token and the challenge are nobody anywhere", async () => {
    const { step_token, options } = await firstStep("cookie");
    for (const text of [step_token, options.challenge]) {
      expect(await findUserByCookie(site.gate, text, nowhere)).toBeUndefined();
      expect(await findUserBySession(site.gate, { sessionId: text, userId: person.userId }, nowhere)).toBeUndefined();
    }
  });
});

describe("alone", () => {
  test("a passkey that verified the person is a session of two factors", async () => {
    const options = await begin();
    expect([options.allowCredentials, options.userVerification]).toEqual([[], "required"]);
    const held = await enter(device.get(options));
    expect(await findUserByCookie(site.gate, held.secret, nowhere)).toMatchObject({ userId: person.userId });
    expect(await amrOf(held.sessionId)).toEqual(["swk", "user", "mfa"]);
  });

  test("the challenge belongs to the browser, ends after five minutes, and is good once", async () => {
    expect(await codeOf(enter(device.get(await begin()), "c".repeat(43)))).toBe("unauthenticated");
    const late = await begin();
    site.services.clock.advance(300_000);
    expect(await codeOf(enter(device.get(late)))).toBe("unauthenticated");
    const answer = device.get(await begin());
    const codes = await Promise.all(Array.from({ length: 10 }, () => codeOf(enter(answer))));
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    expect(await codeOf(enter(answer))).toBe("unauthenticated");
  });

  test("a challenge that was asked under a clock that ran ahead is none", async () => {
    const options = await begin();
    site.services.clock.stepWall(-3_600_000);
    expect(await codeOf(enter(device.get(options)))).toBe("unauthenticated");
    site.services.clock.stepWall(3_600_000);
  });

  test("a second step's question is not answered here", async () => {
    const step = await firstStep("cookie");
    expect(await codeOf(enter(device.get(step.options), step.step_token))).toBe("unauthenticated");
  });

  test.each(["disabled", "pending"] as const)("somebody who is %s is refused in the words of a wrong answer", async (kind) => {
    const wrong = await refusalOf(enter(device.get(await begin(), { origin: "https://evil.example" })));
    const { users } = await site.store.read(async ({ tables }) => tables);
    const set = kind === "disabled" ? { disabled_at: 1 } : { pending_until: site.services.clock.now() + 1_000 };
    await site.store.write(async (writer) => await writer.update(users).set(set).where(eq(users.id, person.userId)));
    const refusal = await refusalOf(enter(device.get(await begin())));
    expect([refusal.code, refusal.message, refusal.hint]).toEqual([wrong.code, wrong.message, wrong.hint]);
    expect(await sessionsOf()).toBe(0);
  });

  test("an unknown passkey is refused in the same words", async () => {
    const stranger = { ...device.get(await begin()), id: "AAAA", rawId: "AAAA" };
    const wrong = await refusalOf(enter(device.get(await begin(), { origin: "https://evil.example" })));
    expect((await refusalOf(enter(stranger))).message).toBe(wrong.message);
  });
});

const lies: readonly (readonly [string, () => Lies])[] = [
  ["of another type", () => ({ type: "webauthn.create" })],
  ["for another challenge", () => ({ challenge: "AAAA" })],
  ["for no challenge", () => ({ challenge: "" })],
  ["of another origin", () => ({ origin: "https://evil.example" })],
  ["of an origin whose name ends alike", () => ({ origin: "https://badid.example.com" })],
  ["of a host below ours", () => ({ origin: "https://x.id.example.com" })],
  ["of another port", () => ({ origin: "https://id.example.com:8443" })],
  ["without https", () => ({ origin: "http://id.example.com" })],
  ["of an app's origin", () => ({ origin: "android:apk-key-hash:AAAA" })],
  ["inside a foreign frame", () => ({ crossOrigin: true })],
  ["with a top origin", () => ({ topOrigin: "https://id.example.com" })],
  ["for another relying party", () => ({ rpId: "example.com" })],
  ["without the person there", () => ({ flags: 0 })],
  ["with the person verified but not there", () => ({ flags: 4 })],
  ["copied but not to be copied", () => ({ flags: 1 | 4 | 16 })],
  ["signed by another key", () => ({ key: foreignKey() })],
  ["with a signature of noughts", () => ({ signature: Buffer.alloc(70) })],
  ["with a signature of one byte", () => ({ signature: Buffer.from([1]) })],
  ["for another person", () => ({ userHandle: Buffer.from("00000000-0000-7000-8000-00000000000f").toString("base64url") })],
  ["with authenticator data that is cut", () => ({ authenticatorText: Buffer.alloc(36) })],
  ["with client data that is no JSON", () => ({ clientText: "{" })],
  ["with client data that says something twice", () => ({ clientText: '{"type":"webauthn.get","type":"webauthn.get","challenge":"","origin":"https://id.example.com"}' })],
];

describe("an answer that lies", () => {
  test.each(lies)("%s opens nothing, with or without a password before it", async (_name, lie) => {
    expect(await codeOf(enter(device.get(await begin(), lie())))).toBe("unauthenticated");
    const step = await firstStep();
    expect(await codeOf(complete(step, device.get(step.options, lie())))).toBe("unauthenticated");
    expect(await sessionsOf()).toBe(0);
    // It was the lie: the truth opens.
    const again = await firstStep();
    expect(await codeOf(complete(again, device.get(again.options)))).toBeUndefined();
  });

  test.each([["without the person verified", { flags: 1 }], ["without saying whose it is", { userHandle: null }], ["with an empty name of whose it is", { userHandle: "" }]] as const)("%s opens nothing alone", async (_name, lie) => {
    expect(await codeOf(enter(device.get(await begin(), lie)))).toBe("unauthenticated");
    const step = await firstStep();
    expect(await codeOf(complete(step, device.get(step.options, lie)))).toBeUndefined();
  });

  const shapes: readonly unknown[] = [undefined, null, 1, "", "{}", "[]", "no json", {}, [], { id: "a", rawId: "b", type: "public-key", response: { clientDataJSON: "e30", authenticatorData: "AA", signature: "AA" } }, { id: "a", rawId: "a", type: "public-key", response: { clientDataJSON: "e30=", authenticatorData: "AA", signature: "AA" } }, { id: "a", rawId: "a", type: "public-key", response: { clientDataJSON: "e30", authenticatorData: "A".repeat(9_000), signature: "AA" } }];
  test.each(shapes.map((shape, index) => [index, shape] as const))("of a shape that is none is bad input: %#", async (_index, shape) => {
    expect(await codeOf(enter(shape))).toBe("invalid_request");
  });
});

describe("ten wrong answers", () => {
  test("lock the passkey on every door, and a recovery code unlocks it", async () => {
    for (let guess = 1; guess <= 5; guess += 1) {
      expect(await codeOf(enter(device.get(await begin(), { key: foreignKey() })))).toBe("unauthenticated");
      const step = await firstStep();
      expect(await codeOf(complete(step, device.get(step.options, { key: foreignKey() })))).toBe("unauthenticated");
    }
    expect(await statusOf()).toBe("locked");
    const refusal = await refusalOf(enter(device.get(await begin())));
    expect([refusal.code, refusal.message.includes("locked after 10")]).toEqual(["unauthenticated", true]);
    const step = await firstStep();
    expect(await codeOf(complete(step, device.get(step.options)))).toBe("unauthenticated");
    expect(await codeOf(completeSession(site.gate, anonymous, { step_token: step.step_token, code: recoveryCodes[0] ?? "", kind: "token" }))).toBeUndefined();
    expect(await statusOf()).toBe("active");
    expect(await codeOf(enter(device.get(await begin())))).toBeUndefined();
  });

  test("count side by side", async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, async () => device.get(await begin(), { key: foreignKey() })));
    await Promise.all(answers.map((answer) => codeOf(enter(answer))));
    expect(await statusOf()).toBe("locked");
  });

  test("are forgotten by a right one", async () => {
    for (let round = 0; round < 2; round += 1) {
      for (let guess = 1; guess <= 9; guess += 1) await codeOf(enter(device.get(await begin(), { key: foreignKey() })));
      expect(await codeOf(enter(device.get(await begin())))).toBeUndefined();
    }
  });
});

describe("the counter", () => {
  test.each([["behind", 4], ["the same", 5], ["at nought", 0]])("that comes back %s is refused, shown, and the passkey opens nothing any more", async (_name, counter) => {
    expect(await codeOf(enter(device.get(await begin(), { counter: 5 })))).toBeUndefined();
    const refusal = await refusalOf(enter(device.get(await begin(), { counter })));
    expect([refusal.code, refusal.message.includes("copy")]).toEqual(["unauthenticated", true]);
    expect(await statusOf()).toBe("copied");
    expect(await codeOf(enter(device.get(await begin(), { counter: 100 })))).toBe("unauthenticated");
    const { details } = await refusalOf(signIn(site.gate, address));
    expect(details?.["methods"]).toEqual(["recovery_code"]);
    const noted = (await auditRows(site.store)).filter(({ subject, outcome }) => subject === `user:${person.userId}` && outcome === "refused").map((row) => JSON.parse(row.details));
    expect(noted).toContainEqual({ passkey_id: (await listPasskeys(site.gate, person, undefined)).passkey_list[0]?.id, copied: true });
    expect(await sessionsOf()).toBe(1);
  });

  test("of those that keep none stays at nought", async () => {
    const silent = await addPerson(site.gate);
    const { device: other } = await addDevice(site.gate, silent);
    const { passkeys } = await site.store.read(async ({ tables }) => tables);
    await site.store.write(async (writer) => await writer.update(passkeys).set({ counter: 0 }).where(eq(passkeys.user_id, silent.userId)));
    for (let time = 0; time < 3; time += 1) expect(await codeOf(enter(other.get(await begin(), { counter: 0 })))).toBeUndefined();
  });

  test("may be as large as there are", async () => {
    expect(await codeOf(enter(device.get(await begin(), { counter: 0xffffffff })))).toBeUndefined();
  });
});

test("a key whose algorithm is taken no more opens nothing", async () => {
  const { passkeys } = await site.store.read(async ({ tables }) => tables);
  await site.store.write(async (writer) => await writer.update(passkeys).set({ algorithm: -65_535 }).where(eq(passkeys.user_id, person.userId)));
  expect(await codeOf(enter(device.get(await begin())))).toBe("unauthenticated");
});

test("only strangers sign in, and whatever the license says", async () => {
  for (const { caller, code } of strangersTo("session.create_by_passkey")) {
    expect(await codeOf(beginPasskeySignIn(site.gate, caller, { browser: BROWSER }))).toBe(code);
    expect(await codeOf(createSessionByPasskey(site.gate, caller, { passkey: {}, browser: BROWSER, kind: "cookie" }))).toBe(code);
  }
  for (const state of shutStates) {
    site.license({ state });
    expect(await codeOf(enter(device.get(await begin())))).toBeUndefined();
  }
});

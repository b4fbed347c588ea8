import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { findUserByCookie, findUserBySession } from "../../src/identity/authentication.ts";
import { changePassword } from "../../src/identity/password-change.ts";
import { createSession } from "../../src/identity/sessions.ts";
import { afterEachRead, auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { anonymous, ownerAddress, PASSWORD, setUp, signIn } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

const NEW_PASSWORD = "another good sentence";
const nowhere = { teamId: undefined, address: undefined };

/** The owner as the caller of a live session. */
async function signedIn(world: TestGate) {
  const session = await signIn(world.gate);
  const caller = await findUserBySession(world.gate, session, nowhere);
  if (caller === undefined) throw new Error("the session is live");
  return { session, caller };
}

function change(current_password = PASSWORD, new_password = NEW_PASSWORD) {
  return { current_password, new_password };
}

test("the new password opens sessions and the old one does not; every other session ends", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const { session, caller } = await signedIn(world);
  const [token, cookie] = [await signIn(world.gate), await signIn(world.gate, ownerAddress, "cookie")];
  await changePassword(world.gate, caller, change());
  expect(await findUserBySession(world.gate, session, nowhere)).toBeDefined();
  expect(await findUserBySession(world.gate, token, nowhere)).toBeUndefined();
  expect(await findUserByCookie(world.gate, cookie.secret, nowhere)).toBeUndefined();
  expect(await codeOf(signIn(world.gate))).toBe("unauthenticated");
  const again = { email_address: ownerAddress, user_password: NEW_PASSWORD, kind: "token" } as const;
  expect(await codeOf(createSession(world.gate, anonymous, again))).toBeUndefined();
  const rows = await auditRows(world.store);
  expect(rows.find(({ operation }) => operation === "user.change_password")).toMatchObject({ outcome: "done", subject: `user:${caller.userId}`, details: "{}" });
  expect(await storeText(world.store)).not.toContain(NEW_PASSWORD);
});

test("a wrong current password changes nothing, counts, and makes its person wait, not strangers who sign in", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const { caller } = await signedIn(world);
  for (let guess = 1; guess <= 5; guess += 1) {
    const refusal = await refusalOf(changePassword(world.gate, caller, change("not the password")));
    expect(refusal).toMatchObject({ code: "invalid_request", details: { fields: [{ field: "current_password" }] } });
  }
  expect(await codeOf(changePassword(world.gate, caller, change()))).toBe("rate_limited");
  expect(await codeOf(signIn(world.gate))).toBeUndefined();
  world.services.clock.advance(1_000);
  expect(await codeOf(changePassword(world.gate, caller, change()))).toBeUndefined();
});

test("a hundred guesses side by side count a hundred", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const { caller } = await signedIn(world);
  const codes = await Promise.all(Array.from({ length: 100 }, () => codeOf(changePassword(world.gate, caller, change("not the password")))));
  expect(codes.filter((code) => code === "invalid_request")).toHaveLength(5);
  expect(codes.filter((code) => code === "rate_limited")).toHaveLength(95);
});

test("of several changes at the same moment one wins", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const { caller } = await signedIn(world);
  const codes = await Promise.all(["first", "second", "third"].map((word) => codeOf(changePassword(world.gate, caller, change(PASSWORD, `${word} good sentence`)))));
  expect(codes.filter((code) => code === undefined)).toHaveLength(1);
});

test("who is disabled while the hash is computed changes nothing", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const { caller } = await signedIn(world);
  const changing = afterEachRead(world.gate, async () => {
    await world.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ disabled_at: 1 }).where(eq(writer.tables.users.id, caller.userId))));
  });
  expect(await codeOf(changePassword(changing, caller, change()))).toBe("invalid_request");
});

test.each([
  ["a short one", change(PASSWORD, "short")],
  ["a common one", change(PASSWORD, "Password2026!")],
  ["an enormous one", change(PASSWORD, "x".repeat(100_000))],
  ["no current one", change("", NEW_PASSWORD)],
  ["an enormous current one", change("x".repeat(100_000), NEW_PASSWORD)],
])("refused before anything is hashed or counted: %s", async (_name, input) => {
  await using world = await testGate();
  await setUp(world.gate);
  const { caller } = await signedIn(world);
  expect(await codeOf(changePassword(world.gate, caller, input))).toBe("invalid_request");
  expect(await world.store.read(async (reader) => await reader.select().from(reader.tables.signInBuckets))).toEqual([]);
});

test("no license state keeps anybody from it, and no key and no stranger may", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const { caller } = await signedIn(world);
  for (const { caller: stranger, code } of strangersTo("user.change_password")) expect(await codeOf(changePassword(world.gate, stranger, change()))).toBe(code);
  for (const state of shutStates) {
    world.license({ state });
    expect(await codeOf(changePassword(world.gate, caller, change("not the password")))).not.toBe(state);
  }
});

import { describe, expect, test } from "bun:test";
import { and, eq } from "drizzle-orm";
import { findCallerByKey } from "../../src/credentials/authentication.ts";
import { createCredential, revokeCredential } from "../../src/credentials/credentials.ts";
import { type EndReason, OpenConnections, REVIEW_MS, UNHEARD_MS_MAX } from "../../src/credentials/open-connections.ts";
import { rotateCredential } from "../../src/credentials/rotation.ts";
import { createKey, keyPrefix } from "../../src/crypto/tokens.ts";
import type { Caller, UserCaller } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { endSession } from "../../src/identity/sessions.ts";
import { createLog } from "../../src/log.ts";
import { openPostgresStore } from "../../src/store/postgres.ts";
import { eventually } from "../support/eventually.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { addKey, addPerson, setUp, signIn } from "../support/people.ts";
import { testEngine } from "../support/store.ts";

const DAY_MS = 86_400_000;

/** A gate that counts the reads of its store, so that a test can wait until a review is over. */
function watched(world: TestGate, gate: Gate = world.gate) {
  let running = 0;
  let reads = 0;
  const { store } = gate;
  const read: Gate["store"]["read"] = async (query) => {
    running += 1;
    reads += 1;
    try {
      return await store.read(query);
    } finally {
      running -= 1;
    }
  };
  const logged: string[] = [];
  const counted: Gate = { ...gate, store: { engine: store.engine, read, write: (command) => store.write(command), close: () => store.close() } };
  const open = new OpenConnections(counted, createLog(world.services.clock, "debug", (line) => logged.push(line)));
  /** Lets half a second pass, and waits until it was looked at. */
  const review = async () => {
    const before = reads;
    world.services.clock.advance(REVIEW_MS);
    await eventually(() => reads > before && running === 0, "the review is over");
    await eventually(() => running === 0, "the review is over");
    await new Promise(setImmediate);
  };
  return { open, review, logged, reads: () => reads };
}

/** The ends that a connection was given, in their order. */
function connect(open: OpenConnections, caller: Caller): { readonly ends: EndReason[]; readonly close: () => void } {
  const ends: EndReason[] = [];
  return { ends, close: open.add(caller, (reason) => ends.push(reason)) };
}

async function callerOf({ gate }: TestGate, rawKey: string): Promise<Caller> {
  const caller = await findCallerByKey(gate, rawKey, undefined);
  if (caller === undefined) throw new Error("the key is not good");
  return caller;
}

test("what a key opened ends within half a second of its revocation, and nothing else does", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const keys = [await addKey(world.gate, owner, "agent"), await addKey(world.gate, owner, "agent"), await addKey(world.gate, owner, "integration")];
  const { open, review } = watched(world);
  const connections = [];
  for (const { rawKey } of keys) connections.push(connect(open, await callerOf(world, rawKey)), connect(open, await callerOf(world, rawKey)));
  await review();
  await review();
  expect(connections.flatMap(({ ends }) => ends)).toEqual([]);
  await revokeCredential(world.gate, owner, { credential_id: keys[0]?.id ?? "" });
  await review();
  expect(connections.map(({ ends }) => ends)).toEqual([["ended"], ["ended"], [], [], [], []]);
  await review();
  expect(connections.map(({ ends }) => ends.length)).toEqual([1, 1, 0, 0, 0, 0]);
  await open.stop();
});

test("a key that is revoked between the request and the opening does not stay open", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, "agent");
  const other = await addKey(world.gate, owner, "agent");
  const { open, review } = watched(world);
  connect(open, await callerOf(world, other.rawKey));
  await review();
  const caller = await callerOf(world, key.rawKey);
  await revokeCredential(world.gate, owner, { credential_id: key.id });
  await review();
  const late = connect(open, caller);
  await review();
  expect(late.ends).toEqual(["ended"]);
  await open.stop();
});

test("an idle review is one row; connections are looked up only when an access has ended somewhere", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const keys = [await addKey(world.gate, owner, "agent"), await addKey(world.gate, owner, "agent")];
  const { open, review, reads } = watched(world);
  for (const { rawKey } of keys) connect(open, await callerOf(world, rawKey));
  await review();
  expect(reads()).toBe(2);
  for (let round = 0; round < 5; round += 1) await review();
  expect(reads()).toBe(7);
  await createCredential(world.gate, owner, { kind: "agent", display_name: "Another" });
  await review();
  expect(reads()).toBe(8);
  await revokeCredential(world.gate, owner, { credential_id: keys[0]?.id ?? "" });
  await review();
  expect(reads()).toBe(10);
  await open.stop();
  expect(world.services.clock.timers()).toBe(0);
});

test("what expires ends by time alone", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { raw_key } = await createCredential(world.gate, owner, { kind: "agent", display_name: "Short", expires_in_days: 1 });
  const { open, review } = watched(world);
  const connection = connect(open, await callerOf(world, raw_key));
  await review();
  world.services.clock.stepWall(DAY_MS - 2 * REVIEW_MS - 1);
  await review();
  expect(connection.ends).toEqual([]);
  await review();
  expect(connection.ends).toEqual(["ended"]);
  await open.stop();
});

test("rotation ends what the key before has opened: at once, or with the overlap", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const [hard, soft] = [await addKey(world.gate, owner, "agent"), await addKey(world.gate, owner, "agent")];
  const { open, review } = watched(world);
  const [hardOld, softOld] = [connect(open, await callerOf(world, hard.rawKey)), connect(open, await callerOf(world, soft.rawKey))];
  const hardNew = connect(open, await callerOf(world, (await rotateCredential(world.gate, owner, { credential_id: hard.id })).raw_key));
  const softNew = connect(open, await callerOf(world, (await rotateCredential(world.gate, owner, { credential_id: soft.id, overlap_seconds: 60 })).raw_key));
  await review();
  expect([hardOld.ends, hardNew.ends, softOld.ends, softNew.ends]).toEqual([["ended"], [], [], []]);
  world.services.clock.stepWall(60_000);
  await review();
  expect([hardNew.ends, softOld.ends, softNew.ends]).toEqual([[], ["ended"], []]);
  await open.stop();
});

describe("people and their devices", () => {
  async function device({ gate }: TestGate, { userId }: UserCaller, teamId: string, kind: "device" | "agent" = "device"): Promise<string> {
    const rawKey = createKey(kind === "device" ? "dk" : "ak", gate.services.random);
    const id = gate.services.random.uuid();
    const row = { id, kind, team_id: teamId, user_id: userId, created_by: userId, display_name: "Laptop", key_prefix: keyPrefix(rawKey) };
    const digest = gate.sealer.digest("credential-pepper", rawKey);
    await gate.store.write(async (writer) => await writer.insert(writer.tables.credentials).values({ ...row, digest, created_at: gate.services.clock.now() }));
    return rawKey;
  }

  test.each([
    ["disabled", ["ended"], ["ended"]],
    ["removed from the team", ["ended"], ["ended"]],
    ["signed out", [], ["ended"]],
    ["given another role", [], []],
  ] as const)("of somebody who is %s, with the agent key that came with the device", async (what, ofDevice, ofSession) => {
    await using world = await testGate();
    const { teamId, owner } = await setUp(world.gate);
    const address = "grace@example.com";
    const person = await addPerson(world.gate, { teamId, address });
    const session = await signIn(world.gate, address);
    const { open, review } = watched(world);
    const user: UserCaller = { ...person, sessionId: session.sessionId };
    const connections = [
      connect(open, await callerOf(world, await device(world, person, teamId))),
      connect(open, await callerOf(world, await device(world, person, teamId, "agent"))),
      connect(open, user),
    ];
    const stays = connect(open, { ...owner, sessionId: (await signIn(world.gate)).sessionId });
    await review();
    expect(connections.flatMap(({ ends }) => ends)).toEqual([]);
    if (what === "signed out") await endSession(world.gate, user, undefined);
    await world.store.write(async (writer) => {
      const { users, memberships } = writer.tables;
      const isTheirs = and(eq(memberships.user_id, person.userId), eq(memberships.team_id, teamId));
      if (what === "disabled") await writer.update(users).set({ disabled_at: 1 }).where(eq(users.id, person.userId));
      if (what === "removed from the team") await writer.delete(memberships).where(isTheirs);
      if (what === "given another role") await writer.update(memberships).set({ role: "viewer" }).where(isTheirs);
    });
    await review();
    expect(connections.map(({ ends }) => ends)).toEqual([[...ofDevice], [...ofDevice], [...ofSession]]);
    expect(stays.ends).toEqual([]);
    await open.stop();
  });

  test("the team's deletion ends everything in it", async () => {
    await using world = await testGate();
    const { teamId, owner } = await setUp(world.gate);
    const { open, review } = watched(world);
    const connections = [connect(open, await callerOf(world, (await addKey(world.gate, owner, "agent")).rawKey)), connect(open, await callerOf(world, await device(world, owner, teamId)))];
    await review();
    await world.store.write(async (writer) => void (await writer.delete(writer.tables.teams).where(eq(writer.tables.teams.id, teamId))));
    await review();
    expect(connections.map(({ ends }) => ends)).toEqual([["ended"], ["ended"]]);
    await open.stop();
  });
});

test("a caller that nobody can look up is never taken for a good one", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const { open, review } = watched(world);
  const strangers: readonly Caller[] = [
    { kind: "anonymous" },
    { kind: "agent", credentialId: "00000000-0000-7000-8000-00000000000f", teamId: "t" },
    { kind: "user", userId: "u", sessionId: "s", isAdministrator: true, teamId: undefined },
  ];
  const connections = strangers.map((caller) => connect(open, caller));
  await review();
  expect(connections.map(({ ends }) => ends)).toEqual([["ended"], ["ended"], ["ended"]]);
  await open.stop();
});

test("while the store is away nothing ends for half a minute, and everything after", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await addKey(world.gate, owner, "agent");
  let isAway = false;
  const { store } = world.gate;
  const gate: Gate = { ...world.gate, store: { ...world.gate.store, engine: store.engine, read: (query) => (isAway ? Promise.reject(new Error("away")) : store.read(query)), write: (command) => store.write(command), close: () => store.close() } };
  const { open, review, logged } = watched(world, gate);
  const connection = connect(open, await callerOf(world, key.rawKey));
  await review();
  isAway = true;
  for (let passedMs = REVIEW_MS; passedMs < UNHEARD_MS_MAX; passedMs += REVIEW_MS) await review();
  expect(connection.ends).toEqual([]);
  expect(logged.length).toBeGreaterThan(10);
  await review();
  expect(connection.ends).toEqual(["unheard"]);
  await open.stop();
});

test("a thousand connections are looked up together, and one that is closed is not ended again", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const [kept, gone] = [await addKey(world.gate, owner, "agent"), await addKey(world.gate, owner, "agent")];
  const callers = [await callerOf(world, kept.rawKey), await callerOf(world, gone.rawKey)] as const;
  const { open, review, reads } = watched(world);
  const connections = Array.from({ length: 1_000 }, (_, index) => connect(open, callers[index % 2 === 0 ? 0 : 1]));
  await review();
  await eventually(() => reads() === 6, "all are looked up");
  connections[1]?.close();
  await revokeCredential(world.gate, owner, { credential_id: gone.id });
  await review();
  await eventually(() => connections.filter(({ ends }) => ends.length === 1).length === 499, "the revoked ones have ended");
  expect(connections[1]?.ends).toEqual([]);
  expect(connections.filter((_, index) => index % 2 === 0).flatMap(({ ends }) => ends)).toEqual([]);
  await open.stop();
});

// One process owns a SQLite file.
if (testEngine === "postgres") {
  test("a revocation in another process over the same database ends it too", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const key = await addKey(world.gate, owner, "agent");
    const other = await openPostgresStore({ url: world.database.databaseUrl ?? "", clock: world.services.clock });
    const { open, review } = watched(world);
    const connection = connect(open, await callerOf(world, key.rawKey));
    await review();
    await revokeCredential({ ...world.gate, store: other }, owner, { credential_id: key.id });
    await review();
    expect(connection.ends).toEqual(["ended"]);
    await open.stop();
    await other.close();
  });
}

/** How long a Writer, a Reader and the store itself may be used, on both engines. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { Fault } from "../../src/fault.ts";
import type { Reader, Store, Writer } from "../../src/store/store.ts";
import { openTestStore, type TestStore } from "../support/store.ts";

let database: TestStore;
let store: Store;

beforeAll(async () => {
  database = await openTestStore();
  store = database.store;
});
afterAll(() => database.close());
beforeEach(() => store.write(async (writer) => void (await writer.delete(writer.tables.teams))));

const team = (id: string) => ({ id, display_name: "", created_at: 1 });
const addTeam = async (writer: Writer, id: string) => {
  await writer.insert(writer.tables.teams).values(team(id));
};
const teamIds = async (reader: Reader) => {
  const { teams } = reader.tables;
  return (await reader.select({ id: teams.id }).from(teams).orderBy(teams.id)).map((row) => row.id);
};
const storedTeams = () => store.read(teamIds);
const range = (length: number) => Array.from({ length }, (_, index) => index);
const errorsOf = async (calls: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(calls)).flatMap((one) => (one.status === "rejected" ? [one.reason] : []));

const nestings: readonly (readonly [string, () => Promise<unknown>])[] = [
  ["write in write", () => store.write(() => store.write((writer) => addTeam(writer, "a")))],
  ["read in write", () => store.write(() => store.read(teamIds))],
  ["write in read", () => store.read(() => store.write((writer) => addTeam(writer, "a")))],
  ["read in read", () => store.read(() => store.read(teamIds))],
  ["close in write", () => store.write(() => store.close())],
  ["close in read", () => store.read(() => store.close())],
  [
    "write in write, behind a statement and a promise",
    () =>
      store.write(async (writer) => {
        await addTeam(writer, "b");
        await Promise.all([store.write((inner) => addTeam(inner, "a"))]);
      }),
  ],
];

for (const [name, call] of nestings) {
  test(`a call of the store from inside is refused instead of waiting for ever: ${name}`, async () => {
    await expect(call()).rejects.toThrow(/called from inside/);
    expect(await storedTeams()).toEqual([]);
  });
}

test("what a finished command has started may call the store", async () => {
  const later = Promise.withResolvers<void>();
  let chain: Promise<unknown> | undefined;
  await store.write(async (writer) => {
    chain = later.promise.then(() => store.write((own) => addTeam(own, "a")));
    await teamIds(writer);
  });
  later.resolve();
  await chain;
  expect(await storedTeams()).toEqual(["a"]);
});

test("a Writer or Reader is refused after its command or query has ended", async () => {
  const writer = await store.write(async (own) => own);
  const reader = await store.read(async (own) => own);
  const pending = await store.write(async (own) => ({ insert: own.insert(own.tables.teams).values(team("late")) }));
  const ended = /after its command or query had ended/;
  const uses: readonly (() => Promise<unknown>)[] = [
    () => addTeam(writer, "a"),
    () => teamIds(writer),
    () => teamIds(reader),
    async () => await pending.insert,
  ];
  for (const use of uses) {
    const errors = await errorsOf([use()]);
    // PostgreSQL's drizzle wraps what the statement throws.
    expect(Bun.inspect(errors[0])).toMatch(ended);
  }
  expect(await storedTeams()).toEqual([]);
});

test("a Writer of an ended command is refused while another command runs", async () => {
  const stale = await store.write(async (own) => own);
  const call = store.write(async (writer) => {
    await addTeam(writer, "a");
    await addTeam(stale, "b");
  });
  await expect(call).rejects.toThrow();
  expect(await storedTeams()).toEqual([]);
});

test("close waits for running work, refuses later calls, and may be called again", async () => {
  await using own = await openTestStore();
  const running = range(20).map((index) => own.store.write((writer) => addTeam(writer, `t${index}`)));
  const reading = own.store.read(teamIds);
  const closed = own.store.close();
  const calls: readonly (() => Promise<unknown>)[] = [
    () => own.store.write((writer) => addTeam(writer, "late")),
    () => own.store.read(teamIds),
  ];
  for (const late of calls) {
    const errors = await errorsOf([late()]);
    expect(errors).toEqual([new Fault("unavailable", "The store is closed.")]);
  }
  await closed;
  await own.store.close();
  expect(await errorsOf(running)).toEqual([]);
  expect(await errorsOf([reading])).toEqual([]);
  expect(await (await own.reopen()).read(teamIds)).toEqual(range(20).map((index) => `t${index}`).toSorted());
});

/** Statements that are built once: the same on both engines, and under the same rules as every other statement. */
import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { prepared } from "../../src/store/prepared.ts";
import type { Writer } from "../../src/store/store.ts";
import { openTestStore, type TestStore } from "../support/store.ts";

let database: TestStore;
beforeAll(async () => {
  database = await openTestStore();
});
afterAll(() => database.close());

let built = 0;

/** Raises the sequence of a deployment, or adds it. */
const raise = prepared<"id" | "sequence" | "at">((writer, value) => {
  built += 1;
  const { licenseSequences } = writer.tables;
  return writer
    .insert(licenseSequences)
    .values({ deployment_id: value("id"), sequence: value("sequence"), seen_at: value("at") })
    .onConflictDoUpdate({
      target: licenseSequences.deployment_id,
      set: { sequence: sql`excluded.sequence` },
      setWhere: sql`${licenseSequences.sequence} < ${value("sequence")}`,
    })
    .returning({ sequence: licenseSequences.sequence });
});

const sequenceOf = async (id: string) => {
  const [row] = await database.store.read(async (reader) => {
    const { licenseSequences } = reader.tables;
    return await reader.select().from(licenseSequences).where(eq(licenseSequences.deployment_id, id));
  });
  return row?.sequence;
};

test("a statement is built once and run with other values, and tells how many rows it returned", async () => {
  const run = (sequence: number) => database.store.write(async (writer) => await writer.repeat(raise, { id: "a", sequence, at: 1 }));
  expect([await run(1), await run(5), await run(3)]).toEqual([1, 1, 0]);
  expect(await sequenceOf("a")).toBe(5);
  expect(built).toBe(1);
});

test("it is part of its command: a throw takes it back", async () => {
  const command = database.store.write(async (writer) => {
    await writer.repeat(raise, { id: "b", sequence: 1, at: 1 });
    throw new Error("no");
  });
  await expect(command).rejects.toThrow("no");
  expect(await sequenceOf("b")).toBeUndefined();
});

test("one that fails fails its command, even when the command catches the error", async () => {
  const command = database.store.write(async (writer) => {
    await writer.repeat(raise, { id: "c", sequence: 1, at: 1 });
    await Promise.allSettled([writer.repeat(prepared<"id">((other, value) => other.insert(other.tables.licenseSequences).values({ deployment_id: value("id"), sequence: sql`null`, seen_at: 1 })), { id: "d" })]);
  });
  await expect(command).rejects.toThrow();
  expect(await sequenceOf("c")).toBeUndefined();
});

test("it is refused after its command has ended", async () => {
  let kept: Writer | undefined;
  await database.store.write(async (writer) => void (kept = writer));
  await expect(kept?.repeat(raise, { id: "e", sequence: 1, at: 1 })).rejects.toThrow(/after its command or query had ended/);
});

test("text that looks like SQL stays a value", async () => {
  const id = `x'); delete from license_sequences; --`;
  await database.store.write(async (writer) => await writer.repeat(raise, { id, sequence: 7, at: 1 }));
  expect(await sequenceOf(id)).toBe(7);
  expect(await sequenceOf("a")).toBe(5);
});

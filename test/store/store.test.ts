import { expect, test } from "bun:test";
import { openTestStore } from "../support/store.ts";

test("what a command wrote is there for queries and after a restart", async () => {
  await using database = await openTestStore();
  const team = { id: "a", display_name: "first", created_at: 1_700_000_000_000 };
  await database.store.write(async (writer) => await writer.insert(writer.tables.teams).values(team));
  expect(await database.store.read(async (reader) => await reader.select().from(reader.tables.teams))).toEqual([team]);
  const reopened = await database.reopen();
  expect(await reopened.read(async (reader) => await reader.select().from(reader.tables.teams))).toEqual([team]);
});

/** The store and other processes: kills, second openers, and that an acknowledgement comes after the commit. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import postgres from "postgres";
import { Fault } from "../../src/fault.ts";
import { drill, startWriting } from "../drill/store-kill.ts";
import { makeTestDatabase, type TestDatabase, testEngine } from "../support/store.ts";

const KILLS = 5;
const team = (id: string) => ({ id, display_name: "", created_at: 1 });

test("what was acknowledged before a kill -9 is there after it, and nothing is there by half", async () => {
  const { violations, facts } = await drill(KILLS);
  expect(violations).toEqual([]);
  expect(facts.engine).toBe(testEngine);
  expect(facts.acknowledged).toBeGreaterThanOrEqual(KILLS);
});

/** A connection of its own, past the store, that sees what is committed. */
function onlooker({ file, databaseUrl }: TestDatabase) {
  if (databaseUrl === undefined) {
    const own = new Database(file, { readonly: true });
    return {
      teams: async () => own.prepare<{ id: string }, []>("select id from teams").all().map((row) => row.id),
      close: async () => own.close(),
    };
  }
  const own = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  return {
    teams: async () => (await own<{ id: string }[]>`select id from teams`).map((row) => row.id),
    close: () => own.end(),
  };
}

test("a write resolves, and a refusal rejects, only after the commit of its batch", async () => {
  await using database = await makeTestDatabase();
  const store = await database.open();
  const other = onlooker(database);
  const missing: string[] = [];
  const expectCommitted = async (id: string) => {
    if (!(await other.teams()).includes(id)) missing.push(id);
  };
  await Promise.all(
    Array.from({ length: 60 }, async (_, index) => {
      const id = `t${index}`;
      if (index % 4 === 3) {
        const refused = store.write(() => Promise.reject(new Fault("forbidden", "no")));
        // Those of its batch that came before are on disk when the refusal arrives; SQLite keeps the order of arrival.
        await refused.catch(() => (testEngine === "sqlite" ? expectCommitted(`t${index - 1}`) : undefined));
      } else {
        await store.write(async (writer) => await writer.insert(writer.tables.teams).values(team(id)));
        await expectCommitted(id);
      }
    }),
  );
  expect(missing).toEqual([]);
  await other.close();
  await store.close();
});

test("nobody else sees a command before its commit", async () => {
  await using database = await makeTestDatabase();
  const store = await database.open();
  const other = onlooker(database);
  const during = await store.write(async (writer) => {
    await writer.insert(writer.tables.teams).values(team("a"));
    return await other.teams();
  });
  expect([during, await other.teams()]).toEqual([[], ["a"]]);
  await other.close();
  await store.close();
});

async function firstLine(lines: AsyncGenerator<string>): Promise<string | undefined> {
  return (await lines.next()).value;
}

if (testEngine === "sqlite") {
  test("a second opener of the same file is refused at once, in this process and in another, and the first goes on", async () => {
    await using database = await makeTestDatabase();
    const store = await database.open();
    await expect(database.open()).rejects.toMatchObject({
      code: "conflict",
      message: "Another cyberun process uses this data directory.",
      hint: expect.stringContaining("--data-dir"),
    });
    const { child, lines } = startWriting(database, 1);
    expect(await firstLine(lines)).toBe("refused conflict");
    expect(await child.exited).toBe(1);
    await expect(database.open()).rejects.toMatchObject({ code: "conflict" });
    await store.write(async (writer) => await writer.insert(writer.tables.teams).values(team("a")));
    await store.close();
    await (await database.open()).close();
  });

  test("the lock of a process that was killed is free at once", async () => {
    await using database = await makeTestDatabase();
    const { child, lines } = startWriting(database, 1);
    expect(await firstLine(lines)).toMatch(/^1\.\d\.0$/);
    await expect(database.open()).rejects.toMatchObject({ code: "conflict" });
    child.kill("SIGKILL");
    await child.exited;
    await (await database.open()).close();
  });
} else {
  test("several processes work on one PostgreSQL database", async () => {
    await using database = await makeTestDatabase();
    const store = await database.open();
    const { child, lines } = startWriting(database, 1);
    expect(await firstLine(lines)).toMatch(/^1\.\d\.0$/);
    await store.write(async (writer) => await writer.insert(writer.tables.teams).values(team("a")));
    child.kill("SIGKILL");
    await child.exited;
    await store.close();
  });
}

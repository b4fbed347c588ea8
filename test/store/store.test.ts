/** What every store must do, whatever the engine: run with TEST_ENGINE=sqlite and TEST_ENGINE=postgres. */
import { AsyncLocalStorage } from "node:async_hooks";
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { and, count, eq, inArray, isNull, like, sql, sum } from "drizzle-orm";
import { Fault } from "../../src/fault.ts";
import { rowWhere } from "../../src/store/conditional-insert.ts";
import type { Reader, Store, Writer } from "../../src/store/store.ts";
import { openTestStore, testEngine, type TestStore } from "../support/store.ts";

let database: TestStore;
let store: Store;

beforeAll(async () => {
  database = await openTestStore();
  store = database.store;
});
afterAll(() => database.close());
beforeEach(async () => {
  await store.write(async (writer) => {
    for (const table of [writer.tables.teams, writer.tables.users, writer.tables.setupLinks]) await writer.delete(table);
  });
});

/** Calls as one who stands outside of every command, the way another request does. */
const outside = AsyncLocalStorage.snapshot();

const AT = 1_800_000_000_123;
const team = (id: string) => ({ id, display_name: `team ${id}`, created_at: AT });
const user = (id: string) => ({
  id,
  email_address: `${id}@example.test`,
  email_key: `${id}@example.test`,
  first_name: "",
  last_name: "",
  display_name: id,
  is_administrator: id === "root",
  email_verified: false,
  created_at: AT,
});

const addTeam = async (writer: Writer, id: string) => {
  await writer.insert(writer.tables.teams).values(team(id));
};
const teamIds = async (reader: Reader) => {
  const { teams } = reader.tables;
  return (await reader.select({ id: teams.id }).from(teams).orderBy(teams.id)).map((row) => row.id);
};
const storedTeams = () => store.read(teamIds);
const range = (length: number) => Array.from({ length }, (_, index) => index);
const outcomes = async <T>(calls: readonly Promise<T>[]) => {
  const settled = await Promise.allSettled(calls);
  return {
    values: settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])),
    errors: settled.flatMap((one) => (one.status === "rejected" ? [one.reason] : [])),
  };
};

test("what a command wrote is there for queries and after a restart", async () => {
  await using own = await openTestStore();
  await own.store.write((writer) => addTeam(writer, "a"));
  expect(await own.store.read(teamIds)).toEqual(["a"]);
  const reopened = await own.reopen();
  expect(await reopened.read(teamIds)).toEqual(["a"]);
});

test("a command's and a query's value comes back", async () => {
  expect(await store.write(async () => ({ kind: "value" }))).toEqual({ kind: "value" });
  expect(await store.read(async () => [1, 2])).toEqual([1, 2]);
});

test("instants, counts, flags, nulls and aggregates have the same JavaScript types on both engines", async () => {
  const { users, setupLinks } = await store.write(async (writer) => {
    await writer.insert(writer.tables.users).values([user("root"), user("other")]);
    await writer.insert(writer.tables.setupLinks).values({ digest: "d", created_at: AT, expires_at: AT + 1, used_at: null });
    return writer.tables;
  });
  const [row] = await store.read(async (reader) => await reader.select().from(users).where(eq(users.id, "root")));
  expect(row).toEqual({ ...user("root"), password_hash: null, disabled_at: null, pending_until: null, credentials_changed_at: null });
  const [facts] = await store.read(
    async (reader) =>
      await reader
        .select({
          counted: count(),
          raw: sql<number>`count(*)`,
          summed: sum(users.created_at).mapWith(Number),
          rawSum: sql<number>`sum(${users.created_at})`,
          latest: sql<number>`max(${users.created_at})`,
        })
        .from(users),
  );
  expect(facts).toEqual({ counted: 2, raw: 2, summed: AT * 2, rawSum: AT * 2, latest: AT });
  const [link] = await store.read(async (reader) => await reader.select().from(setupLinks).where(isNull(setupLinks.used_at)));
  expect(link).toEqual({ digest: "d", created_at: AT, expires_at: AT + 1, used_at: null });
  const administrators = await store.read(
    async (reader) => await reader.select({ id: users.id }).from(users).where(eq(users.is_administrator, true)),
  );
  expect(administrators).toEqual([{ id: "root" }]);
});

test("text is ordered by its bytes and like minds case on both engines", async () => {
  const ids = ["a", "B", "ä", "Z", "_", "-", "é", "aa"];
  await store.write(async (writer) => {
    for (const id of ids) await addTeam(writer, id);
  });
  expect(await storedTeams()).toEqual(ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  const found = await store.read(async (reader) => {
    const { teams } = reader.tables;
    return await reader.select({ id: teams.id }).from(teams).where(like(teams.display_name, "TEAM %"));
  });
  expect(found).toEqual([]);
});

test("a throw rolls all of the command back and is what the caller gets", async () => {
  const refusal = new Fault("forbidden", "not today");
  const call = store.write(async (writer) => {
    await addTeam(writer, "a");
    await addTeam(writer, "b");
    throw refusal;
  });
  expect((await outcomes([call])).errors).toEqual([refusal]);
  expect(await storedTeams()).toEqual([]);
});

test("of commands that arrive together each succeeds or fails alone", async () => {
  const { values, errors } = await outcomes(
    range(300).map((index) =>
      store.write(async (writer) => {
        await addTeam(writer, `t${index}`);
        if (index % 3 === 0) throw new Fault("conflict", `refused ${index}`);
        return index;
      }),
    ),
  );
  const kept = range(300).filter((index) => index % 3 !== 0);
  expect(values).toEqual(kept);
  expect(errors.map(String)).toEqual(range(100).map((index) => `Fault: refused ${index * 3}`));
  expect(await storedTeams()).toEqual(kept.map((index) => `t${index}`).toSorted());
});

test("a unique violation rejects its command alone, and its error does not repeat the values", async () => {
  await store.write(async (writer) => await writer.insert(writer.tables.users).values(user("taken")));
  const { values, errors } = await outcomes(
    ["x", "taken", "y"].map((key) =>
      store.write(async (writer) => {
        await addTeam(writer, key);
        await writer.insert(writer.tables.users).values({ ...user(`id-${key}`), email_key: user(key).email_key, password_hash: "s3cret" });
        return key;
      }),
    ),
  );
  expect(values).toEqual(["x", "y"]);
  expect(errors).toHaveLength(1);
  expect(String(errors[0])).toMatch(/unique/i);
  expect(Bun.inspect(errors[0])).not.toContain("s3cret");
  expect(await storedTeams()).toEqual(["x", "y"]);
});

test("a command that catches a failed statement fails with it all the same", async () => {
  const call = store.write(async (writer) => {
    await addTeam(writer, "a");
    await addTeam(writer, "a").catch(() => undefined);
    return "went on";
  });
  const { values, errors } = await outcomes([call]);
  expect(values).toEqual([]);
  expect(String(errors[0])).toMatch(/unique/i);
  expect(await storedTeams()).toEqual([]);
});

test("after a failed statement no other statement of the command runs", async () => {
  const call = store.write(async (writer) => {
    await addTeam(writer, "a");
    await addTeam(writer, "a").catch(() => undefined);
    await addTeam(writer, "b");
  });
  expect(String((await outcomes([call])).errors[0])).toMatch(/unique/i);
});

test("onConflictDoNothing tells by returning nothing, and the command goes on", async () => {
  await store.write((writer) => addTeam(writer, "a"));
  const inserted = await store.write(async (writer) => {
    const { teams } = writer.tables;
    const again = await writer.insert(teams).values(team("a")).onConflictDoNothing().returning();
    await addTeam(writer, "b");
    return again;
  });
  expect(inserted).toEqual([]);
  expect(await storedTeams()).toEqual(["a", "b"]);
});

test("a child needs its parent and goes with it", async () => {
  const membership = { id: "t/root", team_id: "t", user_id: "root", role: "owner", created_at: AT };
  const join = () => store.write(async (writer) => await writer.insert(writer.tables.memberships).values(membership));
  await expect(join()).rejects.toThrow(/foreign key/i);
  await store.write(async (writer) => {
    await addTeam(writer, "t");
    await writer.insert(writer.tables.users).values(user("root"));
  });
  await join();
  await store.write(async (writer) => await writer.delete(writer.tables.teams).where(eq(writer.tables.teams.id, "t")));
  expect(await store.read(async (reader) => await reader.select().from(reader.tables.memberships))).toEqual([]);
});

test("a query does not see what a running command has written", async () => {
  const seen = Promise.withResolvers<string[]>();
  let query: Promise<unknown> | undefined;
  const command = store.write(async (writer) => {
    await addTeam(writer, "a");
    query ??= outside(async () => seen.resolve(await storedTeams()));
    await addTeam(writer, "b");
    return await seen.promise;
  });
  expect(await command).toEqual([]);
  await query;
  expect(await storedTeams()).toEqual(["a", "b"]);
});

test("a query sees one state, though commands commit between its statements", async () => {
  await store.write((writer) => addTeam(writer, "a"));
  const states = await store.read(async (reader) => {
    const before = await teamIds(reader);
    await outside(() => store.write((writer) => addTeam(writer, "b")));
    return [before, await teamIds(reader)];
  });
  expect(states).toEqual([["a"], ["a"]]);
  expect(await storedTeams()).toEqual(["a", "b"]);
});

test("a query that starts after a write was acknowledged sees it", async () => {
  const ids = range(50).map((index) => `t${index}`);
  const seen = await Promise.all(
    ids.map(async (id) => {
      await store.write((writer) => addTeam(writer, id));
      return (await storedTeams()).includes(id);
    }),
  );
  expect(seen).toEqual(ids.map(() => true));
});

test("a query cannot write, not even past the types", async () => {
  const call = store.read(async (reader) => {
    const insert: unknown = Reflect.get(reader, "insert");
    if (typeof insert !== "function") throw new Error("read-only: no insert");
    await insert.call(reader, reader.tables.teams).values(team("a"));
  });
  const { errors } = await outcomes([call]);
  expect(Bun.inspect(errors[0])).toMatch(/read-?only/i);
  expect(await storedTeams()).toEqual([]);
});

test("of 200 takers of a single-use row exactly one wins", async () => {
  await store.write(
    async (writer) => await writer.insert(writer.tables.setupLinks).values({ digest: "d", created_at: AT, expires_at: AT + 1 }),
  );
  const { values, errors } = await outcomes(
    range(200).map((index) =>
      store.write(async (writer) => {
        const { setupLinks } = writer.tables;
        const free = and(eq(setupLinks.digest, "d"), isNull(setupLinks.used_at));
        return await writer.update(setupLinks).set({ used_at: AT + index }).where(free).returning();
      }),
    ),
  );
  expect(errors).toEqual([]);
  expect(values.filter((taken) => taken.length > 0)).toHaveLength(1);
});

test("of 200 inserts under a cap exactly the cap goes in", async () => {
  const { values, errors } = await outcomes(
    range(200).map((index) =>
      store.write(async (writer) => {
        const { teams } = writer.tables;
        const room = sql`(select count(*) from ${teams}) < ${20}`;
        return await writer.insert(teams).select(rowWhere(teams, team(`t${index}`), room)).returning();
      }),
    ),
  );
  expect(errors).toEqual([]);
  expect(values.filter((inserted) => inserted.length > 0)).toHaveLength(20);
  expect(await storedTeams()).toHaveLength(20);
});

test("rowWhere writes flags, instants and nulls, and yields to a conflict", async () => {
  const { users } = await store.write(async (writer) => writer.tables);
  const put = (condition: boolean) =>
    store.write(
      async (writer) =>
        await writer
          .insert(users)
          .select(rowWhere(users, user("root"), sql`${condition ? 1 : 0} = 1`))
          .onConflictDoNothing()
          .returning(),
    );
  expect(await put(false)).toEqual([]);
  expect(await put(true)).toEqual([{ ...user("root"), password_hash: null, disabled_at: null, pending_until: null, credentials_changed_at: null }]);
  expect(await put(true)).toEqual([]);
});

test("commands behave as if they ran one after the other: the last of two owners cannot leave", async () => {
  for (const round of range(20)) {
    await store.write(async (writer) => {
      await writer.delete(writer.tables.users);
      await writer.insert(writer.tables.users).values([user("first"), user("second")]);
    });
    const leave = (id: string) =>
      store.write(async (writer) => {
        const { users } = writer.tables;
        const present = await writer.select({ id: users.id }).from(users).where(inArray(users.id, ["first", "second"]));
        if (present.length > 1) await writer.delete(users).where(eq(users.id, id));
      });
    await Promise.all([leave("first"), leave("second")]);
    const [left] = await store.read(async (reader) => await reader.select({ users: count() }).from(reader.tables.users));
    expect({ round, ...left }).toEqual({ round, users: 1 });
  }
});

test("what waits is limited, and what is over the limit is told to come back", async () => {
  await using own = await openTestStore();
  const { values, errors } = await outcomes(range(10_050).map(() => own.store.read(async () => "read")));
  expect(values.length).toBe(10_000);
  expect(errors.length).toBe(50);
  expect(errors[0]).toBeInstanceOf(Fault);
  expect(errors[0]).toMatchObject({ code: "unavailable", retryAfterSeconds: 1 });
});

test("the engine is the one that was asked for", () => {
  expect(store.engine).toBe(testEngine);
});

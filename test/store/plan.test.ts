/** Plans mean what builders mean, run under the rules of the command or query they are called in, and are built once. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { and, asc, count, eq, isNull, or, sql } from "drizzle-orm";
import postgres from "postgres";
import { realServices } from "../../src/services.ts";
import { openStore } from "../../src/store/open.ts";
import { type Given, planRead, planWrite } from "../../src/store/plan.ts";
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

const AT = 1_800_000_000_123;
interface Team {
  readonly id: string;
  readonly display_name: string;
  readonly created_at: number;
}
const team = (id: string): Team => ({ id, display_name: `team ${id}`, created_at: AT });

interface User extends Team {
  readonly email_key: string;
  readonly password_hash: string | null;
  readonly is_administrator: boolean;
}
const user = (id: string, more: Partial<User> = {}): User => ({
  ...team(id),
  email_key: `${id}@example.test`,
  password_hash: null,
  is_administrator: false,
  ...more,
});

const addTeam = planWrite((writer, given: Given<Team>) =>
  writer.insert(writer.tables.teams).values({ id: given("id"), display_name: given("display_name"), created_at: given("created_at") }),
);
const addUser = planWrite((writer, given: Given<User>) =>
  writer
    .insert(writer.tables.users)
    .values({
      id: given("id"),
      email_address: given("email_key"),
      email_key: given("email_key"),
      first_name: "",
      last_name: "",
      display_name: given("display_name"),
      password_hash: given("password_hash"),
      is_administrator: given("is_administrator"),
      email_verified: false,
      created_at: given("created_at"),
    })
    .returning(),
);
const findTeam = planRead((reader, given: Given<{ id: string }>) =>
  reader.select().from(reader.tables.teams).where(eq(reader.tables.teams.id, given("id"))),
);

const teamIds = async (reader: Reader) => {
  const { teams } = reader.tables;
  return (await reader.select({ id: teams.id }).from(teams).orderBy(teams.id)).map((row) => row.id);
};
const storedTeams = () => store.read(teamIds);
const range = (length: number) => Array.from({ length }, (_, index) => index);
const errorOf = async (call: Promise<unknown>) => await call.then(() => undefined, (error: unknown) => error);

test("text, numbers, flags and nulls that are given come back as they were", async () => {
  const users = [user("a"), user("b", { password_hash: "h'\"?$1", is_administrator: true, created_at: 0, display_name: "Ä ☃" })];
  const added = await store.write(async (writer) => [...(await addUser(writer, user("a"))), ...(await addUser(writer, users[1] ?? user("")))]);
  const stored = await store.read(async (reader) => await reader.select().from(reader.tables.users).orderBy(reader.tables.users.id));
  expect(added).toEqual(stored);
  expect(stored).toMatchObject(users.map(({ id, ...row }) => ({ id, ...row })));
});

interface Filter {
  readonly isAdministrator: boolean;
  readonly before: number;
  readonly hash: string | null;
  readonly limit: number;
  readonly skip: number;
}

const findUsers = planRead((reader, given: Given<Filter>) => {
  const { users } = reader.tables;
  const hasHash = or(eq(users.password_hash, given("hash")), isNull(users.password_hash));
  return reader
    .select({ id: users.id, isAdministrator: users.is_administrator, hash: users.password_hash })
    .from(users)
    .where(and(eq(users.is_administrator, given("isAdministrator")), sql`${users.created_at} < ${given("before")}`, hasHash))
    .orderBy(asc(users.id))
    .limit(given("limit"))
    .offset(given("skip"));
});

const builtUsers = async (reader: Reader, { isAdministrator, before, hash, limit, skip }: Filter) => {
  const { users } = reader.tables;
  const hasHash = or(hash === null ? sql`false` : eq(users.password_hash, hash), isNull(users.password_hash));
  return await reader
    .select({ id: users.id, isAdministrator: users.is_administrator, hash: users.password_hash })
    .from(users)
    .where(and(eq(users.is_administrator, isAdministrator), sql`${users.created_at} < ${before}`, hasHash))
    .orderBy(asc(users.id))
    .limit(limit)
    .offset(skip);
};

const filters: readonly (readonly [Filter, readonly string[]])[] = [
  [{ isAdministrator: true, before: AT + 1, hash: null, limit: 10, skip: 0 }, ["a"]],
  [{ isAdministrator: true, before: AT + 1, hash: "h", limit: 10, skip: 0 }, ["a", "b"]],
  [{ isAdministrator: true, before: AT, hash: "h", limit: 10, skip: 0 }, []],
  [{ isAdministrator: false, before: AT + 1, hash: "h", limit: 10, skip: 0 }, ["c", "d"]],
  [{ isAdministrator: false, before: AT + 1, hash: "h", limit: 1, skip: 1 }, ["d"]],
  [{ isAdministrator: false, before: AT + 1, hash: "' or true --", limit: 10, skip: 0 }, ["c"]],
];

test("a plan finds what the builder finds, whatever is given", async () => {
  const users = [user("a", { is_administrator: true }), user("b", { is_administrator: true, password_hash: "h" }), user("c"), user("d", { password_hash: "h" })];
  await store.write(async (writer) => {
    for (const one of users) await addUser(writer, one);
  });
  for (const [filter, ids] of filters) {
    const [planned, built] = await store.read(async (reader) => [await findUsers(reader, filter), await builtUsers(reader, filter)]);
    expect({ filter, planned }).toEqual({ filter, planned: built ?? [] });
    expect(planned?.map(({ id }) => id)).toEqual([...ids]);
  }
});

test("a left join without a partner, an aggregate and a nested selection are mapped as the builder maps them", async () => {
  await store.write(async (writer) => void (await addTeam(writer, team("a"))));
  const seen = await store.read(async (reader) => {
    const { teams, memberships } = reader.tables;
    const joined = planRead((from) => from.select().from(teams).leftJoin(memberships, eq(memberships.team_id, teams.id)));
    const counted = planRead((from) => from.select({ teams: { count: count(), latest: sql<number>`max(${teams.created_at})` } }).from(teams));
    const built = await reader.select().from(teams).leftJoin(memberships, eq(memberships.team_id, teams.id));
    return { joined: await joined(reader, {}), counted: await counted(reader, {}), built };
  });
  expect(seen.joined).toEqual([{ teams: team("a"), memberships: null }]);
  expect(seen.joined).toEqual(seen.built);
  expect(seen.counted).toEqual([{ teams: { count: 1, latest: AT } }]);
});

const renameTeam = planWrite((writer, given: Given<{ id: string; name: string }>) => {
  const { teams } = writer.tables;
  return writer.update(teams).set({ display_name: sql`${given("name")}` }).where(eq(teams.id, given("id"))).returning({ name: teams.display_name });
});
const removeTeam = planWrite((writer, given: Given<{ id: string }>) => writer.delete(writer.tables.teams).where(eq(writer.tables.teams.id, given("id"))));

test("a command sees what its own plans wrote, and others see it after the commit", async () => {
  const seen = await store.write(async (writer) => {
    await addTeam(writer, team("a"));
    await addTeam(writer, team("b"));
    const renamed = await renameTeam(writer, { id: "a", name: "new" });
    await removeTeam(writer, { id: "b" });
    return [renamed, await findTeam(writer, { id: "a" }), await findTeam(writer, { id: "b" })];
  });
  expect(seen).toEqual([[{ name: "new" }], [{ ...team("a"), display_name: "new" }], []]);
  expect(await store.read((reader) => findTeam(reader, { id: "a" }))).toEqual([{ ...team("a"), display_name: "new" }]);
});

test("what plans wrote is rolled back with their command", async () => {
  const call = store.write(async (writer) => {
    await addTeam(writer, team("a"));
    throw new Error("not today");
  });
  await expect(call).rejects.toThrow("not today");
  expect(await storedTeams()).toEqual([]);
});

test("calls of one plan side by side each get their own answer", async () => {
  const ids = range(40).map((index) => `t${index}`);
  await Promise.all(ids.map((id) => store.write(async (writer) => void (await addTeam(writer, team(id))))));
  const together = await store.read((reader) => Promise.all(ids.map((id) => findTeam(reader, { id }))));
  const apart = await Promise.all(ids.map((id) => store.read((reader) => findTeam(reader, { id }))));
  expect(together).toEqual(ids.map((id) => [team(id)]));
  expect(apart).toEqual(together);
});

test("a plan is refused with a Writer or Reader whose command or query has ended", async () => {
  const writer = await store.write(async (own) => own);
  const reader = await store.read(async (own) => own);
  const uses: readonly (() => Promise<unknown>)[] = [
    () => addTeam(writer, team("a")),
    () => findTeam(writer, { id: "a" }),
    () => findTeam(reader, { id: "a" }),
  ];
  for (const use of uses) expect(Bun.inspect(await errorOf(use()))).toMatch(/after its command or query had ended/);
  expect(await storedTeams()).toEqual([]);
});

test("a plan with the Writer of an ended command does not run in the command that runs now", async () => {
  const stale = await store.write(async (own) => own);
  const refused: unknown[] = [];
  await store.write(async (writer) => {
    await addTeam(writer, team("a"));
    refused.push(await errorOf(addTeam(stale, team("b"))), await errorOf(findTeam(stale, { id: "a" })));
    await addTeam(writer, team("c"));
  });
  for (const error of refused) expect(Bun.inspect(error)).toMatch(/after its command or query had ended/);
  expect(refused).toHaveLength(2);
  expect(await storedTeams()).toEqual(["a", "c"]);
});

test("a plan that fails fails its command, even when the command catches it, and nothing runs after it", async () => {
  const after: unknown[] = [];
  const call = store.write(async (writer) => {
    await addTeam(writer, team("a"));
    await errorOf(addTeam(writer, team("a")));
    after.push(await errorOf(findTeam(writer, { id: "a" })), await errorOf(teamIds(writer)));
    return "went on";
  });
  const error = await errorOf(call);
  expect(String(error)).toMatch(/unique/i);
  expect(String(error)).not.toContain("team a");
  for (const refused of after) expect(Bun.inspect(refused)).toMatch(/unique/i);
  expect(after).toHaveLength(2);
  expect(await storedTeams()).toEqual([]);
});

test("a builder that fails stops the plans of its command", async () => {
  const call = store.write(async (writer) => {
    await addTeam(writer, team("a"));
    await errorOf(Promise.resolve(writer.insert(writer.tables.teams).values(team("a"))));
    await errorOf(removeTeam(writer, { id: "a" }));
  });
  expect(String(await errorOf(call))).toMatch(/unique/i);
});

test("one failing plan of a batch of commands fails its own command alone", async () => {
  const add = (id: string) => store.write(async (writer) => void (await addTeam(writer, team(id))));
  const settled = await Promise.allSettled(["a", "b", "a", "c"].map(add));
  expect(settled.map((one) => one.status).toSorted()).toEqual(["fulfilled", "fulfilled", "fulfilled", "rejected"]);
  expect(await storedTeams()).toEqual(["a", "b", "c"]);
});

test("a plan that writes is refused in a query, past the types", async () => {
  const call: Promise<unknown> = store.read((reader) => Reflect.apply(addTeam, undefined, [reader, team("a")]));
  expect(Bun.inspect(await errorOf(call))).toMatch(/read-?only/i);
  expect(await storedTeams()).toEqual([]);
});

test("text that looks like SQL stays a value", async () => {
  const id = `x'); delete from teams; --`;
  await store.write(async (writer) => [await addTeam(writer, team("a")), await addTeam(writer, team(id))]);
  expect(await store.read((reader) => findTeam(reader, { id }))).toEqual([team(id)]);
  expect(await storedTeams()).toEqual(["a", id]);
});

test("a value that is not given is an error, not a null", async () => {
  const call: Promise<unknown> = store.write((writer) => Reflect.apply(addTeam, undefined, [writer, { id: "a", created_at: 1 }]));
  expect(Bun.inspect(await errorOf(call))).toContain("display_name");
  expect(await storedTeams()).toEqual([]);
});

test("a statement that a plan runs while it is built is refused and not run", async () => {
  const early: Promise<unknown>[] = [];
  const eager = planWrite((writer) => {
    const { teams } = writer.tables;
    early.push(errorOf(Promise.resolve(writer.insert(teams).values(team("early")))));
    return writer.insert(teams).values(team("a"));
  });
  await store.write(async (writer) => void (await eager(writer, {})));
  expect(Bun.inspect(await early[0])).toMatch(/only describes its statement/);
  expect(await storedTeams()).toEqual(["a"]);
});

test("a plan whose description throws rejects, and is described again at its next call", async () => {
  let calls = 0;
  const shaky = planRead((reader) => {
    calls += 1;
    if (calls === 1) throw new Error("not yet");
    return reader.select().from(reader.tables.teams);
  });
  await expect(store.read((reader) => shaky(reader, {}))).rejects.toThrow("not yet");
  expect(await store.read((reader) => shaky(reader, {}))).toEqual([]);
});

/** A plan that counts how often it is described. */
function counted() {
  const seen = { built: 0 };
  const find = planRead((reader, given: Given<{ id: string }>) => {
    seen.built += 1;
    return reader.select().from(reader.tables.teams).where(eq(reader.tables.teams.id, given("id")));
  });
  return { seen, find };
}

test("a plan is built once for a store: for commands and queries, one after the other and together", async () => {
  const { seen, find } = counted();
  for (const _round of range(3)) {
    await store.read((reader) => find(reader, { id: "a" }));
    await store.write((writer) => find(writer, { id: "a" }));
  }
  await Promise.all(range(30).map(() => store.read((reader) => find(reader, { id: "a" }))));
  expect(seen.built).toBe(1);
});

test("two stores at once: a plan runs in the one whose Reader or Writer it got, and a reopened store builds it anew", async () => {
  await using other = await openTestStore();
  const { seen, find } = counted();
  await Promise.all([
    store.write(async (writer) => void (await addTeam(writer, team("here")))),
    other.store.write(async (writer) => void (await addTeam(writer, team("there")))),
  ]);
  const [here, there] = await store.read(async (reader) => [
    await find(reader, { id: "here" }),
    await other.store.read((inner) => find(inner, { id: "there" })),
  ]);
  expect([here, there]).toEqual([[team("here")], [team("there")]]);
  expect(await store.read((reader) => find(reader, { id: "there" }))).toEqual([]);
  expect(seen.built).toBe(2);
  const reopened = await other.reopen();
  expect(await reopened.read((reader) => find(reader, { id: "there" }))).toEqual([team("there")]);
  expect(seen.built).toBe(3);
});

test("more different plans than statements are kept prepared still work, again and again", async () => {
  await store.write(async (writer) => void (await addTeam(writer, team("a"))));
  const plans = range(300).map((index) =>
    planRead((reader) => reader.select({ value: sql<number>`count(*) + ${sql.raw(`${index}`)}` }).from(reader.tables.teams)),
  );
  for (const _round of [1, 2]) {
    const values = await store.read((reader) => Promise.all(plans.map((plan) => plan(reader, {}))));
    expect(values.map(([row]) => row?.value)).toEqual(range(300).map((index) => index + 1));
  }
});

if (testEngine === "postgres") {
  const addressOf = ({ databaseUrl }: TestStore) => databaseUrl ?? "";

  test("a plan outlives the connections it ran on", async () => {
    const { seen, find } = counted();
    await store.write(async (writer: Writer) => void (await addTeam(writer, team("a"))));
    await Promise.all(range(30).map(() => store.read((reader) => find(reader, { id: "a" }))));
    const other = postgres(addressOf(database), { max: 1, onnotice: () => {} });
    await other`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
    await other.end();
    expect(await Promise.all(range(30).map(() => store.read((reader) => find(reader, { id: "a" }))))).toEqual(range(30).map(() => [team("a")]));
    expect(seen.built).toBe(1);
  });

  test("plans work over a pooler that keeps no prepared statements", async () => {
    const own = await openStore({ databaseUrl: `${addressOf(database)}?prepare=false`, dataDir: "", clock: realServices().clock });
    await own.write(async (writer) => void (await addTeam(writer, team("a"))));
    const prepared = await own.read(async (reader) => {
      await findTeam(reader, { id: "a" });
      return await reader.select({ count: sql<number>`count(*)` }).from(sql`pg_prepared_statements`);
    });
    expect(prepared).toEqual([{ count: 0 }]);
    expect(await own.read((reader) => findTeam(reader, { id: "a" }))).toEqual([team("a")]);
    await own.close();
  });
}

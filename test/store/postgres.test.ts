/** What only PostgreSQL has: an address, a network in between, and other sessions that get in the way. */
import { expect, test } from "bun:test";
import { count, sql } from "drizzle-orm";
import postgres from "postgres";
import { Fault } from "../../src/fault.ts";
import { realServices } from "../../src/services.ts";
import { openStore } from "../../src/store/open.ts";
import type { Reader, Writer } from "../../src/store/store.ts";
import { testClock } from "../support/services.ts";
import { openTestStore, testEngine, type TestStore } from "../support/store.ts";

const { clock } = realServices();
const open = (databaseUrl: string) => openStore({ databaseUrl, dataDir: "", clock });
const team = (id: string) => ({ id, display_name: "", created_at: 1 });
const addTeam = async (writer: Writer, id: string) => void (await writer.insert(writer.tables.teams).values(team(id)));
const teamIds = async (reader: Reader) => (await reader.select().from(reader.tables.teams)).map((row) => row.id).toSorted();

async function refusal(url: string): Promise<Fault> {
  const error = await open(url).catch((caught: unknown) => caught);
  if (!(error instanceof Fault)) throw new Error(`not a Fault: ${Bun.inspect(error)}`);
  return error;
}

for (const url of ["postgres://user:s3cret@host:notaport/x", "postgres://user:s3cret@[::1/x", "postgres://user:s3cret@"]) {
  test(`an address that cannot be used is refused without repeating its password: ${url.slice(0, 24)}…${url.slice(-6)}`, async () => {
    const fault = await refusal(url);
    expect(["invalid_request", "unavailable"]).toContain(fault.code);
    expect(Bun.inspect(fault)).not.toContain("s3cret");
  });
}

test("a server that is not there is unavailable, without the password", async () => {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  listener.stop(true);
  const fault = await refusal(`postgres://user:s3cret@127.0.0.1:${listener.port}/cyberun`);
  expect(fault).toMatchObject({ code: "unavailable", message: "The database cannot be reached." });
  expect(Bun.inspect(fault)).not.toContain("s3cret");
});

/**
 * What the proxy does when the client says `words`, once: `cut` ends the connection before they are passed on,
 * `pass and cut` after; `hold` passes nothing on any more and answers nothing, like a network that has gone.
 */
interface Trap {
  readonly words: string;
  readonly act: "cut" | "pass and cut" | "hold";
  sprung(): void;
}

interface Side {
  server?: Bun.Socket;
  held?: boolean;
  readonly waiting: Buffer[];
}

function trappedProxy(target: string) {
  const { hostname, port } = new URL(target);
  let trap: Trap | undefined;
  const pass = ({ data }: Bun.Socket<Side>, bytes: Buffer) => {
    if (data.server === undefined) data.waiting.push(bytes);
    else data.server.write(bytes);
  };
  const spring = (client: Bun.Socket<Side>, bytes: Buffer, { act, sprung }: Trap) => {
    trap = undefined;
    if (act === "hold") client.data.held = true;
    if (act === "pass and cut") pass(client, bytes);
    if (act !== "hold") client.terminate();
    sprung();
  };
  const listener = Bun.listen<Side>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: async (client) => {
        client.data = { waiting: [] };
        const back = { data: (_server: Bun.Socket, bytes: Buffer) => void client.write(bytes), close: () => void client.end() };
        client.data.server = await Bun.connect({ hostname, port: Number(port), socket: back });
        for (const bytes of client.data.waiting) client.data.server.write(bytes);
      },
      data: (client, bytes) => {
        if (trap !== undefined && bytes.includes(trap.words)) spring(client, bytes, trap);
        else if (client.data.held !== true) pass(client, bytes);
      },
      close: (client) => void client.data.server?.end(),
    },
  });
  const url = new URL(target);
  url.port = `${listener.port}`;
  return {
    url: url.href,
    /** Resolves when the trap has been sprung. */
    set: (words: string, act: Trap["act"]) =>
      new Promise<void>((sprung) => {
        trap = { words, act, sprung };
      }),
    [Symbol.dispose]: () => void listener.stop(true),
  };
}

function addressOf({ databaseUrl }: TestStore): string {
  if (databaseUrl === undefined) throw new Error("this test needs TEST_ENGINE=postgres");
  return databaseUrl;
}

if (testEngine === "postgres") {
  test("a wrong database name is refused as unavailable and says where to look", async () => {
    await using database = await openTestStore();
    const url = new URL(addressOf(database));
    url.pathname = "/no_such_database";
    const fault = await refusal(url.href);
    expect(fault).toMatchObject({ code: "unavailable", hint: expect.stringContaining("CYBERUN_DATABASE_URL") });
  });

  test("a connection that dies before the commit costs nothing: the command is run again", async () => {
    await using database = await openTestStore();
    using proxy = trappedProxy(addressOf(database));
    const store = await open(proxy.url);
    let runs = 0;
    const cut = proxy.set("insert into", "pass and cut");
    await store.write(async (writer) => {
      runs += 1;
      await addTeam(writer, "a");
    });
    await cut;
    expect(runs).toBe(2);
    expect(await store.read(teamIds)).toEqual(["a"]);
    await store.close();
  });

  for (const act of ["cut", "pass and cut"] as const) {
    test(`a connection that dies during the commit is told as unknown and not repeated: ${act}`, async () => {
      await using database = await openTestStore();
      using proxy = trappedProxy(addressOf(database));
      const store = await open(proxy.url);
      let runs = 0;
      const cut = proxy.set("commit", act);
      const command = store.write(async (writer) => {
        runs += 1;
        await addTeam(writer, "a");
      });
      await expect(command).rejects.toMatchObject({ code: "unavailable", hint: expect.stringContaining("not known") });
      await cut;
      expect(runs).toBe(1);
      await store.write((writer) => addTeam(writer, "b"));
      expect(await store.read(teamIds)).toContain("b");
      await store.close();
    });
  }

  test("a query whose connection dies at its end is run again: it has changed nothing", async () => {
    await using database = await openTestStore();
    using proxy = trappedProxy(addressOf(database));
    const store = await open(proxy.url);
    const cut = proxy.set("commit", "cut");
    expect(await store.read(teamIds)).toEqual([]);
    await cut;
    await store.close();
  });

  test("connections that the server closed while they were idle are not noticed by callers", async () => {
    await using database = await openTestStore();
    const { store } = database;
    const read = () => Promise.all(Array.from({ length: 30 }, () => store.read(teamIds)));
    await read();
    const other = postgres(addressOf(database), { max: 1, onnotice: () => {} });
    await other`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    await other.end();
    await read();
    await store.write((writer) => addTeam(writer, "a"));
    expect(await store.read(teamIds)).toEqual(["a"]);
  });

  test("a command that meets another session's change is run again and sees it", async () => {
    await using database = await openTestStore();
    const { store } = database;
    await store.write((writer) => addTeam(writer, "a"));
    const other = postgres(addressOf(database), { max: 1, onnotice: () => {} });
    const names: (string | undefined)[] = [];
    await store.write(async (writer) => {
      const { teams } = writer.tables;
      const [row] = await writer.select().from(teams);
      names.push(row?.display_name);
      if (names.length === 1) await other`update teams set display_name = 'changed'`;
      await writer.update(teams).set({ created_at: sql`${teams.created_at} + 1` });
    });
    expect(names).toEqual(["", "changed"]);
    await other.end();
  });

  test("read-then-write under a cap holds for several processes' pools at once", async () => {
    await using database = await openTestStore();
    const stores = await Promise.all([1, 2, 3].map(() => open(addressOf(database))));
    const calls = stores.flatMap((store, pool) =>
      Array.from({ length: 40 }, (_, index) =>
        store.write(async (writer) => {
          const [row] = await writer.select({ teams: count() }).from(writer.tables.teams);
          if ((row?.teams ?? 0) < 10) await addTeam(writer, `${pool}.${index}`);
        }),
      ),
    );
    await Promise.all(calls);
    expect(await database.store.read(teamIds)).toHaveLength(10);
    await Promise.all(stores.map((store) => store.close()));
  });

  test("a command that waits for something else than the store is given up and rolled back, and its connection is free", async () => {
    const time = testClock();
    await using database = await openTestStore({ clock: time });
    const { store } = database;
    for (let round = 0; round < 20; round++) {
      const written = Promise.withResolvers<void>();
      const stuck = store.write(async (writer) => {
        await addTeam(writer, `stuck${round}`);
        written.resolve();
        await new Promise(() => {});
      });
      await written.promise;
      time.advance(30_000);
      await expect(stuck).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("30 seconds") });
    }
    await store.write((writer) => addTeam(writer, "next"));
    expect(await store.read(teamIds)).toEqual(["next"]);
    expect(time.timers()).toBe(0);
  });

  for (const words of ["begin isolation", "insert into", "commit"]) {
    test(`a network that is gone at "${words}" costs the time limit and no connection`, async () => {
      const time = testClock();
      await using database = await openTestStore();
      using proxy = trappedProxy(addressOf(database));
      const store = await openStore({ databaseUrl: proxy.url, dataDir: "", clock: time });
      for (let round = 0; round < 20; round++) {
        const held = proxy.set(words, "hold");
        const command = store.write((writer) => addTeam(writer, `${round}`));
        await held;
        time.advance(30_000);
        await expect(command).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("30 seconds") });
      }
      await store.write((writer) => addTeam(writer, "next"));
      expect(await store.read(teamIds)).toEqual(["next"]);
      await store.close();
    });
  }
}

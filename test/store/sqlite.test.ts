/** What only SQLite has: files, settings, the disk, other tools on the same file, and the time limit of a command. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inArray, sql } from "drizzle-orm";
import { type Clock, realServices } from "../../src/services.ts";
import { openStore } from "../../src/store/open.ts";
import type { Reader, Store } from "../../src/store/store.ts";
import { testClock } from "../support/services.ts";

function temporaryDirectory(): Disposable & { readonly dataDir: string; readonly file: string } {
  const dataDir = mkdtempSync(join(tmpdir(), "cyberun-sqlite-"));
  const remove = () => rmSync(dataDir, { recursive: true, force: true });
  return { dataDir, file: join(dataDir, "cyberun.db"), [Symbol.dispose]: remove };
}

const open = (dataDir: string, clock: Clock = realServices().clock) => openStore({ dataDir, databaseUrl: undefined, clock });
const team = (id: string) => ({ id, display_name: "", created_at: 1 });
const add = (store: Store, id: string) =>
  store.write(async (writer) => void (await writer.insert(writer.tables.teams).values(team(id))));
const teamIds = async (reader: Reader) => (await reader.select().from(reader.tables.teams)).map((row) => row.id).toSorted();
const modes = (directory: string) =>
  readdirSync(directory).map((name) => `${name} ${(statSync(join(directory, name)).mode & 0o777).toString(8)}`);

test("every file of the store can be read by its owner alone, also when it was there before", async () => {
  using place = temporaryDirectory();
  writeFileSync(place.file, "");
  chmodSync(place.file, 0o644);
  const store = await open(place.dataDir);
  await add(store, "a");
  expect(modes(place.dataDir).toSorted()).toEqual([
    "cyberun.db 600",
    "cyberun.db-shm 600",
    "cyberun.db-wal 600",
    "cyberun.db.lock 600",
  ]);
  await store.close();
  expect(modes(place.dataDir).toSorted()).toEqual(["cyberun.db 600", "cyberun.db.lock 600"]);
});

test("the writer flushes at every commit, checks foreign keys and trusts no function in the schema", async () => {
  using place = temporaryDirectory();
  const store = await open(place.dataDir);
  const pragmas = ["synchronous", "journal_mode", "foreign_keys", "trusted_schema", "fullfsync"];
  const settings = await store.write(async (writer) => {
    const values = await Promise.all(
      pragmas.map((name) => writer.select({ value: sql.raw(`"${name}"`) }).from(sql.raw(`pragma_${name}`))),
    );
    return values.map(([row]) => row?.value);
  });
  expect(settings).toEqual([2, "wal", 1, 0, 1]);
  await store.close();
});

test("a file that is no database is refused and left as it is", async () => {
  using place = temporaryDirectory();
  const content = "not a database, but somebody's work\n".repeat(200);
  writeFileSync(place.file, content);
  await expect(open(place.dataDir)).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining(place.file) });
  expect(readFileSync(place.file, "utf8")).toBe(content);
});

test("a directory that is not there is refused with its path", async () => {
  const dataDir = join(tmpdir(), "cyberun-nowhere", crypto.randomUUID());
  await expect(open(dataDir)).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining(dataDir) });
});

test("a store that could not be opened lets go of its lock", async () => {
  using place = temporaryDirectory();
  writeFileSync(place.file, "damaged".repeat(1_000));
  await expect(open(place.dataDir)).rejects.toMatchObject({ code: "unavailable" });
  rmSync(place.file);
  await (await open(place.dataDir)).close();
});

/** Small rows fail at the commit; large ones fill SQLite's memory first, fail within a command and end the transaction. */
for (const { rowBytes, fileBytes } of [
  { rowBytes: 20_000, fileBytes: 1_500_000 },
  { rowBytes: 3_000_000, fileBytes: 15_000_000 },
]) {
  test(`when the disk takes no more rows of ${rowBytes} bytes, the batch is refused, and what was acknowledged stays`, async () => {
    using place = temporaryDirectory();
    const child = new URL("./full-disk-child.ts", import.meta.url).pathname;
    // In blocks of 512 bytes. The signal is ignored, so that writing more is an error and not the end.
    const line = `trap '' XFSZ; ulimit -f ${Math.ceil(fileBytes / 512)}; exec "$0" "$@"`;
    const command = ["sh", "-c", line, process.execPath, child, place.dataDir, `${rowBytes}`];
    const run = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
    const { acknowledged, refused, present } = JSON.parse(await run.stdout.text());
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(refused)).toEqual(new Set(["unavailable"]));
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(present.toSorted()).toEqual(acknowledged.toSorted());
    const store = await open(place.dataDir);
    expect(await store.read(teamIds)).toEqual(acknowledged.toSorted());
    await add(store, "after");
    await store.close();
  });
}

test("while another tool holds the file, commands are refused as unavailable; after it they pass", async () => {
  using place = temporaryDirectory();
  const store = await open(place.dataDir);
  const tool = new Database(place.file);
  tool.run("begin immediate");
  const settled = await Promise.allSettled(["a", "b", "c"].map((id) => add(store, id)));
  expect(settled.map((one) => (one.status === "rejected" ? one.reason.code : "passed"))).toEqual(Array(3).fill("unavailable"));
  tool.run("rollback");
  tool.close();
  await add(store, "d");
  expect(await store.read(teamIds)).toEqual(["d"]);
  await store.close();
});

test("more different statements than are kept prepared still work, again and again", async () => {
  using place = temporaryDirectory();
  const store = await open(place.dataDir);
  await add(store, "t1");
  for (const _round of [1, 2]) {
    const found = await store.read(async (reader) => {
      const { teams } = reader.tables;
      let rows = 0;
      for (let length = 1; length <= 300; length++) {
        const ids = Array.from({ length }, (_, index) => `t${index + 1}`);
        rows += (await reader.select().from(teams).where(inArray(teams.id, ids))).length;
      }
      return rows;
    });
    expect(found).toBe(300);
  }
  await store.close();
});

test("a command that waits for something else than the store is given up, rolled back, and the next one runs", async () => {
  using place = temporaryDirectory();
  const clock = testClock();
  const store = await open(place.dataDir, clock);
  const written = Promise.withResolvers<void>();
  const wait = Promise.withResolvers<void>();
  const late = Promise.withResolvers<unknown>();
  const stuck = store.write(async (writer) => {
    await writer.insert(writer.tables.teams).values(team("stuck"));
    written.resolve();
    await wait.promise;
    await writer.insert(writer.tables.teams).values(team("late")).catch(late.resolve);
  });
  const next = add(store, "next");
  await written.promise;
  clock.advance(10_000);
  await expect(stuck).rejects.toThrow("ran longer than 10000 ms");
  await next;
  wait.resolve();
  expect(String(await late.promise)).toContain("after its command or query had ended");
  expect(await store.read(teamIds)).toEqual(["next"]);
  expect(clock.timers()).toBe(0);
  await store.close();
});

/** The chain, its seals and its anchor against somebody who has the database, and against the same with more time. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asc, eq } from "drizzle-orm";
import { readAnchors } from "../../src/audit/anchor.ts";
import { openAuditedStore } from "../../src/audit/audited-store.ts";
import { type Verdict, verifyAudit } from "../../src/audit/verify.ts";
import { createSealer, type Sealer } from "../../src/crypto/sealing.ts";
import { type DataDirectory, dataDirectory } from "../../src/data-directory.ts";
import { type AuditRow, chainAfter } from "../../src/gate/audit-chain.ts";
import { operator } from "../../src/gate/caller.ts";
import { command, type Gate } from "../../src/gate/operation.ts";
import { without } from "../../src/license/entitlements.ts";
import { defaultSettings } from "../../src/settings.ts";
import type { Store } from "../../src/store/store.ts";
import { testServices } from "../support/services.ts";
import { makeTestDatabase, type TestDatabase, testEngine } from "../support/store.ts";

const ROWS = 60;
/** Fewer on PostgreSQL: what is checked is read from the store once, and is the same there. */
const TAMPERINGS = testEngine === "sqlite" ? 1_000 : 200;
const services = testServices({ seed: "audit tampering" });
const sealer: Sealer = createSealer(new Uint8Array(32).fill(9), services.random);

let database: TestDatabase;
let directory: DataDirectory;
let gate: Gate;
let close: () => Promise<void>;
let original: readonly AuditRow[];

async function open(): Promise<void> {
  const opened = await openAuditedStore({ databaseUrl: database.databaseUrl, dataDir: database.dataDir, services, sealer });
  close = opened.close;
  gate = { services, sealer, settings: defaultSettings, store: opened.store, refusals: opened.refusals, entitled: { entitlements: () => without("missing") } };
}

/** Deeds past the license: any core operation would do. */
const act = (number: number) => deedOf(gate, operator, { number });
const deedOf = command("setup_link.create", async ({ note }, { number }: { readonly number: number }) => note({ subject: `team:${number}`, details: { number } }));

async function rowsOf(store: Store): Promise<readonly AuditRow[]> {
  return await store.read(async (reader) => await reader.select().from(reader.tables.audit).orderBy(asc(reader.tables.audit.stream), asc(reader.tables.audit.sequence)));
}

/** Puts the log in the place of what is there. */
async function replaceRows(rows: readonly AuditRow[]): Promise<void> {
  await gate.store.write(async (writer) => {
    await writer.delete(writer.tables.audit);
    if (rows.length > 0) await writer.insert(writer.tables.audit).values([...rows]);
  });
}

const verify = async (): Promise<Verdict> => await verifyAudit(gate, operator, { anchors: readAnchors(directory, sealer) });

beforeAll(async () => {
  database = await makeTestDatabase();
  directory = dataDirectory(database.dataDir);
  await open();
  for (let number = 1; number <= ROWS / 2; number++) await act(number);
  // On PostgreSQL these run beside each other, in several chains.
  await Promise.all(Array.from({ length: ROWS / 2 }, (_, index) => act(ROWS / 2 + index + 1)));
  original = await rowsOf(gate.store);
});

afterAll(async () => {
  await close();
  await database.remove();
});

function below(count: number): number {
  return Math.floor(services.random.fraction() * count);
}

function pick<T>(all: readonly T[]): T {
  const found = all[below(all.length)];
  if (found === undefined) throw new Error("there is nothing to pick from");
  return found;
}

const fields = ["id", "at", "operation", "outcome", "actor", "team_id", "subject", "address", "details", "chain", "seal"] as const;

function edited(row: AuditRow): AuditRow {
  const field = pick(fields);
  if (field === "at") return { ...row, at: row.at + 1 + below(1_000) };
  const before = row[field] ?? "";
  const at = below(before.length);
  return { ...row, [field]: before === "" ? "x" : `${before.slice(0, at)}${before[at] === "A" ? "B" : "A"}${before.slice(at + 1)}` };
}

function lastsOf(rows: readonly AuditRow[]): readonly AuditRow[] {
  return rows.filter((row) => !rows.some(({ stream, sequence }) => stream === row.stream && sequence > row.sequence));
}

/** Chains `rows` of one stream anew, as somebody would who knows the rule and has no master key. */
function rechained(rows: readonly AuditRow[]): readonly AuditRow[] {
  let chain = "";
  return rows.map((row) => {
    chain = chainAfter(chain, row);
    return { ...row, chain };
  });
}

const fresh = (row: AuditRow): AuditRow => ({ ...row, id: services.random.uuid() });

type Tampering = (rows: readonly AuditRow[]) => readonly AuditRow[];

const tamperings: Readonly<Record<string, Tampering>> = {
  edit(rows) {
    const victim = pick(rows);
    return rows.map((row) => (row === victim ? edited(row) : row));
  },
  deletion(rows) {
    const victim = pick(rows);
    return rows.filter((row) => row !== victim);
  },
  "deletion that closes the gap"(rows) {
    const victim = pick(rows);
    const isBehind = (row: AuditRow) => row.stream === victim.stream && row.sequence > victim.sequence;
    return rows.filter((row) => row !== victim).map((row) => (isBehind(row) ? { ...row, sequence: row.sequence - 1 } : row));
  },
  "re-ordering"(rows) {
    const one = pick(rows);
    const other = pick(rows.filter((row) => row !== one));
    const placeOf = ({ stream, sequence }: AuditRow) => ({ stream, sequence });
    return rows.map((row) => (row === one ? { ...row, ...placeOf(other) } : row === other ? { ...row, ...placeOf(one) } : row));
  },
  insertion(rows) {
    const before = pick(rows);
    const moved = rows.map((row) => (row.stream === before.stream && row.sequence >= before.sequence ? { ...row, sequence: row.sequence + 1 } : row));
    return [...moved, fresh(edited(before))];
  },
  "insertion at the end, chained by the rule"(rows) {
    const last = pick(lastsOf(rows));
    const forged = fresh({ ...last, sequence: last.sequence + 1, subject: "team:forged" });
    return [...rows, { ...forged, chain: chainAfter(last.chain, forged) }];
  },
  "a forged chain of its own"(rows) {
    const forged = fresh({ ...pick(rows), stream: services.random.uuid(), sequence: 1 });
    return [...rows, { ...forged, chain: chainAfter("", forged) }];
  },
  "edit that chains the rest anew"(rows) {
    const victim = pick(rows);
    const [same, others] = [rows.filter(({ stream }) => stream === victim.stream), rows.filter(({ stream }) => stream !== victim.stream)];
    return [...others, ...rechained(same.map((row) => (row === victim ? { ...row, actor: "user:somebody-else" } : row)))];
  },
  "tail cut"(rows) {
    const { stream, sequence } = pick(rows);
    return rows.filter((row) => row.stream !== stream || row.sequence < sequence);
  },
  "end of everything": () => [],
};

test("an untouched log is whole, and a repeat says the same", async () => {
  expect(await verify()).toMatchObject({ rows: ROWS, breach: null });
  expect(await verify()).toMatchObject({ rows: ROWS, breach: null });
});

test(`${TAMPERINGS} random tamperings are all found`, async () => {
  const names = Object.keys(tamperings);
  const missed: string[] = [];
  for (let number = 0; number < TAMPERINGS; number++) {
    const name = names[number % names.length] ?? "";
    const tampered = tamperings[name]?.(original) ?? original;
    expect(tampered).not.toEqual(original);
    await replaceRows(tampered);
    if ((await verify()).breach === null) missed.push(`${number}: ${name}`);
  }
  await replaceRows(original);
  expect(missed).toEqual([]);
  expect((await verify()).breach).toBeNull();
}, 300_000);

describe("the first bad row is named", () => {
  test("an edit by the row itself", async () => {
    const victim = pick(original);
    await replaceRows(original.map((row) => (row === victim ? { ...row, subject: "team:other" } : row)));
    expect((await verify()).breach).toEqual({ stream: victim.stream, sequence: victim.sequence, problem: "The row or its place was changed: its chain does not fit." });
    await replaceRows(original);
  });

  test("a cut tail by the first row that is gone", async () => {
    const last = pick(lastsOf(original));
    await replaceRows(original.filter((row) => row !== last));
    expect((await verify()).breach).toEqual({ stream: last.stream, sequence: last.sequence, problem: `The rows up to ${last.sequence} are missing: the anchor has seen them.` });
    await replaceRows(original);
  });
});

describe("the anchor", () => {
  const file = () => join(directory.auditAnchors, readFolder()[0] ?? "");
  const readFolder = () => [...new Bun.Glob("*.anchor").scanSync(directory.auditAnchors)];

  test("does not tell its content to who reads the file", async () => {
    const text = await Bun.file(file()).text();
    expect(text).not.toContain(original.at(-1)?.chain ?? "");
    expect(text).not.toContain("sequence");
  });

  test("goes on over a restart", async () => {
    await close();
    await open();
    await act(ROWS + 1);
    original = await rowsOf(gate.store);
    expect(await verify()).toMatchObject({ rows: ROWS + 1, breach: null });
  });

  test("of a commit that was cut off between the store and the anchor lies behind, and the log is still whole", async () => {
    const before = await Bun.file(file()).bytes();
    await act(ROWS + 2);
    original = await rowsOf(gate.store);
    const after = await Bun.file(file()).bytes();
    writeFileSync(file(), before);
    expect((await verify()).breach).toBeNull();
    writeFileSync(file(), after);
  });

  test("that is damaged in one slot is read from the other; in both it is told", async () => {
    const whole = await Bun.file(file()).bytes();
    const torn = whole.slice();
    torn.fill(0, 20, 60);
    writeFileSync(file(), torn);
    expect((await verify()).breach).toBeNull();
    writeFileSync(file(), "nothing");
    expect((await verify()).breach?.problem).toContain("is damaged, or was written under another master key");
    writeFileSync(file(), whole);
  });

  test("of a tail that is missing at a start is kept for good, and the server goes on", async () => {
    const last = pick(lastsOf(original));
    await replaceRows(original.filter((row) => row !== last));
    await close();
    await open();
    for (let number = 0; number < 3; number++) await act(900 + number);
    expect((await verify()).breach).toMatchObject({ stream: last.stream });
  });

  test("that is gone is told", async () => {
    await close();
    rmSync(directory.auditAnchors, { recursive: true });
    await open();
    expect((await verify()).breach).toMatchObject({ problem: "There is no anchor in the data directory: whether rows at the end are missing cannot be told." });
  });
});

test("rows of a command that failed are not in the chain, and the next row follows the last good one", async () => {
  const thrown = command("setup_link.create", async ({ note }, _input: undefined) => {
    note({ subject: "team:thrown" });
    throw new Error("a bug");
  });
  const isWhole = async () => {
    const rows = await rowsOf(gate.store);
    return rows.every((row, index) => row.sequence === 1 || rows[index - 1]?.sequence === row.sequence - 1);
  };
  await Promise.all(Array.from({ length: 40 }, (_, index) => (index % 3 === 0 ? thrown(gate, operator, undefined).catch(() => {}) : act(index))));
  expect(await isWhole()).toBe(true);
  const { audit } = await gate.store.read(async (reader) => ({ audit: await reader.select().from(reader.tables.audit).where(eq(reader.tables.audit.subject, "team:thrown")) }));
  expect(audit).toEqual([]);
});

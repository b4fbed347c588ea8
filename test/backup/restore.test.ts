/** A restore through the command line: as a whole or not at all, and nothing that was ended comes back. */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { restoreBackup } from "../../src/backup/restore.ts";
import { noMarks, serializeMarks } from "../../src/license/server/marks.ts";
import { realServices } from "../../src/services.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { testBackups } from "../support/backups.ts";
import { run } from "../support/command-line.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";

let folder: Folder;
let data: string;
let backup: string;
const services = realServices();

const environment = () => ({ CYBERUN_DATA_DIR: data });
const cyberun = (...words: readonly string[]) => run(words, { environment: environment() });

function onStore<T>(deed: (database: Database) => T, at = data): T {
  const database = new Database(join(at, "cyberun.db"));
  try {
    return deed(database);
  } finally {
    database.close();
  }
}

const one = (database: Database, sql: string) => database.query<Record<string, unknown>, []>(sql).get();

/** What two points in time tell apart. */
function fill(database: Database): void {
  const { id: user } = one(database, "select id from users") ?? {};
  const { id: team } = one(database, "select id from teams") ?? {};
  const credential = "insert into credentials (id, kind, team_id, created_by, display_name, key_prefix, digest, created_at) values (?, 'agent', ?, 'user:u', 'n', ?, ?, 1)";
  for (const id of ["kept", "revoked", "deleted", "rotated"]) database.query(credential).run(id, String(team), `ak-${id}`, `digest-${id}`);
  const session = "insert into sessions (id, user_id, kind, digest, created_at, expires_at) values (?, ?, 'page', ?, 1, 9999999999999)";
  for (const id of ["kept", "ended", "deleted"]) database.query(session).run(id, String(user), `digest-${id}`);
  database.run("insert into lease_clients (id, client_key, role, enrolled_by, enrolled_at) values ('c', 'k', 'api', 'local', 1)");
  database.run("insert into license_sequences (deployment_id, sequence, seen_at) values ('d', 3, 1)");
  database.run("insert into oidc_revoked_tokens (jti, expires_at) values ('before', 9999999999999)");
}

function end(database: Database): void {
  for (const sql of [
    "update credentials set revoked_at = 77 where id = 'revoked'",
    "delete from credentials where id = 'deleted'",
    "update credentials set digest = 'digest-new', key_prefix = 'ak-new' where id = 'rotated'",
    "update sessions set ended_at = 78, end_reason = 'signed_out' where id = 'ended'",
    "delete from sessions where id = 'deleted'",
    "update lease_clients set revoked_at = 79 where id = 'c'",
    "update license_sequences set sequence = 9 where deployment_id = 'd'",
    "insert into oidc_revoked_tokens (jti, expires_at) values ('after', 9999999999999)",
    "update users set password_hash = 'changed', credentials_changed_at = 80, is_administrator = 0",
  ])
    database.run(sql);
}

beforeEach(async () => {
  folder = temporaryFolder();
  data = join(folder.path, "data");
  backup = join(folder.path, "one.backup");
  expect((await run(["admin", "create", "--email", "ada@example.com", "--password-stdin"], { environment: environment(), input: "correct horse battery\n" })).exit).toBe(0);
  mkdirSync(join(data, "files", "stored", "aa"), { recursive: true });
  writeFileSync(join(data, "files", "stored", "aa", "id-aa"), "bytes of a file");
  mkdirSync(join(data, "license"), { recursive: true });
  writeFileSync(join(data, "license", "marks.json"), serializeMarks({ ...noMarks, epoch: 1, sequences: new Map([["d", 3]]) }));
  writeFileSync(join(data, "license.lic"), "the license of then");
  onStore(fill);
  expect(await cyberun("backup", "create", "--to", backup)).toMatchObject({ exit: 0, err: "" });
});
afterEach(() => folder[Symbol.dispose]());

describe("over the directory that it was made of", () => {
  test("what was ended since stays ended, and marks do not go back", async () => {
    onStore(end);
    writeFileSync(join(data, "license", "marks.json"), serializeMarks({ ...noMarks, epoch: 8, sequences: new Map([["d", 9]]) }));
    writeFileSync(join(data, "license.lic"), "the license of now");
    const { exit, out } = await cyberun("backup", "restore", backup, "--replace", "--json");
    expect(exit).toBe(0);
    const answer: Record<string, unknown> = JSON.parse(out);
    expect(answer).toMatchObject({ replaced: true, carried_over: { is_descendant: true, audit_rows_lost: 1 } });
    onStore((database) => {
      const credential = (id: string) => one(database, `select revoked_at, digest from credentials where id = '${id}'`);
      expect(credential("kept")).toEqual({ revoked_at: null, digest: "digest-kept" });
      expect(credential("revoked")?.["revoked_at"]).toBe(77);
      expect(credential("deleted")?.["revoked_at"]).toBeNumber();
      expect(credential("rotated")?.["digest"]).toBe("digest-new");
      expect(one(database, "select ended_at from sessions where id = 'kept'")).toEqual({ ended_at: null });
      expect(one(database, "select ended_at, end_reason from sessions where id = 'ended'")).toEqual({ ended_at: 78, end_reason: "signed_out" });
      expect(one(database, "select ended_at from sessions where id = 'deleted'")?.["ended_at"]).toBeNumber();
      expect(one(database, "select revoked_at from lease_clients")).toEqual({ revoked_at: 79 });
      expect(one(database, "select sequence from license_sequences")).toEqual({ sequence: 9 });
      expect(database.query("select jti from oidc_revoked_tokens order by jti").values()).toEqual([["after"], ["before"]]);
      expect(one(database, "select password_hash, is_administrator from users")).toEqual({ password_hash: "changed", is_administrator: 0 });
      expect(one(database, "select operation from audit order by sequence desc limit 1")).toEqual({ operation: "backup.restore" });
    });
    expect(readFileSync(join(data, "license", "marks.json"), "utf8")).toContain('"sequence":9');
    expect(readFileSync(join(data, "license.lic"), "utf8")).toBe("the license of now");
    const [kept] = readdirSync(data).filter((name) => name.startsWith("before-restore-"));
    expect(onStore((database) => one(database, "select count(*) as n from credentials"), join(data, kept ?? ""))).toEqual({ n: 3 });
  });

  test("a store that does not go on from the backup ends only what it says itself", async () => {
    onStore((database) => {
      end(database);
      database.run("update audit set chain = 'another'");
    });
    expect((await cyberun("backup", "restore", backup, "--replace")).exit).toBe(0);
    onStore((database) => {
      expect(one(database, "select revoked_at from credentials where id = 'revoked'")).toEqual({ revoked_at: 77 });
      expect(one(database, "select revoked_at from credentials where id = 'deleted'")).toEqual({ revoked_at: null });
    });
  });

  test("without --replace, with a server on it, or signed by somebody else it is refused and nothing changes", async () => {
    onStore((database) => database.run("delete from sessions"));
    const before = readdirSync(data).toSorted();
    expect((await cyberun("backup", "restore", backup)).exit).toBe(6);
    const store = await openSqliteStore({ file: join(data, "cyberun.db"), clock: services.clock });
    const live = await cyberun("backup", "restore", backup, "--replace");
    await store.close();
    expect([live.exit, live.err]).toEqual([6, expect.stringContaining("Another cyberun process uses this data directory")]);
    const foreign = await cyberun("backup", "restore", backup, "--replace", "--signer", "A".repeat(43), "--json");
    expect([foreign.exit, foreign.err]).toEqual([4, expect.stringContaining("unknown_signer")]);
    const bytes = readFileSync(backup);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(backup, bytes);
    expect((await cyberun("backup", "restore", backup, "--replace", "--json")).err).toContain("tampered");
    expect(readdirSync(data).toSorted()).toEqual(before);
    expect(onStore((database) => one(database, "select count(*) as n from sessions"))).toEqual({ n: 0 });
  });

  test("whatever step it ends at, the old stands or the new one does", async () => {
    const steps: string[] = [];
    const request = { file: backup, opener: undefined, mayReplace: true, signer: undefined };
    await restoreBackup({ ...request, dataDir: data }, services, (step) => steps.push(step));
    expect(steps.length).toBeGreaterThanOrEqual(10);
    for (const last of new Set(steps)) {
      onStore((database) => database.run("delete from sessions"));
      class Cut extends Error {}
      const cut = restoreBackup({ ...request, dataDir: data }, services, (step) => {
        if (step === last) throw new Cut();
      });
      await expect(cut).rejects.toBeInstanceOf(Cut);
      // Whoever opens the directory next ends what was begun.
      const { exit } = await cyberun("audit", "list");
      const left = onStore((database) => one(database, "select count(*) as n from sessions"));
      expect([last, exit, left]).toEqual([last, 0, { n: steps.indexOf(last) < steps.indexOf("committed") ? 0 : 3 }]);
      expect(existsSync(join(data, "files", "stored", "aa", "id-aa"))).toBe(true);
    }
  });
});

test("into an empty directory everything comes, and the audit is whole", async () => {
  const original = data;
  data = join(folder.path, "elsewhere");
  expect(await cyberun("backup", "restore", backup)).toMatchObject({ exit: 0, err: "" });
  expect(readFileSync(join(data, "files", "stored", "aa", "id-aa"), "utf8")).toBe("bytes of a file");
  expect(readFileSync(join(data, "master.key"), "utf8")).toBe(readFileSync(join(original, "master.key"), "utf8"));
  expect(onStore((database) => one(database, "select revoked_at from credentials where id = 'revoked'"))).toEqual({ revoked_at: null });
  expect((await cyberun("audit", "verify")).exit).toBe(0);
});

test("a drill tells a good backup from one whose rows were lost", async () => {
  expect(await cyberun("backup", "drill", backup)).toMatchObject({ exit: 0, err: "" });
  onStore((database) => database.run("update audit set operation = 'other' where sequence = 1"));
  const other = join(folder.path, "two.backup");
  expect((await cyberun("backup", "create", "--to", other)).exit).toBe(0);
  const { exit, out } = await cyberun("backup", "drill", other);
  expect([exit, out]).toEqual([6, expect.stringContaining("The audit log is not whole")]);
  expect((await cyberun("backup", "schedule")).exit).toBe(6);
  expect((await cyberun("backup", "drill", backup)).exit).toBe(0);
  expect((await cyberun("backup", "schedule")).exit).toBe(0);
});

test("a drill finds a tail that is cut from the backup, and not again what the deployment is known to miss", async () => {
  onStore((database) => database.run("delete from audit where sequence = (select max(sequence) from audit)"));
  const cut = join(folder.path, "cut.backup");
  await testBackups(data).create(cut, undefined);
  expect(await testBackups(data).drill(cut, undefined)).toMatchObject({ passed: false, problems: [expect.stringContaining("are missing: the anchor has seen them")] });
  // The next start settles with what it finds, and goes on telling.
  const later = join(folder.path, "later.backup");
  expect((await cyberun("backup", "create", "--to", later)).exit).toBe(0);
  expect((await cyberun("backup", "drill", later)).exit).toBe(0);
  expect((await cyberun("audit", "verify")).exit).not.toBe(0);
});

test("verify knows the own signer, and says when there is nothing to compare with", async () => {
  const own = JSON.parse((await cyberun("backup", "verify", backup, "--json")).out);
  expect(own).toMatchObject({ is_signer_known: true, is_encrypted: false, engine: "sqlite" });
  data = join(folder.path, "none");
  expect(JSON.parse((await cyberun("backup", "verify", backup, "--json")).out)).toMatchObject({ is_signer_known: false });
  expect((await cyberun("backup", "verify", backup, "--signer", own.signer)).exit).toBe(0);
});

test("a passphrase and a recipient open what was made for them", async () => {
  const [words, key, sealed, addressed] = ["words", "key", "sealed", "addressed"].map((name) => join(folder.path, name));
  writeFileSync(words ?? "", "correct horse\n");
  const { recipient } = JSON.parse((await cyberun("backup", "key", "--out", key ?? "", "--json")).out);
  expect((await cyberun("backup", "create", "--to", sealed ?? "", "--passphrase-file", words ?? "")).exit).toBe(0);
  expect((await cyberun("backup", "create", "--to", addressed ?? "", "--recipient", recipient)).exit).toBe(0);
  expect((await cyberun("backup", "drill", sealed ?? "", "--passphrase-file", words ?? "")).exit).toBe(0);
  expect((await cyberun("backup", "verify", addressed ?? "", "--identity-file", key ?? "")).exit).toBe(0);
  expect((await cyberun("backup", "verify", addressed ?? "")).exit).toBe(2);
  expect((await cyberun("backup", "verify", sealed ?? "", "--identity-file", key ?? "")).exit).toBe(4);
});

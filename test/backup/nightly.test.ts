/** The daily backup: made at its time, drilled, told to administrators and to Prometheus, the oldest forgotten. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readArchive } from "../../src/backup/archive-reader.ts";
import { readBackupStatus } from "../../src/backup/backups.ts";
import { backUpAndDrill, startBackups } from "../../src/backup/backup-timer.ts";
import { type BackupSite, nextDue } from "../../src/backup/site.ts";
import { operator } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { backupMetrics } from "../../src/http/backup-metrics.ts";
import { metricsText } from "../../src/http/metrics.ts";
import { createLog } from "../../src/log.ts";
import { openStagedGate } from "../../src/backup/restore.ts";
import { testBackups } from "../support/backups.ts";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { testServices, type TestServices } from "../support/services.ts";

let folder: Folder;
let services: TestServices;
let gate: Gate & { close(): Promise<void> };
let site: BackupSite;
const logged: string[] = [];

beforeEach(async () => {
  folder = temporaryFolder();
  services = testServices({ seed: "nightly" });
  writeFileSync(join(folder.path, "words"), "correct horse\n");
  gate = await openStagedGate(join(folder.path, "data"), services);
  site = testBackups(join(folder.path, "data"), { services, schedule: { at: "02:30", directory: join(folder.path, "kept"), keep: 2, passphraseFile: join(folder.path, "words") } });
});
afterEach(async () => {
  await gate.close();
  folder[Symbol.dispose]();
});

const log = () => createLog(services.clock, "info", (line) => void logged.push(line));
const kept = () => (existsSync(join(folder.path, "kept")) ? readdirSync(join(folder.path, "kept")).toSorted() : []);

test("the time of day that is next is today's or tomorrow's", () => {
  const day = Date.UTC(2026, 2, 31);
  expect(nextDue("02:30", day)).toBe(day + 9_000_000);
  expect(nextDue("02:30", day + 9_000_000)).toBe(day + 9_000_000 + 86_400_000);
  expect(nextDue("00:00", day - 1)).toBe(day);
});

test("each is drilled, as many are kept as shall be, and others are left alone", async () => {
  mkdirSync(join(folder.path, "kept"));
  writeFileSync(join(folder.path, "kept", "by-hand.cyberun-backup"), "");
  for (let day = 0; day < 4; day++) {
    await backUpAndDrill(gate, site, log());
    services.clock.advance(86_400_000);
  }
  expect(kept().map((name) => name.replace(/\d{8}T\d{6}Z/, "TIME"))).toEqual(["by-hand.cyberun-backup", "nightly-TIME.cyberun-backup", "nightly-TIME.cyberun-backup"]);
  const status = await readBackupStatus(gate, operator, { site });
  expect(status).toMatchObject({ backup_at: "02:30", backup_keep: 2, last_failure: null, last_drill: { passed: true, problems: [] }, last_backup: { is_encrypted: true, database: "included" } });
  expect(status.last_drill?.backup_id).toBe(status.last_backup?.id ?? "");
  const text = metricsText(backupMetrics(site));
  expect(text).toContain("cyberun_backup_last_drill_passed 1\n");
  expect(text).toMatch(/cyberun_backup_last_success_timestamp_seconds \d+\n/);
  expect(text).toMatch(/cyberun_backup_last_bytes \d+\n/);
});

test("the timer makes one at its time, and tells of one that failed until the next is made", async () => {
  // A file where the directory should be.
  writeFileSync(join(folder.path, "kept"), "");
  const timer = startBackups(gate, site, log());
  services.clock.advance((site.nextDue() ?? 0) - services.clock.now());
  await eventually(() => site.status().last_failure !== null && services.clock.timers() > 0);
  expect(site.status()).toMatchObject({ last_backup: null, last_failure: { problem: expect.stringContaining("cannot be made") } });
  expect(metricsText(backupMetrics(site))).toMatch(/cyberun_backup_last_failure_timestamp_seconds \d+\n/);
  rmSync(join(folder.path, "kept"));
  services.clock.advance(86_400_000);
  await eventually(() => site.status().last_drill !== null);
  await timer.stop();
  expect(kept()).toHaveLength(1);
  expect(site.status()).toMatchObject({ last_failure: null, last_drill: { passed: true } });
});

test("while one is made, another is refused", async () => {
  const first = site.create(join(folder.path, "first"), undefined);
  await expect(site.create(join(folder.path, "second"), undefined)).rejects.toThrow("under way");
  await first;
  expect(existsSync(join(folder.path, "second"))).toBe(false);
});

test("nobody but administrators reads how backups went", async () => {
  const person = { kind: "user", userId: "u", sessionId: "s", isAdministrator: false } as const;
  await expect(readBackupStatus(gate, { ...person, teamId: undefined, address: undefined }, { site })).rejects.toMatchObject({ code: "forbidden" });
});

test("where PostgreSQL has the database, the rest is backed up and that is said", async () => {
  const path = join(folder.path, "rest");
  const elsewhere = testBackups(join(folder.path, "data"), { services, isElsewhere: true });
  expect(await elsewhere.create(path, undefined)).toMatchObject({ database: "elsewhere" });
  const { manifest } = readArchive(path, { opener: undefined });
  expect(manifest).toMatchObject({ engine: "postgres", schema: null, tables: {} });
  const held = manifest.files.map(({ path: file }) => file);
  expect([held.includes("master.key"), held.includes("cyberun.db")]).toEqual([true, false]);
  expect(await elsewhere.drill(path, undefined)).toMatchObject({ passed: true, schema: null });
});

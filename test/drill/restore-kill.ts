/**
 * Kill drill of a restore: a process that restores is killed with SIGKILL, at each of its steps and at moments of chance
 * between them; whoever opens the directory next must find the old deployment or the new one, whole.
 */
import { Database } from "bun:sqlite";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStagedGate } from "../../src/backup/restore.ts";
import { prepareDataDirectory } from "../../src/data-directory.ts";
import { realServices } from "../../src/services.ts";
import { findDamage } from "../../src/store/sqlite-snapshot.ts";
import { testBackups } from "../support/backups.ts";
import { temporaryFolder } from "../support/folder.ts";
import { testServices } from "../support/services.ts";
import type { DrillReport } from "./report.ts";

/** The long form: each of the steps some ten times, and as many moments of chance. */
export const rounds = 400;

const CHILD = new URL("./restore-kill-child.ts", import.meta.url).pathname;
const STATES = ["old", "new"] as const;

/** Writes into store and files which of the two states this is. */
function mark(dataDir: string, state: string): void {
  const database = new Database(join(dataDir, "cyberun.db"));
  database.run("create table if not exists drill_state (state text)");
  database.run("delete from drill_state");
  database.query("insert into drill_state values (?)").run(state);
  database.close();
  const folder = join(dataDir, "files", "stored", "aa");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "state"), state);
}

/** Opens the directory as a server does, and says what stands there. */
async function look(dataDir: string): Promise<{ readonly store: string; readonly file: string; readonly damage: readonly string[] }> {
  await (await openDirectory(dataDir)).close();
  const database = new Database(join(dataDir, "cyberun.db"), { readonly: true });
  const store = database.query<{ state: string }, []>("select state from drill_state").get()?.state ?? "none";
  database.close();
  const path = join(dataDir, "files", "stored", "aa", "state");
  return { store, file: existsSync(path) ? readFileSync(path, "utf8") : "none", damage: findDamage(join(dataDir, "cyberun.db")) };
}

async function openDirectory(dataDir: string) {
  prepareDataDirectory(dataDir);
  return await openStagedGate(dataDir, realServices());
}

interface Ended {
  readonly wasKilled: boolean;
  readonly steps: number;
}

async function restoreAndKill(backup: string, dataDir: string, { step, afterMs }: { readonly step: number; readonly afterMs: number | undefined }): Promise<Ended> {
  const child = Bun.spawn([process.execPath, CHILD, backup, dataDir, `${step}`], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const cancel = afterMs === undefined ? () => {} : realServices().clock.after(afterMs, () => child.kill("SIGKILL"));
  const said = await new Response(child.stdout).text();
  await child.exited;
  cancel();
  return { wasKilled: child.signalCode === "SIGKILL", steps: Number(said.trim() || "0") };
}

export async function drill(count: number): Promise<DrillReport> {
  const { random } = testServices({ seed: "restore-kill" });
  using folder = temporaryFolder();
  const dataDir = join(folder.path, "data");
  const backup = join(folder.path, "new.backup");
  await (await openDirectory(dataDir)).close();
  mark(dataDir, "new");
  await testBackups(dataDir).create(backup, undefined);
  const { steps } = await restoreAndKill(backup, dataDir, { step: 0, afterMs: undefined });
  const violations: string[] = [];
  const found = { old: 0, new: 0 };
  let kills = 0;
  for (let round = 0; round < count; round++) {
    mark(dataDir, "old");
    const isAtStep = round % 2 === 0;
    const step = isAtStep ? 1 + (Math.floor(round / 2) % steps) : 0;
    const { wasKilled } = await restoreAndKill(backup, dataDir, { step, afterMs: isAtStep ? undefined : 60 + random.fraction() * 300 });
    if (isAtStep && !wasKilled) violations.push(`round ${round}: nothing was killed at step ${step}`);
    kills += Number(wasKilled);
    const { store, file, damage } = await look(dataDir);
    if (store !== file) violations.push(`round ${round}: the store is ${store} and the file is ${file}`);
    for (const line of damage) violations.push(`round ${round}: ${line}`);
    for (const state of STATES) if (store === state) found[state] += 1;
  }
  if (found.old + found.new !== count) violations.push(`${count - found.old - found.new} rounds left neither the old nor the new`);
  return { name: "restore kill -9", rounds: count, violations, facts: { steps, kills, ...found } };
}

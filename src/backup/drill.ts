/**
 * A backup is good when it was restored: a drill takes it out into a folder of its own, opens it and looks.
 *
 * Rule: it touches nothing of the deployment. What it finds wrong is an answer, not a refusal.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readAnchors } from "../audit/anchor.ts";
import { verifyAudit } from "../audit/verify.ts";
import { createSealer } from "../crypto/sealing.ts";
import { dataDirectory, secretBytes } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import { operator } from "../gate/caller.ts";
import type { Services } from "../services.ts";
import { findDamage, readContent } from "../store/sqlite-snapshot.ts";
import { workFolder } from "./create.ts";
import type { Manifest } from "./format.ts";
import type { Opener } from "./keys.ts";
import { extract, openStagedGate } from "./restore.ts";
import { DATABASE } from "./sources.ts";

export interface DrillRequest {
  readonly file: string;
  readonly opener: Opener;
  /** The data directory in whose work folder it is done. */
  readonly dataDir: string;
}

export interface Drilled {
  readonly backup_id: string | null;
  readonly at: number;
  readonly passed: boolean;
  /** What was found wrong, one sentence each. */
  readonly problems: readonly string[];
  readonly files: number;
  readonly schema: number | null;
  readonly rows: number;
  readonly audit_rows: number;
}

function databaseProblems(file: string, manifest: Manifest): readonly string[] {
  const damage = findDamage(file).map((line) => `The database is damaged: ${line}`);
  const content = readContent(file);
  const names = new Set([...Object.keys(content.tables), ...Object.keys(manifest.tables)]);
  const counts = [...names].filter((name) => content.tables[name] !== manifest.tables[name]).map((name) => `The table ${name} has ${content.tables[name] ?? 0} rows, not ${manifest.tables[name] ?? 0} as when the backup was made.`);
  const schema = content.schema === manifest.schema ? [] : [`The database has schema ${content.schema}, not ${manifest.schema}.`];
  return [...damage, ...schema, ...counts];
}

async function auditOf(root: string, services: Services): Promise<{ readonly rows: number; readonly problems: readonly string[] }> {
  const directory = dataDirectory(root);
  // Read before the store is opened, which would settle them. What the deployment itself misses since earlier is no fault of its backup.
  const anchors = readAnchors(directory, createSealer(secretBytes(directory.masterKey, services.random), services.random), { endsOnly: true });
  const gate = await openStagedGate(root, services);
  try {
    const { rows, breach } = await verifyAudit(gate, operator, { anchors });
    return { rows, problems: breach === null ? [] : [`The audit log is not whole. Chain ${breach.stream}, row ${breach.sequence}: ${breach.problem}`] };
  } finally {
    await gate.close();
  }
}

async function look(root: string, manifest: Manifest, services: Services): Promise<Pick<Drilled, "problems" | "audit_rows">> {
  const database = join(root, DATABASE);
  if (!existsSync(database)) return { problems: manifest.schema === null ? [] : ["The database is missing."], audit_rows: 0 };
  const wrong = databaseProblems(database, manifest);
  const audit = await auditOf(root, services);
  return { problems: [...wrong, ...audit.problems], audit_rows: audit.rows };
}

/** Throws Faults only for what has nothing to do with the backup, such as a file that is not there. */
export async function drillBackup({ file, opener, dataDir }: DrillRequest, services: Services): Promise<Drilled> {
  const at = services.clock.now();
  using work = workFolder(dataDir, services.random.uuid());
  try {
    const { manifest } = extract(file, join(work.path, "data"), opener);
    const { problems, audit_rows } = await look(join(work.path, "data"), manifest, services);
    const rows = Object.values(manifest.tables).reduce((sum, count) => sum + count, 0);
    return { backup_id: manifest.id, at, passed: problems.length === 0, problems, files: manifest.files.length, schema: manifest.schema, rows, audit_rows };
  } catch (error) {
    const isFinding = error instanceof Fault && (error.code === "conflict" || error.code === "precondition_failed");
    if (!isFinding) throw error;
    return { backup_id: null, at, passed: false, problems: [error.message], files: 0, schema: null, rows: 0, audit_rows: 0 };
  }
}

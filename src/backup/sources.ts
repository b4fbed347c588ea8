/**
 * What goes into a backup, and where each file comes to lie again.
 *
 *     cyberun.db                     the store, as a snapshot (SQLite)
 *     master.key, license.lic        also where the configuration names other places for them
 *     license/, roles/, backup/      keys, marks, leases, the key that signs backups
 *     audit/                         the anchors
 *     files/stored/                  what people and agents have sent
 *     config.toml                    the config file
 *
 * Rule: a closed list. What is not on it is neither backed up nor restored, so that nothing of a backup can come to lie
 * anywhere else.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type DataDirectory, dataDirectory } from "../data-directory.ts";

/** Where a deployment's parts lie. */
export interface Places {
  readonly dataDir: string;
  /** Undefined for SQLite in the data directory. */
  readonly isElsewhere: boolean;
  readonly masterKeyFile: string;
  readonly licenseFile: string;
  readonly configFile: string | undefined;
}

export interface Source {
  /** In the backup, and below the data directory it is restored to. */
  readonly path: string;
  readonly from: string;
}

export const DATABASE = "cyberun.db";
export const CONFIGURATION = "config.toml";
const FOLDERS = ["license", "roles", "backup", "audit", "files"] as const;
const FILES = [DATABASE, "master.key", "license.lic", CONFIGURATION] as const;

/** Names directly below the data directory that a restore replaces. */
export const restoredNames: readonly string[] = [...FILES, ...FOLDERS, `${DATABASE}-wal`, `${DATABASE}-shm`];

/** Whether a path of a backup may be restored: one of ours, without any way out of the directory. */
export function isRestorable(path: string): boolean {
  const parts = path.split("/");
  const [first = ""] = parts;
  if (!parts.every((part) => /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}$/.test(part))) return false;
  return parts.length === 1 ? FILES.some((name) => name === first) : FOLDERS.some((name) => name === first);
}

function below(root: string, folder: string): readonly Source[] {
  const from = join(root, folder);
  if (!existsSync(from)) return [];
  return readdirSync(from, { withFileTypes: true })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return below(root, path);
      return entry.isFile() && isRestorable(path) && !/\.new$/.test(path) ? [{ path, from: join(root, path) }] : [];
    });
}

/** The anchors: to be copied before the snapshot, so that they claim no row which that does not have. */
export function anchorSources({ dataDir }: Places): readonly Source[] {
  return below(dataDir, "audit");
}

/** Keys, marks, license and configuration. */
export function smallSources({ dataDir, masterKeyFile, licenseFile, configFile }: Places): readonly Source[] {
  const named = [
    { path: "master.key", from: masterKeyFile },
    { path: "license.lic", from: licenseFile },
    ...(configFile === undefined ? [] : [{ path: CONFIGURATION, from: configFile }]),
  ];
  return [...named.filter(({ from }) => existsSync(from)), ...below(dataDir, "license"), ...below(dataDir, "roles"), { path: "backup/signing.key", from: backupFiles(dataDirectory(dataDir)).signingKey }];
}

/** The bytes of files: to be listed after the snapshot, so that none is missed which that knows of. */
export function* fileSources({ dataDir }: Places): Generator<Source> {
  const stored = join(dataDir, "files", "stored");
  if (!existsSync(stored)) return;
  for (const folder of readdirSync(stored).toSorted()) yield* below(dataDir, `files/stored/${folder}`);
}

export interface BackupFiles {
  readonly folder: string;
  readonly signingKey: string;
  readonly status: string;
  /** Where backups go when no other place is named. */
  readonly archives: string;
  /** For snapshots and drills; what lies there is of nobody once no job runs. */
  readonly work: string;
}

export function backupFiles({ root }: Pick<DataDirectory, "root">): BackupFiles {
  const folder = join(root, "backup");
  return { folder, signingKey: join(folder, "signing.key"), status: join(folder, "status.json"), archives: join(root, "backups"), work: join(root, "backup-work") };
}

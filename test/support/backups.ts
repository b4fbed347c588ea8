/** Backups of a data directory as a process has them, with the work done in the test's own thread. */
import { doJob } from "../../src/backup/job.ts";
import { BackupSite, type Schedule } from "../../src/backup/site.ts";
import { dataDirectory } from "../../src/data-directory.ts";
import { Fault } from "../../src/fault.ts";
import { realServices, type Services } from "../../src/services.ts";

export interface TestBackupOptions {
  readonly services?: Services;
  readonly schedule?: Partial<Schedule>;
  /** Whether the database is PostgreSQL's. */
  readonly isElsewhere?: boolean;
}

export function testBackups(dataDir: string, { services = realServices(), schedule = {}, isElsewhere = false }: TestBackupOptions = {}): BackupSite {
  const { masterKey, licenseFile, root } = dataDirectory(dataDir);
  return new BackupSite({
    places: { dataDir, isElsewhere, masterKeyFile: masterKey, licenseFile, configFile: undefined },
    schedule: { at: undefined, directory: `${root}/backups`, keep: 7, passphraseFile: undefined, ...schedule },
    services,
    doJob: (job) => doJob(job, services),
  });
}

/** The kind of refusal that `deed` ends in; `none` when it does not end in one. */
export function refusalOf(deed: () => unknown): unknown {
  try {
    deed();
  } catch (error) {
    if (error instanceof Fault) return error.details?.["refusal"] ?? error.code;
    throw error;
  }
  return "none";
}

/** Backups of the data directory that a configuration names. */
import type { Services } from "../services.ts";
import { doJobAside } from "./job-aside.ts";
import { BackupSite, type Schedule } from "./site.ts";

export interface BackedUp {
  readonly dataDir: string;
  /** Undefined: the database is in the data directory. */
  readonly databaseUrl: unknown;
  readonly masterKeyFile: string;
  readonly licenseFile: string;
  readonly configFile: string | undefined;
  readonly backups: Schedule;
}

export function backupSiteOf({ dataDir, databaseUrl, masterKeyFile, licenseFile, configFile, backups }: BackedUp, services: Services): BackupSite {
  const places = { dataDir, isElsewhere: databaseUrl !== undefined, masterKeyFile, licenseFile, configFile };
  return new BackupSite({ places, schedule: backups, services, doJob: doJobAside });
}

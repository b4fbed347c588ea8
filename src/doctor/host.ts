/** What is looked at on the host itself: data directory, disk and clock. */
import { existsSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { hasDataDirectory } from "../data-directory.ts";
import { buildTime } from "../version.ts";
import { type Check, ok, type Patient, problem, warning } from "./check.ts";

const MEGABYTE = 1_000_000;
/** Less than it is a problem soon; SQLite needs room to write what it changes twice. */
const FREE_BYTES_GOOD = 1_000 * MEGABYTE;
const FREE_BYTES_MIN = 100 * MEGABYTE;
const OTHERS = 0o077;

export async function dataDirectoryCheck({ config }: Patient): Promise<readonly Check[]> {
  const { dataDir } = config;
  if (!hasDataDirectory(config)) return [warning("data directory", `There is no ${dataDir} yet.`, "The first start makes it, if this user may.")];
  const { mode, uid } = statSync(dataDir);
  if ((mode & OTHERS) !== 0) return [problem("data directory", `${dataDir} is open to others than its owner.`, `Close it: chmod 700 ${dataDir}`)];
  const own = process.getuid?.();
  return own === undefined || own === uid || own === 0
    ? [ok("data directory", `${dataDir} is its owner's alone.`)]
    : [warning("data directory", `${dataDir} belongs to another user than this one.`, "Run this as the user that the server runs as.")];
}

/** The directory itself, or the first above it that is there. */
function present(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : present(dirname(path));
}

export async function diskCheck({ config }: Patient): Promise<readonly Check[]> {
  const folder = present(config.dataDir);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const message = `${Math.floor(free / MEGABYTE).toLocaleString("en-US")} MB are free at ${folder}.`;
  if (free >= FREE_BYTES_GOOD) return [ok("disk", message)];
  return [(free < FREE_BYTES_MIN ? problem : warning)("disk", message, "Make room: a full disk refuses every change.")];
}

/** Whether systemd's own client says that the clock is kept. */
const KEPT = "/run/systemd/timesync/synchronized";

export async function clockCheck({ services: { clock } }: Patient): Promise<readonly Check[]> {
  const now = clock.now();
  const shown = new Date(now).toISOString().slice(0, 19).replace("T", " ");
  if (now < buildTime * 1_000) return [problem("clock", `It says ${shown} UTC, which is before this build was made.`, "Set the clock of the host right; licenses and tokens are judged by it.")];
  return [ok("clock", existsSync(KEPT) ? `It says ${shown} UTC and is kept in step.` : `It says ${shown} UTC; compare it with another clock, since nothing here says that it is kept in step.`)];
}

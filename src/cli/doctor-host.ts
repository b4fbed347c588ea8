/** What `cyberun doctor` looks at on the host itself: settings, data directory, disk, clock and license. */
import { existsSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { reachingOwn } from "../certificates.ts";
import { boundAddress, licenseServersOf } from "../config.ts";
import { buildTime } from "../version.ts";
import { type Check, ok, type Patient, problem, warning } from "./doctor-check.ts";
import { datesAt } from "./license-text.ts";
import { readVendorFile } from "./license-inspect.ts";
import { askingLicenseServers, askLicenseServer } from "./license-status.ts";
import { hasDataDirectory } from "./operator.ts";

const MEGABYTE = 1_000_000;
/** Less than it is a problem soon; SQLite needs room to write what it changes twice. */
const FREE_BYTES_GOOD = 1_000 * MEGABYTE;
const FREE_BYTES_MIN = 100 * MEGABYTE;
const OTHERS = 0o077;

export async function settingsCheck({ config, notices }: Patient): Promise<readonly Check[]> {
  return [...notices.map((notice) => warning("settings", notice)), ok("settings", `They can be used; the roles are ${config.roles.join(", ")}.`)];
}

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

const good: Readonly<Record<string, typeof ok>> = { ok, expiring: warning };

/** The file that a License Server would begin with. */
function fileCheck({ config: { licenseFile }, services: { clock } }: Patient): Check {
  if (!existsSync(licenseFile)) return problem("license", `There is no license file ${licenseFile}, and no License Server answers.`, "Install one (cyberun license install FILE), or look around with cyberun trial.");
  const file = readVendorFile(licenseFile);
  if (file.kind === "revocation") return problem("license", `${licenseFile} is a revocation and no license.`, "Install the license that the vendor sent.");
  const dates = datesAt(file.license, Math.floor(clock.now() / 1_000));
  if (dates === "in_force") return ok("license", `${file.license.license_id} lies in ${licenseFile} and is in force; no License Server answers yet.`);
  return problem("license", `${file.license.license_id} in ${licenseFile} is ${dates === "expired" ? "over" : "not valid yet"}.`, "Ask the vendor for a license that is in force, and install it.");
}

export async function licenseCheck(patient: Patient): Promise<readonly Check[]> {
  const { config, services: plain, isServed } = patient;
  const own = config.roles.includes("license") && config.ports.license !== 0 ? boundAddress(config, "license") : undefined;
  const addresses = licenseServersOf(config, own);
  const asking = askingLicenseServers(plain, config);
  // Its certificate is seldom for the address that the port is bound to.
  const services = config.licenseServerAddresses === undefined && own !== undefined ? reachingOwn(asking, addresses) : asking;
  for (const address of addresses) {
    const status = await askLicenseServer(services, address);
    if (status === undefined) continue;
    const message = `${status.state} at ${address}${status.reason === "" ? "" : `: ${status.reason}`}`;
    return [(good[status.state] ?? problem)("license", message, status.state === "ok" ? undefined : status.hint)];
  }
  const isOwn = config.roles.includes("license") && config.licenseServerAddresses === undefined;
  if (isOwn && !isServed) return [fileCheck(patient)];
  return [problem("license", `No License Server answers at ${addresses.join(" or ")}.`, "Start it, or correct CYBERUN_LICENSE_SERVER_ADDRESSES; without one the last lease is obeyed for its grace and no longer.")];
}

/** What `cyberun doctor` looks at that a command knows and a server does not: the settings as they were given, and the license from outside. */
import { existsSync } from "node:fs";
import { reachingOwn } from "../certificates.ts";
import { boundAddress, type Config, licenseServersOf } from "../config.ts";
import { type Check, ok, type Patient, problem, warning } from "../doctor/check.ts";
import type { Context } from "./context.ts";
import { readVendorFile } from "./license-inspect.ts";
import { askingLicenseServers, askLicenseServer } from "./license-status.ts";
import { datesAt } from "./license-text.ts";

/** A patient whose whole configuration is known. */
export interface HostPatient extends Patient {
  readonly config: Config;
}

export async function settingsCheck({ config, notices }: Pick<Context, "config" | "notices">): Promise<readonly Check[]> {
  return [...notices.map((notice) => warning("settings", notice)), ok("settings", `They can be used; the roles are ${config.roles.join(", ")}.`)];
}

const good: Readonly<Record<string, typeof ok>> = { ok, expiring: warning };

/** The file that a License Server would begin with. */
function fileCheck({ config: { licenseFile }, services: { clock } }: HostPatient): Check {
  if (!existsSync(licenseFile)) return problem("license", `There is no license file ${licenseFile}, and no License Server answers.`, "Install one (cyberun license install FILE), or look around with cyberun trial.");
  const file = readVendorFile(licenseFile);
  if (file.kind === "revocation") return problem("license", `${licenseFile} is a revocation and no license.`, "Install the license that the vendor sent.");
  const dates = datesAt(file.license, Math.floor(clock.now() / 1_000));
  if (dates === "in_force") return ok("license", `${file.license.license_id} lies in ${licenseFile} and is in force; no License Server answers yet.`);
  return problem("license", `${file.license.license_id} in ${licenseFile} is ${dates === "expired" ? "over" : "not valid yet"}.`, "Ask the vendor for a license that is in force, and install it.");
}

export async function licenseCheck(patient: HostPatient): Promise<readonly Check[]> {
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

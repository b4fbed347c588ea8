/**
 * `cyberun doctor`: everything that a deployment needs, looked at from its own host, with what to do where it is not there.
 *
 * Rule: looks and changes nothing. One thing that is wrong keeps none of the others from being looked at.
 */
import { settingsOf } from "../config.ts";
import type { Context, Result } from "./context.ts";
import { certificateCheck } from "../doctor/certificate.ts";
import { type Check, type CheckStatus, looked, ok, skipped } from "../doctor/check.ts";
import { clockCheck, dataDirectoryCheck, diskCheck } from "../doctor/host.ts";
import { addressChecks, agentCheck, portChecks } from "../doctor/network.ts";
import { federationCheck } from "./doctor-federation.ts";
import { type HostPatient, licenseCheck, settingsCheck } from "./doctor-license.ts";
import { EXIT_FOUND, EXIT_OK } from "./exit-codes.ts";
import { isServerRunning } from "./operator.ts";

/** In the order in which they are shown, by the name under which a refusal of the look itself is told. */
const looks: readonly (readonly [name: string, look: (patient: HostPatient) => Promise<readonly Check[]>])[] = [
  ["data directory", dataDirectoryCheck],
  ["disk", diskCheck],
  ["clock", clockCheck],
  ["certificate", certificateCheck],
  ["license", licenseCheck],
  ["ports", portChecks],
  ["addresses", addressChecks],
  ["agents", agentCheck],
];

async function serverCheck({ config, services }: Context): Promise<{ readonly isServed: boolean; readonly checks: readonly Check[] }> {
  let isServed = false;
  const checks = await looked("server", async () => {
    isServed = await isServerRunning({ config, services });
    return [isServed ? ok("server", `A server runs on ${config.dataDir}.`) : skipped("server", `No server runs on ${config.dataDir}; what only a running one can tell is left out.`)];
  });
  return { isServed, checks };
}

const marks: Readonly<Record<CheckStatus, string>> = { ok: "ok", warning: "WARNING", problem: "PROBLEM", skipped: "–" };
const MARK_WIDTH = 9;

function linesOf({ name, status, message, hint }: Check): readonly string[] {
  const says = `${marks[status].padEnd(MARK_WIDTH)}${name}: ${message}`;
  return hint === null ? [says] : [says, `${" ".repeat(MARK_WIDTH)}${hint}`];
}

function ending(problems: number, warnings: number): string {
  const counted = (count: number, one: string) => `${count} ${count === 1 ? one : `${one}s`}`;
  return problems + warnings === 0 ? "Nothing is missing." : `${counted(problems, "problem")} and ${counted(warnings, "warning")}.`;
}

export async function doctor(context: Context): Promise<Result> {
  const { config, services } = context;
  const { isServed, checks } = await serverCheck(context);
  const patient = { config, services, addresses: settingsOf(config, {}), isServed };
  const all = [...checks, ...(await settingsCheck(context))];
  for (const [name, look] of looks) all.push(...(await looked(name, () => look(patient))));
  all.push(...(await looked("federation", () => federationCheck(context, isServed))));
  const count = (status: CheckStatus) => all.filter((each) => each.status === status).length;
  const [problems, warnings] = [count("problem"), count("warning")];
  return { data: { checks: all, problems, warnings }, text: [...all.flatMap(linesOf), "", ending(problems, warnings)].join("\n"), exit: problems === 0 ? EXIT_OK : EXIT_FOUND };
}

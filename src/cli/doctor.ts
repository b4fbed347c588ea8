/**
 * `cyberun doctor`: everything that a deployment needs, looked at from its own host, with what to do where it is not there.
 *
 * Rule: looks and changes nothing. One thing that is wrong keeps none of the others from being looked at.
 */
import { Fault } from "../fault.ts";
import type { Context, Result } from "./context.ts";
import { type Check, type CheckStatus, ok, type Patient, problem, skipped } from "./doctor-check.ts";
import { federationCheck } from "./doctor-federation.ts";
import { addressChecks, agentCheck, portChecks } from "./doctor-network.ts";
import { clockCheck, dataDirectoryCheck, diskCheck, licenseCheck, settingsCheck } from "./doctor-host.ts";
import { EXIT_FOUND, EXIT_OK } from "./exit-codes.ts";
import { isServerRunning } from "./operator.ts";

/** In the order in which they are shown, by the name under which a refusal of the look itself is told. */
const looks: readonly (readonly [name: string, look: (patient: Patient) => Promise<readonly Check[]>])[] = [
  ["settings", settingsCheck],
  ["data directory", dataDirectoryCheck],
  ["disk", diskCheck],
  ["clock", clockCheck],
  ["license", licenseCheck],
  ["ports", portChecks],
  ["addresses", addressChecks],
  ["agents", agentCheck],
];

/** What is refused while one looks is what was found. */
async function looked(look: () => Promise<readonly Check[]>, name: string): Promise<readonly Check[]> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Fault) return [problem(name, error.message, error.hint)];
    throw error;
  }
}

async function serverCheck({ config, services }: Context): Promise<{ readonly isServed: boolean; readonly checks: readonly Check[] }> {
  let isServed = false;
  const checks = await looked(async () => {
    isServed = await isServerRunning({ config, services });
    return [isServed ? ok("server", `A server runs on ${config.dataDir}.`) : skipped("server", `No server runs on ${config.dataDir}; what only a running one can tell is left out.`)];
  }, "server");
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
  const { config, services, notices } = context;
  const { isServed, checks } = await serverCheck(context);
  const all = [...checks];
  for (const [name, look] of looks) all.push(...(await looked(() => look({ config, services, notices, isServed }), name)));
  all.push(...(await looked(() => federationCheck(context, isServed), "federation")));
  const count = (status: CheckStatus) => all.filter((each) => each.status === status).length;
  const [problems, warnings] = [count("problem"), count("warning")];
  return { data: { checks: all, problems, warnings }, text: [...all.flatMap(linesOf), "", ending(problems, warnings)].join("\n"), exit: problems === 0 ? EXIT_OK : EXIT_FOUND };
}

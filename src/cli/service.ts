/** Whoever keeps the server of this deployment running: systemd, or the operator by hand. */
import { Fault } from "../fault.ts";
import type { Context } from "./context.ts";
import { isServerRunning } from "./operator.ts";
import { pause } from "./pause.ts";

const UNIT = "cyberun.service";
const WAIT_MS = 30_000;
const LOOK_MS = 100;

export interface Service {
  /** False when the operator starts and stops the server. */
  readonly isKept: boolean;
  stop(): void;
  start(): void;
  /** Starts it; a sentence when it does not serve within 30 seconds. */
  startProblem(): Promise<string | undefined>;
}

function systemctl(...words: readonly string[]): boolean {
  return Bun.spawnSync(["systemctl", ...words, UNIT], { stdio: ["ignore", "ignore", "ignore"] }).success;
}

async function servesSoon(context: Context): Promise<boolean> {
  for (let waited = 0; waited < WAIT_MS; waited += LOOK_MS) {
    if (await isServerRunning(context)) return true;
    await pause(context.services.clock, LOOK_MS);
  }
  return false;
}

function command(verb: "start" | "stop"): void {
  if (!systemctl(verb)) throw new Fault("unavailable", `systemctl ${verb} ${UNIT} failed.`, { hint: `Look why: systemctl status ${UNIT}.` });
}

const byHand: Service = { isKept: false, stop: () => {}, start: () => {}, startProblem: async () => undefined };

/** Whether the unit runs this installation's executable, and not that of another prefix. */
function isUnitOf(link: string): boolean {
  if (Bun.which("systemctl") === null || !systemctl("is-active")) return false;
  return Bun.spawnSync(["systemctl", "show", "--property=ExecStart", UNIT], { stdio: ["ignore", "pipe", "ignore"] }).stdout.toString().includes(`path=${link} `);
}

function keptBySystemd(context: Context): Service {
  const start = () => command("start");
  const startProblem = async () => {
    try {
      start();
    } catch (error) {
      if (error instanceof Fault) return `its service does not start. ${error.hint ?? ""}`;
      throw error;
    }
    return (await servesSoon(context)) ? undefined : "its service did not serve within 30 seconds.";
  };
  return { isKept: true, stop: () => command("stop"), start, startProblem };
}

/** `link` is the path by which the installation is started. Throws Fault `conflict` when a server runs that nobody here can stop. */
export async function findService(context: Context, link: string): Promise<Service> {
  if (isUnitOf(link)) return keptBySystemd(context);
  if (!(await isServerRunning(context))) return byHand;
  throw new Fault("conflict", `A server runs on the data directory ${context.config.dataDir}, and no service ${UNIT} keeps it. Nothing was changed.`, { hint: "Stop it, run this again, and start it afterwards." });
}

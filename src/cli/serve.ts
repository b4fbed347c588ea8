/**
 * `cyberun serve`: the process of the roles, from its first line in the log to its last.
 *
 *     data directory → log → roles → operator's door → ready file → a signal → all of it in reverse
 *
 * Rule: whatever is in the way is one Fault with one sentence, and then nothing is left running or lying about.
 */
import { rmSync } from "node:fs";
import type { Config } from "../config.ts";
import { readAnchors } from "../audit/anchor.ts";
import { dataDirectory, writeFileDurably } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import { createLog, type Log } from "../log.ts";
import { type Running, startProcess } from "../process.ts";
import type { OperatorScope } from "../roles/operator/call.ts";
import { openOperatorDoor } from "../roles/operator/door.ts";
import { version } from "../version.ts";
import type { Context, Result } from "./context.ts";
import { firstSignal } from "./signals.ts";

function scopeOf({ gate, backups, entitled = gate.entitled, licenseServer }: Running, { dataDir }: Config): OperatorScope {
  return {
    backups,
    auditAnchors: () => readAnchors(dataDirectory(dataDir), gate.sealer),
    // What opens the deployment needs a license, whoever asks for it.
    gate: { ...gate, entitled },
    async licenseServer() {
      if (licenseServer !== undefined) return licenseServer;
      throw new Fault("conflict", "The server on this data directory runs no License Server.", { hint: "Run this on the License Server's host." });
    },
  };
}

/** Runs `deed` on the ready file; what the file system refuses is a Fault. */
function onReadyFile(readyFile: string, deed: () => void): void {
  try {
    deed();
  } catch (cause) {
    throw new Fault("unavailable", `The ready file ${readyFile} cannot be written.`, { hint: "Name a file in a directory that this user may write to.", cause });
  }
}

function removeReadyFile({ readyFile }: Config): void {
  if (readyFile !== undefined) onReadyFile(readyFile, () => rmSync(readyFile, { force: true }));
}

/** Writes the roles' addresses for whoever waits for them. */
function writeReadyFile({ readyFile }: Config, { urls }: Running): void {
  if (readyFile !== undefined) onReadyFile(readyFile, () => writeFileDurably(readyFile, `${JSON.stringify(urls)}\n`));
}

/** Everything that serves, with what stops it in reverse. */
export interface Served {
  readonly running: Running;
  stop(): Promise<void>;
}

async function open({ config, services }: Context, log: Log): Promise<Served> {
  const stops = new AsyncDisposableStack();
  // One that a killed process left behind would tell those who wait that we serve already.
  removeReadyFile(config);
  try {
    const running = await startProcess(config, services, log);
    stops.defer(() => running.stop());
    const door = await openOperatorDoor({ socket: dataDirectory(config.dataDir).operatorSocket, scope: scopeOf(running, config), services, log });
    stops.defer(() => door?.stop() ?? Promise.resolve());
    writeReadyFile(config, running);
    stops.defer(() => removeReadyFile(config));
    return { running, stop: () => stops.disposeAsync() };
  } catch (error) {
    await stops.disposeAsync();
    throw error;
  }
}

/** Serves until a signal comes. `announce` prints what the command has to say once everything serves. */
export async function serveUntilStopped(context: Context, announce: (served: Served) => Promise<Result>): Promise<undefined> {
  const { config, services, terminal, notices } = context;
  const log = createLog(services.clock, config.logLevel, terminal.err);
  const signal = firstSignal(services.clock);
  log.write("info", "process.starting", { version, roles: config.roles, data_dir: config.dataDir });
  log.write("info", "config.lifetimes", { preset: config.preset, seconds: Object.entries(config.lifetimes).map(([name, seconds]) => `${name} ${seconds}`) });
  for (const notice of notices) log.write("warn", "config.notice", { notice });
  const served = await open(context, log);
  try {
    log.write("info", "process.ready", { urls: served.running.urls });
    context.print(await announce(served));
    log.write("info", "process.stopping", { signal: await signal });
  } finally {
    await served.stop();
  }
  log.write("info", "process.stopped");
  return undefined;
}

function addressLines(urls: Running["urls"]): readonly string[] {
  return Object.entries(urls).map(([role, url]) => `  ${role.padEnd(10)}${url}`);
}

export async function serve(context: Context): Promise<undefined> {
  return await serveUntilStopped(context, async ({ running: { urls } }) => ({
    data: { urls, data_dir: context.config.dataDir },
    text: ["cyberun serves:", ...addressLines(urls)].join("\n"),
  }));
}

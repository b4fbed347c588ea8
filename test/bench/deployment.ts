/** A deployment under measurement: the compiled executable on a data directory of its own, all four roles on free ports. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { jsonFile, type Process, start, until } from "./processes.ts";

export const roles = ["license", "api", "gateway", "issuer"] as const;
export type Role = (typeof roles)[number];

const addressesShape = Compile(Type.Object({ license: Type.String(), api: Type.String(), gateway: Type.String(), issuer: Type.String() }));

export interface Deployment extends AsyncDisposable {
  readonly process: Process;
  readonly addresses: Readonly<Record<Role, string>>;
  /** From the start of the process until all four roles had answered `/readyz` with 200. */
  readonly startMs: number;
}

/** A role that does not serve yet is asked again so soon that the wait is no part of the figure. */
const ASK_AGAIN_MS = 1;

async function isReady(address: string): Promise<true | undefined> {
  const { status } = await fetch(new URL("/readyz", address));
  return status === 200 ? true : undefined;
}

/** Starts `command`, which writes its addresses to `readyFile`, and waits until every role is ready. */
export async function startServing(command: readonly string[], { folder, readyFile }: { readonly folder: string; readonly readyFile: string }): Promise<Deployment> {
  rmSync(readyFile, { force: true });
  const startedAtMs = performance.now();
  const process = start(command, folder);
  try {
    const addresses = await jsonFile(readyFile, process);
    if (!addressesShape.Check(addresses)) throw new Error("the ready file does not name the four roles");
    await Promise.all(roles.map((role) => until(`${role} to be ready`, () => isReady(addresses[role]), ASK_AGAIN_MS)));
    return { process, addresses, startMs: performance.now() - startedAtMs, [Symbol.asyncDispose]: () => process.stop() };
  } catch (error) {
    await process.stop();
    throw error;
  }
}

export interface DeploymentOptions {
  readonly executable: string;
  readonly dataDir: string;
  /** Another file than the license that came with the build. */
  readonly license?: string;
}

/** Starts the product. */
export async function startDeployment({ executable, dataDir, license }: DeploymentOptions): Promise<Deployment> {
  const readyFile = `${dataDir}.ready.json`;
  const ports = roles.flatMap((role) => [`--${role}-port`, "0"]);
  const chosen = license === undefined ? [] : ["--license", license];
  return await startServing([executable, "trial", "--data-dir", dataDir, "--ready-file", readyFile, ...ports, ...chosen], { folder: join(dataDir, ".."), readyFile });
}

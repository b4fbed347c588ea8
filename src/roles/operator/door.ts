/**
 * The operator's door: a socket in the data directory by which the CLI on this host reaches the running server.
 *
 *     POST /operations/<name> {"input": …}  →  200 {"output": …}, or a refusal in the documented shape
 *
 * It stands open for whoever may open the socket: its owner and root, as the file's mode (0600) and the directory's (0700)
 * say. So it asks for no credential, and admits only the calls in `calls.ts`.
 *
 * Rule: translates, decides nothing.
 */
import { existsSync, rmSync } from "node:fs";
import { Fault } from "../../fault.ts";
import { BODY_BYTES_MAX } from "../../http/limits.ts";
import { bugFault, faultResponse } from "../../http/respond.ts";
import type { Log } from "../../log.ts";
import type { Services } from "../../services.ts";
import type { OperatorScope } from "./call.ts";
import { operatorCalls } from "./calls.ts";

/** What operating systems take for a socket's path, without its closing zero byte: macOS has the least. */
export const SOCKET_PATH_BYTES_MAX = 103;
/** Nobody but the owner may open what is made under it. */
const PRIVATE_UMASK = 0o177;

export function isSocketPathTooLong(path: string): boolean {
  return Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX;
}

export interface OperatorDoorOptions {
  readonly socket: string;
  readonly scope: OperatorScope;
  readonly services: Services;
  readonly log: Log;
}

export interface OperatorDoor {
  stop(): Promise<void>;
}

async function inputOf(request: Request): Promise<unknown> {
  const body: unknown = await request.json().catch((cause: unknown) => {
    throw new Fault("invalid_request", "The body is not JSON.", { cause });
  });
  if (typeof body === "object" && body !== null && "input" in body) return body.input;
  throw new Fault("invalid_request", 'The body has no member "input".');
}

async function answer(request: Request, scope: OperatorScope): Promise<Response> {
  const { pathname } = new URL(request.url);
  const call = operatorCalls.find(({ operation }) => pathname === `/operations/${operation}`);
  if (call === undefined) throw new Fault("not_found", "There is no such operation at this door.");
  if (request.method !== "POST") throw new Fault("method_not_allowed", "This door answers to POST.");
  return Response.json({ output: (await call.handle(scope, await inputOf(request))) ?? null });
}

async function serve(request: Request, { scope, services, log }: OperatorDoorOptions): Promise<Response> {
  try {
    return await answer(request, scope);
  } catch (error) {
    if (error instanceof Fault) return faultResponse(error);
    const requestId = services.random.uuid();
    log.write("error", "operator.failed", { request_id: requestId, error });
    return faultResponse(bugFault(requestId));
  }
}

/** Whether a process listens on the socket: one that a killed process left behind refuses. */
async function isAlive(socket: string, services: Services): Promise<boolean> {
  try {
    await services.fetch("http://localhost/", { unix: socket });
    return true;
  } catch {
    return false;
  }
}

function bind(options: OperatorDoorOptions): OperatorDoor {
  const mask = process.umask(PRIVATE_UMASK);
  try {
    const server = Bun.serve({
      unix: options.socket,
      development: false,
      maxRequestBodySize: BODY_BYTES_MAX,
      fetch: (request) => serve(request, options),
    });
    return { stop: () => server.stop() };
  } finally {
    process.umask(mask);
  }
}

/**
 * Opens the door. Without one a server still serves, so what is in the way is logged and undefined comes back: the CLI
 * then says that the server has to be stopped first.
 */
export async function openOperatorDoor(options: OperatorDoorOptions): Promise<OperatorDoor | undefined> {
  const { socket, services, log } = options;
  if (isSocketPathTooLong(socket)) {
    log.write("warn", "operator.no_door", { reason: `The path of ${socket} is longer than the ${SOCKET_PATH_BYTES_MAX} bytes that a socket may have; choose a shorter data directory.` });
    return undefined;
  }
  if (existsSync(socket)) {
    if (await isAlive(socket, services)) {
      log.write("warn", "operator.no_door", { reason: "Another process of this data directory has the operator's door." });
      return undefined;
    }
    rmSync(socket, { force: true });
  }
  return bind(options);
}

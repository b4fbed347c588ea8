/**
 * The operator's way to the deployment on this host: through the running server's door, or on the store itself when no
 * server runs.
 *
 * Rule: whoever may open the data directory is the operator; nothing else is asked for. A command never touches a store
 * that a server has open.
 */
import { existsSync, statSync } from "node:fs";
import { readAnchors } from "../audit/anchor.ts";
import { openAuditedStore } from "../audit/audited-store.ts";
import type { Config } from "../config.ts";
import { settingsOf } from "../config.ts";
import { backupSiteOf } from "../backup/configured-site.ts";
import { createSealer } from "../crypto/sealing.ts";
import { type DataDirectory, dataDirectory, hasDataDirectory, prepareDataDirectory, secretBytes } from "../data-directory.ts";
import { Fault, type FaultCode, faultCodes } from "../fault.ts";
import type { Gate } from "../gate/operation.ts";
import { without } from "../license/entitlements.ts";
import { hostFiles } from "../license/server/host-parts.ts";
import { LicenseServer } from "../license/server/license-server.ts";
import { trustedKeys } from "../license/trust.ts";
import { createLog, type Log } from "../log.ts";
import type { OperatorCall, OperatorScope } from "../roles/operator/call.ts";
import { isSocketPathTooLong, SOCKET_PATH_BYTES_MAX } from "../roles/operator/door.ts";
import type { Services } from "../services.ts";
import { buildTime } from "../version.ts";
import type { Context } from "./context.ts";

export interface Operator extends AsyncDisposable {
  /** Whether a running server answers, or the store was opened. */
  readonly way: "server" | "store";
  ask<Input, Output>(call: OperatorCall<Input, Output>, input: Input): Promise<Output>;
}

export interface OperatorOptions {
  /** A first call may make the data directory: provisioning before the first start. */
  readonly mayCreate?: boolean;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** Codes of a socket that nobody listens on. */
const nobody: readonly string[] = ["ENOENT", "ECONNREFUSED", "FailedToOpenSocket"];

function isFaultCode(code: unknown): code is FaultCode {
  return typeof code === "string" && Object.hasOwn(faultCodes, code);
}

function textMember(body: object, name: string): string | undefined {
  const found: unknown = new Map<string, unknown>(Object.entries(body)).get(name);
  return typeof found === "string" ? found : undefined;
}

/** The refusal that the server answered, as it was thrown there. */
function faultOf(body: unknown): Fault {
  const content = typeof body === "object" && body !== null ? body : {};
  const code = textMember(content, "error_code");
  const hint = textMember(content, "hint");
  const details = "details" in content && typeof content.details === "object" && content.details !== null ? { ...content.details } : undefined;
  return new Fault(isFaultCode(code) ? code : "unavailable", textMember(content, "error_message") ?? "The server's answer cannot be read.", {
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
  });
}

/** The running server's door. */
interface Door {
  readonly services: Services;
  readonly socket: string;
}

async function knock<Input, Output>({ services, socket }: Door, call: OperatorCall<Input, Output>, input: Input): Promise<Output> {
  const response = await services.fetch(`http://localhost/operations/${call.operation}`, {
    unix: socket,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input }),
  });
  const body: unknown = await response.json();
  if (!response.ok) throw faultOf(body);
  return call.answer(typeof body === "object" && body !== null && "output" in body ? body.output : undefined);
}

/** Whether a server listens at the door. Throws Fault `forbidden` when it may not be opened by this user. */
async function isServed({ services, socket }: Door): Promise<boolean> {
  if (!existsSync(socket)) return false;
  try {
    await services.fetch("http://localhost/", { unix: socket });
    return true;
  } catch (error) {
    if (nobody.includes(codeOf(error))) return false;
    throw new Fault("forbidden", `The operator's door ${socket} cannot be opened.`, {
      hint: "Run this as the user that the server runs as, or as root.",
      cause: error,
    });
  }
}

function requireDirectory(config: Config, { mayCreate = false }: OperatorOptions): void {
  if (hasDataDirectory(config) || mayCreate) return;
  throw new Fault("not_found", `There is no data directory ${config.dataDir}.`, {
    hint: "Name the deployment's directory with --data-dir or CYBERUN_DATA_DIR, or start the server first.",
  });
}

/**
 * Root becomes the directory's owner for the rest of the process: a file that root makes there would lock the server,
 * which runs as its own user, out of its store.
 */
export function becomeOwner(dataDir: string): void {
  if (process.getuid?.() !== 0 || !existsSync(dataDir)) return;
  const { uid, gid } = statSync(dataDir);
  if (uid === 0) return;
  process.setgroups?.([]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

/** Explains a store that is in use where no door could be knocked at. */
function explained(error: unknown, { operatorSocket }: DataDirectory): unknown {
  if (!(error instanceof Fault) || error.code !== "conflict") return error;
  const hint = isSocketPathTooLong(operatorSocket)
    ? `A server runs on it, and cannot be asked because the path ${operatorSocket} is longer than ${SOCKET_PATH_BYTES_MAX} bytes. Stop the server, or choose a shorter data directory.`
    : "A server runs on it that opened no door for the operator; its log says why. Stop it and run this again.";
  return new Fault("conflict", error.message, { hint, cause: error });
}

/** A gate over the store that no server runs on, with what closes it. */
async function openGate(config: Config, services: Services): Promise<Gate & { close(): Promise<void> }> {
  const sealer = createSealer(secretBytes(config.masterKeyFile, services.random), services.random);
  const { store, refusals, close } = await openAuditedStore({ databaseUrl: config.databaseUrl?.reveal(), dataDir: config.dataDir, services, sealer });
  return { services, store, sealer, refusals, settings: settingsOf(config, {}), entitled: { entitlements: () => without("missing") }, close };
}

/** A License Server without doors, for the length of a command. */
async function startLicenseServer(config: Config, gate: Gate, log: Log): Promise<LicenseServer> {
  const { licenseFile, clusterId } = config;
  const directory = dataDirectory(config.dataDir);
  return await LicenseServer.start({ ...gate, log, directory, licenseFile, trustedKeys, clusterId, hostFiles: hostFiles("/"), buildTime });
}

/** A data directory in which a License Server has never run belongs to roles that ask one elsewhere. */
function requireLicenseServer({ instanceKey, root }: DataDirectory, { mayCreate = false }: OperatorOptions): void {
  if (mayCreate || existsSync(instanceKey)) return;
  throw new Fault("not_found", `No License Server has run in the data directory ${root}.`, { hint: "Run this on the License Server's host, with its data directory." });
}

async function openOnStore({ config, services, terminal }: Context, options: OperatorOptions): Promise<Operator> {
  becomeOwner(config.dataDir);
  const directory = prepareDataDirectory(config.dataDir);
  const gate = await openGate(config, services).catch((error: unknown) => {
    throw explained(error, directory);
  });
  const log = createLog(services.clock, "error", terminal.err);
  let server: Promise<LicenseServer> | undefined;
  const scope: OperatorScope = {
    gate,
    backups: backupSiteOf(config, services),
    auditAnchors: () => readAnchors(directory, gate.sealer),
    async licenseServer() {
      requireLicenseServer(directory, options);
      return await (server ??= startLicenseServer(config, gate, log));
    },
  };
  return {
    way: "store",
    ask: (call, input) => call.run(scope, input),
    async [Symbol.asyncDispose]() {
      await (await server)?.stop();
      await gate.close();
    },
  };
}

/** Whether a server runs on the data directory. Throws Fault `forbidden` when its door is not for this user. */
export async function isServerRunning({ config, services }: Pick<Context, "config" | "services">): Promise<boolean> {
  return hasDataDirectory(config) && (await isServed({ services, socket: dataDirectory(config.dataDir).operatorSocket }));
}

/** The way in. Throws a Fault that says what is in the way. */
export async function openOperator(context: Context, options: OperatorOptions = {}): Promise<Operator> {
  const { config, services } = context;
  requireDirectory(config, options);
  const door = { services, socket: dataDirectory(config.dataDir).operatorSocket };
  if (!(await isServed(door))) return await openOnStore(context, options);
  return {
    way: "server",
    ask: (call, input) => knock(door, call, input),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Only a server knows what the license allows, because it holds the lease. Throws Fault `unavailable` with what the call would do. */
export function requireServer({ way }: Operator, deed: string): void {
  if (way === "server") return;
  throw new Fault("unavailable", `${deed}, and no server runs here to say whether the license allows it.`, { hint: "Start it (cyberun serve) and run this again." });
}

/**
 * Files between the agent and its deployment: the gateway is asked for a link, and the bytes go by it.
 *
 *     POST /v1/tasks/ID/attempts/N/inputs  {session_id, file_key}                → link → bytes, compared with their SHA-256
 *     POST /v1/tasks/ID/attempts/N/outputs {session_id, output_id, file_name, …} → link → bytes, unless they are there already
 *
 * Rule: one try each; who has to go on asks again. The key goes to the gateway and nowhere else: a link needs none.
 */
import { accessSync, closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { Type } from "typebox";
import type { Secret } from "../secret.ts";
import type { Services } from "../services.ts";
import { shapeOf } from "../shape.ts";
import type { Destination } from "./socket.ts";

/** The attempt, in the session in which the agent holds it now. */
export interface HeldAttempt {
  readonly taskId: string;
  readonly attempt: number;
  readonly sessionId: string;
}

export interface OutputFile {
  readonly outputId: string;
  readonly path: string;
  readonly name: string;
  readonly size: number;
}

export interface Transfers {
  /** Writes the file of the run to `path`. False when the key names no file of the run. */
  fetchInput(held: HeldAttempt, fileKey: string, to: { readonly path: string; readonly signal: AbortSignal }): Promise<boolean>;
  /** Resolves when the file is stored. */
  sendOutput(held: HeldAttempt, output: OutputFile, signal: AbortSignal): Promise<void>;
}

/** What was asked for is refused, and asking again hardly changes that. */
export class Refused extends Error {
  /** The attempt may just be on its way into another session. */
  readonly mayPass: boolean;

  constructor(message: string, mayPass: boolean) {
    super(message);
    this.mayPass = mayPass;
  }
}

/** This host's own disk is in the way: no other answer of the network mends that. */
export class DiskFailure extends Error {}

function onDisk<T>(deed: () => T): T {
  try {
    return deed();
  } catch (cause) {
    throw new DiskFailure("A file could not be read or written.", { cause });
  }
}

const inputShape = shapeOf(Type.Object({ file_size: Type.Integer(), sha256: Type.Union([Type.Null(), Type.String()]), download_url: Type.String() }));
const outputShape = shapeOf(Type.Object({ is_stored: Type.Boolean(), upload_url: Type.String(), upload_headers: Type.Record(Type.String(), Type.String()) }));
const refusalShape = shapeOf(Type.Object({ error_message: Type.String() }));

const NOT_FOUND = 404;
const CONFLICT = 409;
const SERVER_ERROR = 500;
/** Answers that say to come back: a time-out (RFC 9110 section 15.5.9), too early (RFC 8470 section 5.2), too many (RFC 6585 section 4). */
const LATER: readonly number[] = [408, 425, 429];

async function refusalOf(response: Response): Promise<Error> {
  const { status } = response;
  const content: unknown = await response.json().catch(() => undefined);
  const message = refusalShape.Check(content) ? content.error_message : `The answer was ${status}.`;
  if (status >= SERVER_ERROR || LATER.includes(status)) return new Error(message);
  return new Refused(message, status === CONFLICT);
}

interface Bytes {
  readonly size: number;
  readonly sha256: string | null;
}

function writeWhole(file: number, piece: Uint8Array): void {
  for (let at = 0; at < piece.length; ) at += writeSync(file, piece, at);
}

function notWhole(): Refused {
  return new Refused("The file did not arrive as it was promised.", true);
}

/** Writes the body piece by piece. Throws {@link Refused} when it is not what was promised, {@link DiskFailure} when it cannot be written. */
async function writeBody(response: Response, path: string, { size, sha256 }: Bytes): Promise<void> {
  const hash = new Bun.CryptoHasher("sha256");
  const file = onDisk(() => openSync(path, "w", 0o600));
  let written = 0;
  try {
    for await (const piece of response.body ?? []) {
      written += piece.length;
      if (written > size) throw notWhole();
      hash.update(piece);
      onDisk(() => writeWhole(file, piece));
    }
  } finally {
    closeSync(file);
  }
  if (written !== size || (sha256 !== null && hash.digest("hex") !== sha256)) throw notWhole();
}

class HttpTransfers implements Transfers {
  readonly #gatewayUrl: () => string;
  readonly #key: Secret;
  readonly #fetch: Services["fetch"];

  constructor({ gatewayUrl, key, caFile }: Destination, services: Pick<Services, "fetch">) {
    this.#gatewayUrl = gatewayUrl;
    this.#key = key;
    const tls = caFile === undefined ? {} : { tls: { ca: readFileSync(caFile, "utf8") } };
    this.#fetch = async (url, init) => await services.fetch(url, { ...init, ...tls, redirect: "error" });
  }

  async fetchInput(held: HeldAttempt, file_key: string, { path, signal }: { readonly path: string; readonly signal: AbortSignal }): Promise<boolean> {
    const answer = await this.#ask(held, { what: "inputs", body: { file_key }, signal });
    if (answer.status === NOT_FOUND) return false;
    if (!answer.ok) throw await refusalOf(answer);
    const input: unknown = await answer.json();
    if (!inputShape.Check(input)) throw new Error("The gateway answered in another form than documented.");
    const response = await this.#fetch(input.download_url, { signal });
    if (!response.ok) throw await this.#linkRefusal(response);
    await writeBody(response, path, { size: input.file_size, sha256: input.sha256 });
    return true;
  }

  async sendOutput(held: HeldAttempt, { outputId, path, name, size }: OutputFile, signal: AbortSignal): Promise<void> {
    onDisk(() => accessSync(path, constants.R_OK));
    const bytes = Bun.file(path);
    const content_type = bytes.type.split(";")[0] ?? "application/octet-stream";
    const answer = await this.#ask(held, { what: "outputs", body: { output_id: outputId, file_name: name, file_size: size, content_type }, signal });
    if (!answer.ok) throw await refusalOf(answer);
    const output: unknown = await answer.json();
    if (!outputShape.Check(output)) throw new Error("The gateway answered in another form than documented.");
    if (output.is_stored) return;
    // The runtime says how long the body is by itself.
    const { "Content-Length": _length, ...headers } = output.upload_headers;
    const response = await this.#fetch(output.upload_url, { method: "PUT", headers, body: bytes, signal });
    if (!response.ok) throw await this.#linkRefusal(response);
  }

  /** A link that is over, or a file that came meanwhile, is another one at the next try. */
  async #linkRefusal(response: Response): Promise<Error> {
    const error = await refusalOf(response);
    return error instanceof Refused ? new Refused(error.message, true) : error;
  }

  async #ask({ taskId, attempt, sessionId }: HeldAttempt, { what, body, signal }: { readonly what: "inputs" | "outputs"; readonly body: object; readonly signal: AbortSignal }): Promise<Response> {
    return await this.#fetch(`${this.#gatewayUrl()}/v1/tasks/${taskId}/attempts/${attempt}/${what}`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#key.reveal()}`, "content-type": "application/json" },
      body: JSON.stringify({ session_id: sessionId, ...body }),
      signal,
    });
  }
}

/** Moves files over HTTP. */
export function createTransfers(destination: Destination, services: Pick<Services, "fetch">): Transfers {
  return new HttpTransfers(destination, services);
}

/**
 * One License Server's address as a role sees it: bounded requests, and the challenge that each signed one begins with.
 *
 * Rule: nothing here is believed. Whatever is late, large, redirected, malformed or not `200` is a {@link NoAnswer}; it
 * never changes what is granted. What a signed lease is worth is judged in `grant.ts`.
 */
import { Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { type Json, parseStrictJson, StrictJsonError } from "../../crypto/strict-json.ts";
import { Fault, type FaultCode, faultCodes } from "../../fault.ts";
import { findJson } from "../../json.ts";
import type { Services } from "../../services.ts";
import { type LicenseTestAnswer, LicenseTestSchema } from "../answers.ts";
import { type Challenge, type ChallengeRequest, ChallengeSchema, type NextChallenge, NextChallengeSchema } from "../lease.ts";

export const ANSWER_BYTES_MAX = 262_144;
export const REQUEST_MS_MAX = 5_000;
const LATE = `The License Server did not answer within ${REQUEST_MS_MAX / 1_000} seconds.`;
const SENTENCE_CHARACTERS_MAX = 300;

export type NoAnswerKind = "unreachable" | "timed_out" | "too_large" | "malformed" | "refused" | "not_pinned" | "stopped";

/** Thrown when an address gave nothing to judge. The message is one sentence without the address. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  readonly kind: NoAnswerKind;
  /** The fault that the server gave, when it is one of ours. Unsigned: good for a sentence, not for a decision. */
  readonly fault: Fault | undefined;

  constructor(kind: NoAnswerKind, message: string, options: NoAnswerOptions = {}) {
    super(message, options);
    this.kind = kind;
    this.fault = options.fault;
  }
}

interface NoAnswerOptions extends ErrorOptions {
  readonly fault?: Fault;
}

/** Where and how to ask. */
export interface Connection {
  readonly services: Services;
  /** Base URL of a License Server. */
  readonly address: string;
  /** Aborted when the role stops. */
  readonly signal: AbortSignal;
}

/** `path` below the address, which may itself have a path. */
export function urlOf(address: string, path: string): string {
  return `${address.replace(/\/+$/, "")}${path}`;
}

async function boundedBytes(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new NoAnswer("too_large", `The License Server's answer is larger than ${ANSWER_BYTES_MAX} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parsed(bytes: Uint8Array): Json {
  try {
    return parseStrictJson(bytes);
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause;
    throw new NoAnswer("malformed", "The License Server's answer is not JSON.", { cause });
  }
}

function isFaultCode(code: unknown): code is FaultCode {
  return typeof code === "string" && Object.hasOwn(faultCodes, code);
}

const Fact = Type.Union([Type.Null(), Type.Boolean(), Type.Number(), Type.String({ maxLength: 200 })]);
const faultShape = shapeOf(
  Type.Object({
    error_code: Type.String(),
    error_message: Type.String(),
    hint: Type.Optional(Type.String()),
    details: Type.Optional(Type.Record(Type.String({ pattern: "^[a-z_]{1,40}$" }), Fact, { additionalProperties: false, maxProperties: 16 })),
  }),
);

/** A text from the network made fit for a log, a terminal and a page. */
function harmless(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, " ").slice(0, SENTENCE_CHARACTERS_MAX);
}

function faultIn(bytes: Uint8Array): Fault | undefined {
  const body = findJson(Buffer.from(bytes).toString("utf8"));
  if (!faultShape.Check(body) || !isFaultCode(body.error_code)) return undefined;
  const { error_code, error_message, hint, details } = body;
  const facts = Object.entries(details ?? {}).map(([name, fact]) => [name, typeof fact === "string" ? harmless(fact) : fact]);
  return new Fault(error_code, harmless(error_message), {
    ...(hint && { hint: harmless(hint) }),
    ...(details && { details: Object.fromEntries(facts) }),
  });
}

/** An error answer in the server's own words, when they are of our form and name a known code; else by its status alone. */
function refusalOf(status: number, bytes: Uint8Array): NoAnswer {
  const fault = faultIn(bytes);
  if (fault === undefined) return new NoAnswer("refused", `The License Server's address answered with status ${status}.`);
  return new NoAnswer("refused", `The License Server refused: ${fault.message}`, { fault });
}

type Method = "POST" | "PUT";

interface Request {
  readonly method: Method;
  readonly path: string;
  readonly body: object;
}

async function exchange({ services, address, signal }: Connection, { method, path, body }: Request): Promise<Json> {
  const response = await services.fetch(urlOf(address, path), {
    method,
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
    redirect: "manual",
    keepalive: false,
    signal,
  });
  const bytes = await boundedBytes(response);
  if (response.status !== 200) throw refusalOf(response.status, bytes);
  return parsed(bytes);
}

/** Sends `body` as JSON. Throws {@link NoAnswer} for everything but a JSON answer with status 200 in time. */
async function send(connection: Connection, request: Request): Promise<Json> {
  const { services, signal } = connection;
  const late = new AbortController();
  const cancel = services.clock.after(REQUEST_MS_MAX, () => late.abort());
  try {
    return await exchange({ ...connection, signal: AbortSignal.any([signal, late.signal]) }, request);
  } catch (cause) {
    if (cause instanceof NoAnswer) throw cause;
    if (signal.aborted) throw new NoAnswer("stopped", "The role stops.", { cause });
    if (late.signal.aborted) throw new NoAnswer("timed_out", LATE, { cause });
    throw new NoAnswer("unreachable", "The License Server cannot be reached.", { cause });
  } finally {
    cancel();
  }
}

const challengeShape = shapeOf(ChallengeSchema);
const testShape = shapeOf(LicenseTestSchema);
/** Open to members of newer servers: nothing in it is believed but what is signed inside. */
const leaseAnswerShape = shapeOf(
  Type.Object({
    lease: Type.String({ maxLength: 131_072 }),
    changes_ticket: Type.Optional(Type.String({ maxLength: 4_096 })),
    next: Type.Optional(NextChallengeSchema),
  }),
);
export interface LeaseAnswer {
  /** The signed lease, to be judged. */
  readonly lease: string;
  /** Bearer ticket for the stream of changes. */
  readonly changesTicket: string | undefined;
  /** What the next proof answers; without one the next exchange begins with a challenge. */
  readonly next: NextChallenge | undefined;
}

/** Asks for the server's half of the exchange. Throws {@link NoAnswer}. */
export async function requestChallenge(connection: Connection, request: ChallengeRequest): Promise<Challenge> {
  const answer = await send(connection, { method: "POST", path: "/v1/challenges", body: request });
  if (challengeShape.Check(answer)) return answer;
  throw new NoAnswer("malformed", "The answer is not a challenge of a License Server.");
}

/** Hands in the proof and takes what may be a lease. Throws {@link NoAnswer}. */
export async function requestLease(connection: Connection, proof: string): Promise<LeaseAnswer> {
  const answer = await send(connection, { method: "POST", path: "/v1/leases", body: { proof } });
  if (leaseAnswerShape.Check(answer)) return { lease: answer.lease, changesTicket: answer.changes_ticket, next: answer.next };
  throw new NoAnswer("malformed", "The answer to the proof holds no lease.");
}

/** Has the server read its license file again. Throws {@link NoAnswer}. */
export async function requestReload(connection: Connection, proof: string): Promise<void> {
  await send(connection, { method: "POST", path: "/v1/reload", body: { proof } });
}

/** Has the server replace its license by `license`, the text of a file whose hash the proof names. Throws {@link NoAnswer}. */
export async function requestInstall(connection: Connection, proof: string, license: string): Promise<void> {
  await send(connection, { method: "PUT", path: "/v1/license", body: { proof, license } });
}

/** What replacing the license by such a file would do; nothing is replaced. Throws {@link NoAnswer}. */
export async function requestTest(connection: Connection, proof: string, license: string): Promise<LicenseTestAnswer> {
  const answer = await send(connection, { method: "POST", path: "/v1/license/test", body: { proof, license } });
  if (testShape.Check(answer)) return answer;
  throw new NoAnswer("malformed", "The answer does not say what the file would do.");
}

/**
 * One License Server's address as a role sees it: bounded requests, and the challenge that each signed one begins with.
 *
 * Rule: nothing here is believed. Whatever is late, large, redirected, malformed or not `200` is a {@link NoAnswer}; it
 * never changes what is granted. What a signed lease is worth is judged in `grant.ts`.
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { type Json, parseStrictJson, StrictJsonError } from "../crypto/strict-json.ts";
import { type FaultCode, faultCodes } from "../fault.ts";
import type { Services } from "../services.ts";
import { type Challenge, type ChallengeRequest, ChallengeSchema } from "./lease.ts";

export const ANSWER_BYTES_MAX = 262_144;
export const REQUEST_MS_MAX = 5_000;
const SENTENCE_CHARACTERS_MAX = 300;

export type NoAnswerKind = "unreachable" | "timed_out" | "too_large" | "malformed" | "refused" | "not_pinned" | "stopped";

/** Thrown when an address gave nothing to judge. The message is one sentence without the address. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  readonly kind: NoAnswerKind;
  /** The fault the server named, when it named a known one. Unsigned: good for a sentence, not for a decision. */
  readonly code: FaultCode | undefined;
  /** What the server says would make it work. Unsigned as well. */
  readonly hint: string | undefined;

  constructor(kind: NoAnswerKind, message: string, options: NoAnswerOptions = {}) {
    super(message, options);
    this.kind = kind;
    this.code = options.code;
    this.hint = options.hint;
  }
}

interface NoAnswerOptions extends ErrorOptions {
  readonly code?: FaultCode;
  readonly hint?: string | undefined;
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

function looseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const refusalShape = Compile(
  Type.Object({ error_code: Type.String(), error_message: Type.String(), hint: Type.Optional(Type.Union([Type.String(), Type.Null()])) }),
);

/** A text from the network made fit for a log, a terminal and a page. */
function harmless(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, " ").slice(0, SENTENCE_CHARACTERS_MAX);
}

/** An error answer as the server's own words, when they are of our form and name a known code; else its status alone. */
function refusalOf(status: number, bytes: Uint8Array): NoAnswer {
  const body = looseJson(bytes);
  if (!refusalShape.Check(body) || !isFaultCode(body.error_code)) {
    return new NoAnswer("refused", `The License Server's address answered with status ${status}.`);
  }
  const hint = typeof body.hint === "string" ? harmless(body.hint) : undefined;
  return new NoAnswer("refused", `The License Server refused: ${harmless(body.error_message)}`, { code: body.error_code, hint });
}

async function exchange(url: string, body: object, { services, signal }: Connection): Promise<Json> {
  const response = await services.fetch(url, {
    method: "POST",
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

/** Posts `body` as JSON. Throws {@link NoAnswer} for everything but a JSON answer with status 200 in time. */
export async function post(connection: Connection, path: string, body: object): Promise<Json> {
  const { services, address, signal } = connection;
  const late = new AbortController();
  const cancel = services.clock.after(REQUEST_MS_MAX, () => late.abort());
  try {
    return await exchange(urlOf(address, path), body, { ...connection, signal: AbortSignal.any([signal, late.signal]) });
  } catch (cause) {
    if (cause instanceof NoAnswer) throw cause;
    if (signal.aborted) throw new NoAnswer("stopped", "The role stops.", { cause });
    if (late.signal.aborted) throw new NoAnswer("timed_out", `The License Server did not answer within ${REQUEST_MS_MAX / 1_000} seconds.`, { cause });
    throw new NoAnswer("unreachable", "The License Server cannot be reached.", { cause });
  } finally {
    cancel();
  }
}

const challengeShape = Compile(ChallengeSchema);
/** Open to members of newer servers: nothing in it is believed but what is signed inside. */
const leaseAnswerShape = Compile(
  Type.Object({ lease: Type.String({ maxLength: 131_072 }), changes_ticket: Type.Optional(Type.String({ maxLength: 4_096 })) }),
);
export interface LeaseAnswer {
  /** The signed lease, to be judged. */
  readonly lease: string;
  /** Bearer ticket for the stream of changes. */
  readonly changesTicket: string | undefined;
}

/** Asks for the server's half of the exchange. Throws {@link NoAnswer}. */
export async function requestChallenge(connection: Connection, request: ChallengeRequest): Promise<Challenge> {
  const answer = await post(connection, "/v1/challenges", request);
  if (challengeShape.Check(answer)) return answer;
  throw new NoAnswer("malformed", "The answer is not a challenge of a License Server.");
}

/** Hands in the proof and takes what may be a lease. Throws {@link NoAnswer}. */
export async function requestLease(connection: Connection, proof: string): Promise<LeaseAnswer> {
  const answer = await post(connection, "/v1/leases", { proof });
  if (leaseAnswerShape.Check(answer)) return { lease: answer.lease, changesTicket: answer.changes_ticket };
  throw new NoAnswer("malformed", "The answer to the proof holds no lease.");
}

/** Has the server read its license file again. Throws {@link NoAnswer}. */
export async function postReload(connection: Connection, proof: string): Promise<void> {
  await post(connection, "/v1/reload", { proof });
}

/** Has the server replace its license file by `file`, whose hash the proof names. Throws {@link NoAnswer}. */
export async function postInstall(connection: Connection, proof: string, file: Uint8Array): Promise<void> {
  await post(connection, "/v1/install", { proof, file: Buffer.from(file).toString("base64url") });
}

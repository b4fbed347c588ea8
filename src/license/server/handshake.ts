/**
 * The License Server's side of the handshake: the ordered list of checks that a proof has to pass.
 *
 *     signature → form → live challenge (taken) → client nonce → role → purpose → audience → file → marks
 *
 * Rule: the list is the specification (`docs/lease-protocol.md`); the first check that objects names the refusal.
 * Nothing of a message is parsed before its signature holds: its kid only chooses among the keys that have a live
 * challenge. The challenge is taken before anything else is looked at, so a proof is tried once. Whether the client is
 * enrolled is decided later, in the transaction that grants.
 */
import { isSameSecret } from "../../crypto/sealing.ts";
import { JwsError } from "../../crypto/jws.ts";
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Challenges, LiveChallenge } from "./challenges.ts";
import { type ClientKey, type Proof, verifyProofBy } from "../lease.ts";

/**
 * Counters, epochs and sequences a client may claim at most. Far above any real one, and far enough below 2^53 that a
 * liar cannot wear a counter out.
 */
export const MARK_MAX = 2 ** 48;
/** The end of the year 9999, epoch seconds. */
const TIME_MAX = 253_402_300_799;
/** A client's claim may leap ahead of what is known by so much: one liar must not refuse every license to come. */
export const SEQUENCE_LEAP_MAX = 1_000_000;

/** What the door that received the proof demands. */
export interface Demand {
  readonly purpose: Proof["purpose"];
  /** Thumbprint of this server's instance key. */
  readonly audience: string;
  /** SHA-256 of the file that came along, base64url; with purpose `install` and `test`. */
  readonly fileSha256?: string;
}

/** A client that proved its key in a fresh exchange. */
export interface Presented {
  readonly proof: Proof;
  readonly clientId: string;
  readonly key: ClientKey;
  readonly challenge: LiveChallenge;
}

/** Why a proof is refused: stable words, in the order of the checks. */
export type ProofRefusal = "signature" | "challenge" | "client_nonce" | "role" | "purpose" | "audience" | "file" | "marks";

export function refusedProof(check: ProofRefusal, sentence: string, cause?: unknown): Fault {
  return new Fault("handshake_refused", sentence, {
    hint: "Begin again with a new challenge (POST /v1/challenges); a challenge serves once and for 30 seconds.",
    details: { check },
    cause,
  });
}

type Check = (proof: Proof, challenge: LiveChallenge, demand: Demand) => boolean;

const checks: readonly (readonly [Exclude<ProofRefusal, "signature" | "challenge">, Check, string])[] = [
  [
    "client_nonce",
    // The one that went along with a lease names none: the client chooses it with the proof, and finds it in the answer.
    (proof, { request: { client_nonce } }) => client_nonce === undefined || isSameSecret(proof.client_nonce, client_nonce),
    "The proof answers another question than the challenge.",
  ],
  ["role", (proof, { request }) => proof.role === request.role, "The proof is for another role than the challenge."],
  [
    "purpose",
    // A product of others gets leases and changes nothing.
    (proof, { request }, { purpose }) => proof.purpose === purpose && (purpose === "lease" || (request.client_nonce !== undefined && proof.role !== "product")),
    "The proof was made for another purpose.",
  ],
  ["audience", (proof, _challenge, { audience }) => proof.audience === audience, "The proof was made for another License Server."],
  ["file", (proof, _challenge, { fileSha256 }) => proof.file_sha256 === fileSha256, "The proof does not name the file that came with it."],
  [
    "marks",
    ({ seen }) => [seen.epoch, seen.counter, seen.sequence].every((mark) => mark <= MARK_MAX) && seen.time <= TIME_MAX,
    "The proof claims marks that cannot be.",
  ],
];

function verified(message: string, challenges: Challenges): { readonly proof: Proof; readonly key: ClientKey } {
  try {
    return verifyProofBy(message, (kid) => challenges.findKey(kid));
  } catch (cause) {
    if (!(cause instanceof JwsError)) throw cause;
    throw refusedProof("signature", `The proof is not signed by a client with a live challenge: ${cause.message}.`, cause);
  }
}

/** Takes the challenge that `message` answers. Throws Fault `handshake_refused`; the challenge is then gone as well. */
export function presentProof(challenges: Challenges, message: string, demand: Demand): Presented {
  const { proof, key } = verified(message, challenges);
  const challenge = challenges.take(key.kid, proof.server_nonce);
  if (challenge === undefined) throw refusedProof("challenge", "The challenge is not live: it was used, is too old or was never made.");
  for (const [check, passes, sentence] of checks) {
    if (!passes(proof, challenge, demand)) throw refusedProof(check, sentence);
  }
  return { proof, clientId: key.kid, key, challenge };
}

/** The caller that a proof stands for. */
export function presentedCaller({ clientId }: Presented, address: string | undefined): Caller {
  return { kind: "lease_client", clientId, address };
}

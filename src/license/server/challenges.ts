/**
 * Live challenges: the License Server's half of the handshake's freshness.
 *
 * A challenge is a nonce for one client key, one role and one client nonce. It can be taken once, within
 * {@link CHALLENGE_SECONDS} of the monotonic clock, and is never written down: after a restart none is live.
 * Strangers may ask for challenges, so the table is bounded: the oldest goes first, and of one key's the oldest of it.
 *
 * With a lease goes the challenge of the client's next renewal, so that a renewal is one request. It names no client
 * nonce, serves a lease and nothing else, lives as long as that lease, and there is one for each client: another
 * answer replaces it, and a client that begins anew ends it, so that a proof that was held back dies with it. Strangers
 * cannot push these out.
 */
import { encodeBase64url } from "../../crypto/base64url.ts";
import { JwsError } from "../../crypto/jws.ts";
import { Fault } from "../../fault.ts";
import type { Services } from "../../services.ts";
import { CHALLENGE_SECONDS, type ChallengeRequest, type ClientKey, clientKeyFromX } from "../lease.ts";

export const CHALLENGES_MAX = 10_000;
/** A client has one exchange under way, or a few after lost answers. */
export const CHALLENGES_PER_KEY_MAX = 8;
/** Clients whose next challenge is kept; beyond it the oldest begins its next renewal with a request more. */
export const NEXT_CHALLENGES_MAX = 10_000;
const NONCE_BYTES = 32;

/** What a challenge is for. Without a client nonce it went along with a lease, and the client chooses its nonce later. */
export type ChallengeFor = Omit<ChallengeRequest, "client_nonce"> & Partial<Pick<ChallengeRequest, "client_nonce">>;

export interface LiveChallenge {
  readonly request: ChallengeFor;
  /** Thumbprint of the client key. */
  readonly clientId: string;
  readonly serverNonce: string;
  readonly endsAtMonotonicMs: number;
}

/** A challenge that went along with a lease, and the key that answers it. */
interface NextChallenge extends LiveChallenge {
  readonly key: ClientKey;
}

interface Asker {
  readonly key: ClientKey;
  /** Server nonces in order of issue. */
  readonly nonces: Set<string>;
}

function keyOf({ client_key }: ChallengeFor): ClientKey {
  try {
    return clientKeyFromX(client_key);
  } catch (cause) {
    if (!(cause instanceof JwsError)) throw cause;
    throw new Fault("invalid_request", `The client key cannot be used: ${cause.message}.`, { cause });
  }
}

export class Challenges {
  readonly #services: Services;
  /** By server nonce, oldest first. */
  readonly #live = new Map<string, LiveChallenge>();
  /** By thumbprint of the client key; present while one of its challenges is live. */
  readonly #askers = new Map<string, Asker>();
  /** What went along with a lease: by thumbprint of the client key, the one longest without a lease first. */
  readonly #next = new Map<string, NextChallenge>();

  constructor(services: Services) {
    this.#services = services;
  }

  /** Live challenges that were asked for. */
  get count(): number {
    return this.#live.size;
  }

  /** Live challenges that went along with a lease. */
  get nextCount(): number {
    return this.#next.size;
  }

  /** A new challenge. Throws Fault `invalid_request` for a key that nobody could prove, or everybody. */
  issue(request: ChallengeRequest): LiveChallenge {
    this.#forgetOld();
    const key = keyOf(request);
    const asker = this.#askers.get(key.kid) ?? { key, nonces: new Set() };
    for (const oldest of asker.nonces) {
      if (asker.nonces.size < CHALLENGES_PER_KEY_MAX) break;
      this.#remove(oldest, asker);
    }
    const challenge = this.#make(request, key, CHALLENGE_SECONDS);
    this.#live.set(challenge.serverNonce, challenge);
    asker.nonces.add(challenge.serverNonce);
    this.#askers.set(key.kid, asker);
    this.#next.delete(key.kid);
    return challenge;
  }

  /** The challenge that goes along with a lease of `seconds` for the client that was challenged by `answered`. */
  issueNext({ request: { client_key, role } }: LiveChallenge, key: ClientKey, seconds: number): LiveChallenge {
    const challenge = { ...this.#make({ client_key, role }, key, seconds), key };
    this.#next.delete(key.kid);
    for (const oldest of this.#next.keys()) {
      if (this.#next.size < NEXT_CHALLENGES_MAX) break;
      this.#next.delete(oldest);
    }
    this.#next.set(key.kid, challenge);
    return challenge;
  }

  /** The client key with this thumbprint, while it has a live challenge. */
  findKey(clientId: string): ClientKey | undefined {
    return this.#next.get(clientId)?.key ?? this.#askers.get(clientId)?.key;
  }

  /** The client's challenge with this nonce; from then on it is gone, whatever becomes of the proof. */
  take(clientId: string, serverNonce: string): LiveChallenge | undefined {
    const next = this.#next.get(clientId);
    if (next?.serverNonce === serverNonce) {
      this.#next.delete(clientId);
      return this.#isOver(next) ? undefined : next;
    }
    const challenge = this.#live.get(serverNonce);
    const asker = this.#askers.get(clientId);
    if (challenge?.clientId !== clientId || asker === undefined) return undefined;
    this.#remove(serverNonce, asker);
    return this.#isOver(challenge) ? undefined : challenge;
  }

  #make(request: ChallengeFor, { kid }: ClientKey, seconds: number): LiveChallenge {
    const serverNonce = encodeBase64url(this.#services.random.bytes(NONCE_BYTES));
    return { request, clientId: kid, serverNonce, endsAtMonotonicMs: this.#services.clock.monotonic() + seconds * 1_000 };
  }

  #isOver({ endsAtMonotonicMs }: LiveChallenge): boolean {
    return this.#services.clock.monotonic() >= endsAtMonotonicMs;
  }

  #forgetOld(): void {
    for (const [nonce, challenge] of this.#live) {
      const asker = this.#askers.get(challenge.clientId);
      if (this.#live.size < CHALLENGES_MAX && !this.#isOver(challenge)) return;
      if (asker !== undefined) this.#remove(nonce, asker);
    }
  }

  #remove(nonce: string, asker: Asker): void {
    this.#live.delete(nonce);
    asker.nonces.delete(nonce);
    if (asker.nonces.size === 0) this.#askers.delete(asker.key.kid);
  }
}

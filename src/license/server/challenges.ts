/**
 * Live challenges: the License Server's half of the handshake's freshness.
 *
 * A challenge is a nonce for one client key, one role and one client nonce. It can be taken once, within
 * {@link CHALLENGE_SECONDS} of the monotonic clock, and is never written down: after a restart none is live.
 * Strangers may ask for challenges, so the table is bounded: the oldest goes first, and of one key's the oldest of it.
 */
import { encodeBase64url } from "../../crypto/base64url.ts";
import { JwsError } from "../../crypto/jws.ts";
import { Fault } from "../../fault.ts";
import type { Services } from "../../services.ts";
import { CHALLENGE_SECONDS, type ChallengeRequest, type ClientKey, clientKeyFromX } from "../lease.ts";

export const CHALLENGES_MAX = 10_000;
/** A client has one exchange under way, or a few after lost answers. */
export const CHALLENGES_PER_KEY_MAX = 8;
const NONCE_BYTES = 32;

export interface LiveChallenge {
  readonly request: ChallengeRequest;
  /** Thumbprint of the client key. */
  readonly clientId: string;
  readonly serverNonce: string;
  readonly issuedAtMonotonicMs: number;
}

interface Asker {
  readonly key: ClientKey;
  /** Server nonces in order of issue. */
  readonly nonces: Set<string>;
}

function keyOf({ client_key }: ChallengeRequest): ClientKey {
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

  constructor(services: Services) {
    this.#services = services;
  }

  /** Live challenges. */
  get count(): number {
    return this.#live.size;
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
    const serverNonce = encodeBase64url(this.#services.random.bytes(NONCE_BYTES));
    const challenge = { request, clientId: key.kid, serverNonce, issuedAtMonotonicMs: this.#services.clock.monotonic() };
    this.#live.set(serverNonce, challenge);
    asker.nonces.add(serverNonce);
    this.#askers.set(key.kid, asker);
    return challenge;
  }

  /** The client key with this thumbprint, while it has a live challenge. */
  findKey(clientId: string): ClientKey | undefined {
    return this.#askers.get(clientId)?.key;
  }

  /** The client's challenge with this nonce; from then on it is gone, whatever becomes of the proof. */
  take(clientId: string, serverNonce: string): LiveChallenge | undefined {
    const challenge = this.#live.get(serverNonce);
    const asker = this.#askers.get(clientId);
    if (challenge?.clientId !== clientId || asker === undefined) return undefined;
    this.#remove(serverNonce, asker);
    return this.#isOld(challenge) ? undefined : challenge;
  }

  #isOld({ issuedAtMonotonicMs }: LiveChallenge): boolean {
    return this.#services.clock.monotonic() - issuedAtMonotonicMs >= CHALLENGE_SECONDS * 1_000;
  }

  #forgetOld(): void {
    for (const [nonce, challenge] of this.#live) {
      const asker = this.#askers.get(challenge.clientId);
      if (this.#live.size < CHALLENGES_MAX && !this.#isOld(challenge)) return;
      if (asker !== undefined) this.#remove(nonce, asker);
    }
  }

  #remove(nonce: string, asker: Asker): void {
    this.#live.delete(nonce);
    asker.nonces.delete(nonce);
    if (asker.nonces.size === 0) this.#askers.delete(asker.key.kid);
  }
}

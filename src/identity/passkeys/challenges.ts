/**
 * Challenges: what an authenticator signs, good once, for a short time, for one purpose and one holder.
 *
 *     base64url( nonce "." expiry "." tag )        tag = HMAC over purpose, holder, nonce and expiry
 *
 * A challenge proves by itself that we made it, for whom and until when, so showing a sign-in page writes nothing and
 * strangers cannot fill the store by asking. What is stored is that one was answered, until it would have run out.
 */
import { inArray, lt } from "drizzle-orm";
import { decodeBase64url, encodeBase64url } from "../../crypto/base64url.ts";
import { isSameSecret } from "../../crypto/sealing.ts";
import { randomSecret } from "../../crypto/tokens.ts";
import type { Act, CommandAct } from "../../gate/operation.ts";

/** `sign_in`: instead of a password. `second_step`: after it. `prove`: before ways in are changed. `register`: a new passkey. */
export type ChallengePurpose = "register" | "sign_in" | "second_step" | "prove";

/** What a challenge was made for. One made for anything else is none. */
export interface ChallengeUse {
  readonly purpose: ChallengePurpose;
  /** The session, step token or browser that it was given to. */
  readonly holder: string;
}

export const CHALLENGE_SECONDS = 300;
const CHALLENGE_CHARACTERS_MAX = 256;
const TEXT = /^([0-9A-Za-z]{43})\.(\d{1,16})\.([A-Za-z0-9_-]{43})$/;
/** Each answered challenge sweeps out so many that have run out. */
const SWEEP_MAX = 20;

function tagOf({ sealer }: Pick<Act, "sealer">, { purpose, holder }: ChallengeUse, once: string): string {
  return sealer.digest("passkey-challenge", `${purpose}:${once}:${holder}`);
}

/** A new challenge, base64url. */
export function createChallenge(act: Pick<Act, "sealer" | "services">, use: ChallengeUse): string {
  const nonce = randomSecret(act.services.random);
  const once = `${nonce}.${act.services.clock.now() + CHALLENGE_SECONDS * 1_000}`;
  return encodeBase64url(`${once}.${tagOf(act, use, once)}`);
}

/** When the challenge ends, epoch milliseconds; undefined when we did not make it for this use. */
function expiryOf(act: Pick<Act, "sealer">, challenge: string, use: ChallengeUse): number | undefined {
  const text = challenge.length > CHALLENGE_CHARACTERS_MAX ? "" : (decodeBase64url(challenge)?.toString("latin1") ?? "");
  const [, nonce, expiry, tag] = TEXT.exec(text) ?? [];
  if (nonce === undefined || expiry === undefined || tag === undefined) return undefined;
  return isSameSecret(tag, tagOf(act, use, `${nonce}.${expiry}`)) ? Number(expiry) : undefined;
}

/** Uses up the challenge; false when it is not ours, not for this use, over, or was answered before. */
export async function takeChallenge(act: CommandAct, challenge: string, use: ChallengeUse): Promise<boolean> {
  const { writer, services, sealer } = act;
  const { passkeyChallenges: challenges } = writer.tables;
  const now = services.clock.now();
  const expires_at = expiryOf(act, challenge, use);
  // One from further ahead than any lives was made by a clock that ran ahead: its end means nothing.
  if (expires_at === undefined || expires_at <= now || expires_at > now + CHALLENGE_SECONDS * 1_000) return false;
  const over = writer.select({ digest: challenges.digest }).from(challenges).where(lt(challenges.expires_at, now)).limit(SWEEP_MAX);
  await writer.delete(challenges).where(inArray(challenges.digest, over));
  const digest = sealer.digest("passkey-challenge", `answered:${challenge}`);
  const [taken] = await writer.insert(challenges).values({ digest, expires_at }).onConflictDoNothing({ target: challenges.digest }).returning({ digest: challenges.digest });
  return taken !== undefined;
}

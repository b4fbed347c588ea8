/**
 * Nonces for DPoP proofs (RFC 9449 section 8): by one a proof shows that it was made just now, and not ahead of time by
 * somebody who had the key for a moment.
 *
 * Rule: made from the time and a key of ours, so nothing is stored, and every process of the deployment knows the same.
 */
import { isSameSecret, type Sealer } from "../crypto/sealing.ts";

/** A new nonce so often; the one before goes on for as long again, and the next one is known to a clock that is ahead. */
const SLOT_SECONDS = 120;

function nonceOf(sealer: Sealer, slot: number): string {
  return sealer.digest("dpop-nonce", String(slot));
}

/** The nonce to use now. */
export function dpopNonce(sealer: Sealer, nowSeconds: number): string {
  return nonceOf(sealer, Math.floor(nowSeconds / SLOT_SECONDS));
}

/** Whether the nonce is ours, and of now. */
export function isFreshNonce(sealer: Sealer, nonce: string | undefined, nowSeconds: number): boolean {
  const slot = Math.floor(nowSeconds / SLOT_SECONDS);
  const matches = [slot - 1, slot, slot + 1].filter((each) => isSameSecret(nonce ?? "", nonceOf(sealer, each)));
  return matches.length === 1;
}

/**
 * What may be shown once: assertions and proofs, remembered by digest until they are too old to be shown again.
 *
 * Rule: one insert decides, so that of any number of equal ones at once exactly one is the first, on every process over
 * the store and across a restart.
 */
import { lt } from "drizzle-orm";
import type { CommandAct } from "../gate/operation.ts";

export type SeenKind = "assertion" | "dpop";

export interface Sighting {
  readonly kind: SeenKind;
  /** Who it is unique to, and its `jti`. */
  readonly owner: string;
  readonly jti: string;
  /** Epoch milliseconds from which it is refused for its age alone. */
  readonly expiresAtMs: number;
}

/** True for the first sighting; false for every other. What is too old anyway is forgotten on the way. */
export async function isFirstSighting({ writer, sealer, services }: CommandAct, { kind, owner, jti, expiresAtMs }: Sighting): Promise<boolean> {
  const { oidcSeenTokens: seen } = writer.tables;
  await writer.delete(seen).where(lt(seen.expires_at, services.clock.now()));
  const id = `${kind}/${sealer.digest("oidc-jti", `${owner}\n${jti}`)}`;
  const inserted = await writer.insert(seen).values({ id, expires_at: expiresAtMs }).onConflictDoNothing().returning({ id: seen.id });
  return inserted.length === 1;
}

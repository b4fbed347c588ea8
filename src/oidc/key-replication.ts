/**
 * Signing keys that several sites share: read out to be handed on by the one that leads, and taken over by those that follow.
 *
 * Rule: a follower makes no key of its own, or the sites would drift apart; what it had made before signs no more from the
 * moment it follows, and is published until its last token has ended. It must not know how keys travel.
 */
import { and, desc, eq, gt, isNull, notInArray, or, sql } from "drizzle-orm";
import type { CommandAct } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";
import { type PrivateJwk, type PublicJwk, publicJwkOf } from "./jwk.ts";
import { findNextKey, findSigningKey, keyStateOf, listPublishedKeys, openKey, publishedUntilOf, type StoredKey } from "./signing-keys.ts";

/** Revoked keys go along for so long, so that whoever was away learns of it. */
const REVOKED_TOLD_MS = 30 * 86_400_000;
const REVOKED_MAX = 50;

/** A key as it is handed on. Instants in epoch milliseconds. */
export interface SharedKey {
  readonly public_jwk: PublicJwk;
  /** Null for one that signs no more. */
  readonly private_jwk: PrivateJwk | null;
  readonly created_at: number;
  readonly active_from: number;
  readonly retired_at: number | null;
  readonly published_until: number | null;
  readonly revoked_at: number | null;
  readonly token_seconds: number;
}

/** Whether this site takes its keys from another. */
export async function isKeyFollower(reader: Reader): Promise<boolean> {
  const { federationKeyState: state } = reader.tables;
  const [row] = await reader.select({ standing: state.standing }).from(state).limit(1);
  return row?.standing === "follower";
}

function sharedOf({ sealer }: Pick<CommandAct, "sealer">, key: StoredKey, now: number): SharedKey {
  const signs = key.sealedPrivateJwk !== "" && ["signing", "pending"].includes(keyStateOf(key, now));
  const { publicJwk, createdAt, activeFrom, retiredAt, publishedUntil, revokedAt, tokenSeconds } = key;
  return {
    public_jwk: publicJwk,
    private_jwk: signs ? openKey(sealer, key) : null,
    created_at: createdAt,
    active_from: activeFrom,
    retired_at: retiredAt,
    published_until: publishedUntil,
    revoked_at: revokedAt,
    token_seconds: tokenSeconds,
  };
}

async function revokedKeys(reader: Reader, now: number): Promise<readonly { readonly kid: string; readonly revoked_at: number }[]> {
  const { signingKeys: keys } = reader.tables;
  const rows = await reader.select({ kid: keys.kid, revoked_at: keys.revoked_at }).from(keys).where(gt(keys.revoked_at, now - REVOKED_TOLD_MS)).orderBy(desc(keys.revoked_at)).limit(REVOKED_MAX);
  return rows.flatMap(({ kid, revoked_at }) => (revoked_at === null ? [] : [{ kid, revoked_at }]));
}

export interface SharedKeys {
  readonly keys: readonly SharedKey[];
  readonly revoked: readonly { readonly kid: string; readonly revoked_at: number }[];
}

/** All that verify, with the private halves of those that sign or will. */
export async function readSharedKeys(act: Pick<CommandAct, "writer" | "sealer" | "services">): Promise<SharedKeys> {
  const now = act.services.clock.now();
  const stored = await listPublishedKeys(act.writer, now);
  return { keys: stored.map((key) => sharedOf(act, key, now)), revoked: await revokedKeys(act.writer, now) };
}

/** Until when what was handed on is all that there is to know: the first change that it does not tell of. Epoch milliseconds. */
export function knownUntil(keys: readonly StoredKey[], intervalMs: number, now: number): number | undefined {
  const ends = [...new Set(keys.map(({ publicJwk }) => publicJwk.alg))].flatMap((alg) => {
    const last = findNextKey(keys, alg, now) ?? findSigningKey(keys, alg, now);
    return last === undefined ? [] : [last.activeFrom + intervalMs];
  });
  return ends.length === 0 ? undefined : Math.min(...ends);
}

/** Whether the private half, where there is one, is of the public one that it stands beside. */
export function isWholeKey({ public_jwk, private_jwk }: SharedKey): boolean {
  return private_jwk === null || publicJwkOf(private_jwk).kid === public_jwk.kid;
}

async function takeKey({ writer, sealer }: CommandAct, key: SharedKey): Promise<void> {
  const { signingKeys: keys } = writer.tables;
  const { kid, alg } = key.public_jwk;
  const { created_at, active_from, retired_at, published_until, revoked_at, token_seconds } = key;
  const private_jwk = key.private_jwk === null ? "" : sealer.seal("signing-key", kid, JSON.stringify(key.private_jwk));
  const columns = { created_at, active_from, retired_at, published_until, revoked_at };
  await writer
    .insert(keys)
    .values({ kid, alg, public_jwk: JSON.stringify(key.public_jwk), private_jwk, token_seconds, ...columns })
    // What was revoked here stays so, whatever an older export says.
    .onConflictDoUpdate({ target: keys.kid, set: { ...columns, private_jwk, token_seconds: sql`case when ${keys.token_seconds} > ${token_seconds} then ${keys.token_seconds} else ${token_seconds} end` }, setWhere: isNull(keys.revoked_at) });
}

/** Keys of this site alone sign no more; those that never did are gone. */
async function retireOthers({ writer, services }: CommandAct, kids: readonly string[]): Promise<void> {
  const { signingKeys: keys } = writer.tables;
  const now = services.clock.now();
  const isOther = and(notInArray(keys.kid, [...kids]), isNull(keys.revoked_at));
  await writer.update(keys).set({ revoked_at: now, private_jwk: "" }).where(and(isOther, gt(keys.active_from, now)));
  await writer
    .update(keys)
    .set({ retired_at: now, published_until: publishedUntilOf(writer.tables, now), private_jwk: "" })
    .where(and(isOther, or(isNull(keys.retired_at), gt(keys.retired_at, now))));
}

/** Takes over what the leader says, and nothing beside it. */
export async function takeSharedKeys(act: CommandAct, { keys: shared, revoked }: SharedKeys): Promise<void> {
  const { signingKeys: keys } = act.writer.tables;
  for (const key of shared) await takeKey(act, key);
  for (const { kid, revoked_at } of revoked) await act.writer.update(keys).set({ revoked_at, private_jwk: "" }).where(and(eq(keys.kid, kid), isNull(keys.revoked_at)));
  await retireOthers(act, shared.map(({ public_jwk }) => public_jwk.kid));
}

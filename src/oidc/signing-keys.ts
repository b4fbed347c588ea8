/**
 * The issuer's signing keys: rows with a sealed private half and a life in stages.
 *
 *     created = published ── active_from: signs ── retired_at: signs no more ── published_until: gone
 *                                      └── revoked_at: gone at once, from any stage
 *
 * A key is published before it signs and after it has signed, so that no verifier meets a token whose key it cannot
 * find. The stages follow from the row and the clock alone: once a change is committed nothing has to happen later.
 * When keys change is decided in `key-rotation.ts`.
 */
import { and, desc, eq, gt, isNull, lt, or, sql } from "drizzle-orm";
import type { Sealer } from "../crypto/sealing.ts";
import { Fault } from "../fault.ts";
import { command, query } from "../gate/operation.ts";
import { requireAdministrator } from "../identity/administrators.ts";
import type { Settings } from "../settings.ts";
import { type Given, planRead } from "../store/plan.ts";
import type { Tables } from "../store/schema.ts";
import type { Reader } from "../store/store.ts";
import { parsePrivateJwk, parsePublicJwk, type PrivateJwk, type PublicJwk, type SigningAlgorithm, signingAlgorithms } from "./jwk.ts";

/** How long verifiers may keep the published keys, seconds: the `max-age` of the JWK Set. */
export const JWKS_CACHE_SECONDS = 300;
/** How far clocks of two processes may be apart, and how long one may sign on before it sees that its key has retired. */
const OVERLAP_MARGIN_MS = 120_000;
/** Published keys of one algorithm. Rotation in time needs two of them, or as many as fit into the life of a token. */
export const PUBLISHED_MAX = 32;
const KEYS_MAX = PUBLISHED_MAX * signingAlgorithms.length * 2;
const LISTED_MAX = 100;

export interface StoredKey {
  readonly publicJwk: PublicJwk;
  /** Empty once it has been destroyed. */
  readonly sealedPrivateJwk: string;
  /** Instants in epoch milliseconds. It is published from then on. */
  readonly createdAt: number;
  readonly activeFrom: number;
  readonly retiredAt: number | null;
  readonly publishedUntil: number | null;
  readonly revokedAt: number | null;
  readonly tokenSeconds: number;
}

export type KeyState = "pending" | "signing" | "retired" | "gone" | "revoked";

/** Every kind of token that the issuer signs has its life here, so that no key is taken away too early. */
export function longestTokenSeconds({ accessTokenSeconds, idTokenSeconds }: Settings): number {
  return Math.max(1, accessTokenSeconds, idTokenSeconds);
}

export function keyStateOf({ activeFrom, retiredAt, publishedUntil, revokedAt }: StoredKey, now: number): KeyState {
  if (revokedAt !== null) return "revoked";
  if (publishedUntil !== null && publishedUntil <= now) return "gone";
  if (retiredAt !== null && retiredAt <= now) return "retired";
  return activeFrom <= now ? "signing" : "pending";
}

function storedKeyOf(row: Tables["signingKeys"]["$inferSelect"]): StoredKey {
  return {
    publicJwk: parsePublicJwk(row.public_jwk),
    sealedPrivateJwk: row.private_jwk,
    createdAt: row.created_at,
    activeFrom: row.active_from,
    retiredAt: row.retired_at,
    publishedUntil: row.published_until,
    revokedAt: row.revoked_at,
    tokenSeconds: row.token_seconds,
  };
}

const listPublished = planRead((reader, given: Given<{ readonly now: number }>) => {
  const { signingKeys: keys } = reader.tables;
  return reader
    .select()
    .from(keys)
    .where(and(isNull(keys.revoked_at), or(isNull(keys.published_until), gt(keys.published_until, given("now")))))
    .orderBy(desc(keys.active_from), desc(keys.kid))
    .limit(KEYS_MAX);
});

/** Every key that verifies at `now`, the newest first; those that sign stand before the others. */
export async function listPublishedKeys(reader: Reader, now: number): Promise<readonly StoredKey[]> {
  const rows = await listPublished(reader, { now });
  const stored = rows.map(storedKeyOf);
  const isSigning = (key: StoredKey) => keyStateOf(key, now) === "signing";
  return [...stored.filter(isSigning), ...stored.filter((key) => !isSigning(key))];
}

/** The key of any state, or undefined. */
export async function findKey(reader: Reader, kid: string): Promise<StoredKey | undefined> {
  const { signingKeys: keys } = reader.tables;
  const [row] = await reader.select().from(keys).where(eq(keys.kid, kid));
  return row === undefined ? undefined : storedKeyOf(row);
}

function isOf(key: StoredKey, alg: SigningAlgorithm): boolean {
  return key.publicJwk.alg === alg && key.sealedPrivateJwk !== "";
}

/** The one of `keys`, as {@link listPublishedKeys} gives them, that signs with `alg` at `now`. */
export function findSigningKey(keys: readonly StoredKey[], alg: SigningAlgorithm, now: number): StoredKey | undefined {
  return keys.find((key) => isOf(key, alg) && keyStateOf(key, now) === "signing");
}

/** The one of `keys` that signs next with `alg`. */
export function findNextKey(keys: readonly StoredKey[], alg: SigningAlgorithm, now: number): StoredKey | undefined {
  return keys.findLast((key) => isOf(key, alg) && keyStateOf(key, now) === "pending");
}

/** The private half. Throws Fault `unavailable` when it was sealed under another master key, or altered. */
export function openKey(sealer: Sealer, { publicJwk, sealedPrivateJwk }: StoredKey): PrivateJwk {
  let opened: Buffer;
  try {
    opened = sealer.open("signing-key", publicJwk.kid, sealedPrivateJwk);
  } catch (cause) {
    throw new Fault("unavailable", "The issuer's signing key in the store cannot be opened with this master key.", {
      hint: "Restore master.key from the backup that belongs to this store.",
      cause,
    });
  }
  return parsePrivateJwk(opened.toString("utf8"));
}

/**
 * When a key that stops signing at `retiredAt` may go: after the longest token it signed. SQL, so that the life that
 * counts is the one in the row, whoever raised it.
 */
export function publishedUntilOf(tables: Tables, retiredAt: number) {
  return sql<number>`${retiredAt + OVERLAP_MARGIN_MS} + ${tables.signingKeys.token_seconds} * 1000`;
}

/** Until when the private half of a key that retires is needed: another process may still have to see that it has. */
export function needlessSince(now: number): number {
  return now - OVERLAP_MARGIN_MS;
}

/** A key as the operator and administrators see it. Instants in epoch milliseconds. */
export interface ListedKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly state: KeyState;
  readonly created_at: number;
  readonly active_from: number;
  readonly retired_at: number | null;
  readonly published_until: number | null;
  readonly revoked_at: number | null;
}

/** The keys of every state, the newest first; of very many the newest. */
export const listSigningKeys = query("signing_key.list", async ({ caller, reader, services }, _input: undefined): Promise<readonly ListedKey[]> => {
  requireAdministrator(caller);
  const { signingKeys: keys } = reader.tables;
  const rows = await reader.select().from(keys).orderBy(desc(keys.active_from), desc(keys.kid)).limit(LISTED_MAX);
  const now = services.clock.now();
  return rows.map(storedKeyOf).map((key) => ({
    kid: key.publicJwk.kid,
    alg: key.publicJwk.alg,
    state: keyStateOf(key, now),
    created_at: key.createdAt,
    active_from: key.activeFrom,
    retired_at: key.retiredAt,
    published_until: key.publishedUntil,
    revoked_at: key.revokedAt,
  }));
});

export interface TokenLife {
  readonly kid: string;
  readonly seconds: number;
}

/** Notes, before the first token of such a life is signed, that the key signs tokens which live so long; never takes a longer life back. */
export const noteTokenLife = command("signing_key.note_life", async ({ writer, note }, { kid, seconds }: TokenLife): Promise<void> => {
  const { signingKeys: keys } = writer.tables;
  // Where it never retires the sum with null stays null.
  const published_until = sql<number>`${keys.retired_at} + ${seconds * 1_000 + OVERLAP_MARGIN_MS}`;
  await writer
    .update(keys)
    .set({ token_seconds: seconds, published_until })
    .where(and(eq(keys.kid, kid), lt(keys.token_seconds, seconds)));
  note({ subject: `signing_key:${kid}`, details: { token_seconds: seconds } });
});

/**
 * Refresh tokens of grants: one lineage for each grant, exchanged by one conditional update.
 *
 *     first ── used ──► second ── used ──► third …        a used one again: for a few seconds its successor, then the end
 *
 * Rule: the only owner of the table. A client whose answer was lost repeats the token it just used, and gets the same
 * successor for {@link GRACE_MS}; so there are never two live ones, and nobody honest is locked out. Later the token was
 * stolen, from either side, and the grant ends (RFC 9700 section 4.14.2).
 */
import { and, eq, inArray, isNull, lt } from "drizzle-orm";
import { randomSecret } from "../crypto/tokens.ts";
import { assert } from "../fault.ts";
import type { CommandAct } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";

/** How long a token that was used is answered with its successor. */
export const GRACE_MS = 10_000;
const PREFIX = "ort-";
const TOKEN = /^ort-[0-9A-Za-z]{43}$/;
/** Each new lineage sweeps out so many tokens that have run out. */
const SWEEP_MAX = 20;

export interface StoredRefreshToken {
  readonly digest: string;
  readonly grantId: string;
  readonly clientId: string;
  readonly generation: number;
  readonly scope: string;
  /** Thumbprint of the key that a public client has to prove (RFC 9449 section 5). */
  readonly jkt: string | undefined;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number;
  readonly usedAtMs: number | undefined;
  readonly sealedSuccessor: string | undefined;
}

export type NewRefreshToken = Pick<StoredRefreshToken, "grantId" | "clientId" | "generation" | "scope" | "jkt">;

function digestOf({ sealer }: Pick<CommandAct, "sealer">, token: string): string {
  return sealer.digest("oidc-refresh-token", token);
}

async function insert(act: CommandAct, token: string, { grantId, clientId, generation, scope, jkt }: NewRefreshToken): Promise<void> {
  const { writer, services, settings } = act;
  const now = services.clock.now();
  await writer.insert(writer.tables.oidcRefreshTokens).values({
    digest: digestOf(act, token),
    grant_id: grantId,
    client_id: clientId,
    generation,
    scope,
    dpop_jkt: jkt ?? null,
    created_at: now,
    expires_at: now + settings.refreshTokenSeconds * 1_000,
  });
}

function newToken({ services }: CommandAct): string {
  return `${PREFIX}${randomSecret(services.random)}`;
}

/** The first of a lineage. */
export async function createRefreshToken(act: CommandAct, grant: Omit<NewRefreshToken, "generation">): Promise<string> {
  const { writer, services } = act;
  const { oidcRefreshTokens: tokens } = writer.tables;
  const over = writer.select({ digest: tokens.digest }).from(tokens).where(lt(tokens.expires_at, services.clock.now())).limit(SWEEP_MAX);
  await writer.delete(tokens).where(inArray(tokens.digest, over));
  const token = newToken(act);
  await insert(act, token, { ...grant, generation: 1 });
  return token;
}

/** The row of a token, used or not; undefined for what is none of ours. */
export async function findRefreshToken(act: Pick<CommandAct, "sealer">, reader: Reader, token: string): Promise<StoredRefreshToken | undefined> {
  if (!TOKEN.test(token)) return undefined;
  const { oidcRefreshTokens: tokens } = reader.tables;
  const [row] = await reader.select().from(tokens).where(eq(tokens.digest, digestOf(act, token)));
  if (row === undefined) return undefined;
  return {
    digest: row.digest,
    grantId: row.grant_id,
    clientId: row.client_id,
    generation: row.generation,
    scope: row.scope,
    jkt: row.dpop_jkt ?? undefined,
    expiresAtMs: row.expires_at,
    usedAtMs: row.used_at ?? undefined,
    sealedSuccessor: row.successor ?? undefined,
  };
}

/** Uses up the token for a successor; undefined when it was used already. */
async function exchange(act: CommandAct, stored: StoredRefreshToken): Promise<string | undefined> {
  const { writer, services, sealer } = act;
  const { oidcRefreshTokens: tokens } = writer.tables;
  const successor = newToken(act);
  const [taken] = await writer
    .update(tokens)
    .set({ used_at: services.clock.now(), successor: sealer.seal("oidc-successor", stored.digest, successor) })
    .where(and(eq(tokens.digest, stored.digest), isNull(tokens.used_at)))
    .returning({ digest: tokens.digest });
  if (taken === undefined) return undefined;
  await insert(act, successor, { ...stored, generation: stored.generation + 1 });
  return successor;
}

/** The successor of a token that was used a moment ago. */
function recent({ sealer, services }: CommandAct, { digest, usedAtMs, sealedSuccessor }: StoredRefreshToken): string | undefined {
  assert(usedAtMs !== undefined && sealedSuccessor !== undefined, "a used refresh token has its successor");
  if (services.clock.now() - usedAtMs > GRACE_MS) return undefined;
  return sealer.open("oidc-successor", digest, sealedSuccessor).toString("utf8");
}

/** The token that comes after: a new one, or again the one that was given a moment ago. Undefined for a replay. */
export async function rotateRefreshToken(act: CommandAct, token: string, stored: StoredRefreshToken): Promise<string | undefined> {
  const successor = stored.usedAtMs === undefined ? await exchange(act, stored) : undefined;
  if (successor !== undefined) return successor;
  const used = await findRefreshToken(act, act.writer, token);
  assert(used !== undefined, "a refresh token that was found is still there");
  return recent(act, used);
}

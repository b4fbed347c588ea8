/**
 * Refresh tokens of grants: one lineage for each grant, exchanged by one conditional update.
 *
 *     first ── used ──► second ── used ──► third …        a used one again: for a few seconds its successor, then the end
 *
 * Rule: the only owner of the table. A client whose answer was lost repeats the token it just used, and gets the same
 * successor for `refreshGraceSeconds`; so there are never two live ones, and nobody honest is locked out. Later the token was
 * stolen, from either side, and the grant ends (RFC 9700 section 4.14.2).
 */
import { and, eq, inArray, isNull, lt, sql } from "drizzle-orm";
import { randomSecret } from "../crypto/tokens.ts";
import { assert } from "../fault.ts";
import type { CommandAct } from "../gate/operation.ts";
import { type Given, planWrite } from "../store/plan.ts";
import type { Tables } from "../store/schema.ts";
import { findRefreshToken, refreshTokenDigest } from "./refresh-token-lookup.ts";

const PREFIX = "ort-";
/** How often the end of a token that is not rotated is written anew while it is used, at most, in the time it may be left alone. */
const KEEPS_PER_LIFE = 10;
/** Each new lineage sweeps out so many tokens that have run out. */
const SWEEP_MAX = 20;

export type StoredRefreshToken = Tables["oidcRefreshTokens"]["$inferSelect"];

/** What a token of a lineage stands for. `dpop_jkt` is the key that a public client has to prove (RFC 9449 section 5). */
export type NewRefreshToken = Pick<StoredRefreshToken, "grant_id" | "client_id" | "generation" | "scope" | "dpop_jkt" | "expires_at">;

/** Left alone for so long it ends, and in any case so long after the grant was given. */
function endOf({ services, settings }: Pick<CommandAct, "services" | "settings">, grantedAtMs: number): number {
  return Math.min(services.clock.now() + settings.refreshTokenSeconds * 1_000, grantedAtMs + settings.refreshTokenAbsoluteSeconds * 1_000);
}

const insertRow = planWrite((writer, given: Given<Omit<StoredRefreshToken, "used_at" | "successor">>) =>
  writer.insert(writer.tables.oidcRefreshTokens).values({
    digest: given("digest"),
    grant_id: given("grant_id"),
    client_id: given("client_id"),
    generation: given("generation"),
    scope: given("scope"),
    dpop_jkt: given("dpop_jkt"),
    created_at: given("created_at"),
    expires_at: given("expires_at"),
  }),
);

const takeRow = planWrite((writer, given: Given<{ readonly digest: string; readonly now: number; readonly successor: string }>) => {
  const { oidcRefreshTokens: tokens } = writer.tables;
  return writer
    .update(tokens)
    .set({ used_at: sql`${given("now")}`, successor: sql`${given("successor")}` })
    .where(and(eq(tokens.digest, given("digest")), isNull(tokens.used_at)))
    .returning({ digest: tokens.digest });
});

async function insert(act: CommandAct, token: string, { grant_id, client_id, generation, scope, dpop_jkt, expires_at }: NewRefreshToken): Promise<void> {
  const { writer, services, sealer } = act;
  const now = services.clock.now();
  await insertRow(writer, { digest: refreshTokenDigest(sealer, token), grant_id, client_id, generation, scope, dpop_jkt, created_at: now, expires_at });
}

function newToken({ services }: CommandAct): string {
  return `${PREFIX}${randomSecret(services.random)}`;
}

/** The first of a lineage. */
export async function createRefreshToken(act: CommandAct, grant: Omit<NewRefreshToken, "generation" | "expires_at">, grantedAtMs: number): Promise<string> {
  const { writer, services } = act;
  const { oidcRefreshTokens: tokens } = writer.tables;
  const over = writer.select({ digest: tokens.digest }).from(tokens).where(lt(tokens.expires_at, services.clock.now())).limit(SWEEP_MAX);
  await writer.delete(tokens).where(inArray(tokens.digest, over));
  const token = newToken(act);
  await insert(act, token, { ...grant, generation: 1, expires_at: endOf(act, grantedAtMs) });
  return token;
}

/** Uses up the token for a successor; undefined when it was used already. */
async function exchange(act: CommandAct, stored: StoredRefreshToken, grantedAtMs: number): Promise<string | undefined> {
  const { writer, services, sealer } = act;
  const successor = newToken(act);
  const sealed = sealer.seal("oidc-successor", stored.digest, successor);
  const [taken] = await takeRow(writer, { digest: stored.digest, now: services.clock.now(), successor: sealed });
  if (taken === undefined) return undefined;
  await insert(act, successor, { ...stored, generation: stored.generation + 1, expires_at: endOf(act, grantedAtMs) });
  return successor;
}

/** The successor of a token that was used a moment ago. */
function recent({ sealer, services, settings }: CommandAct, { digest, used_at, successor }: StoredRefreshToken): string | undefined {
  assert(used_at !== null && successor !== null, "a used refresh token has its successor");
  if (services.clock.now() - used_at > settings.refreshGraceSeconds * 1_000) return undefined;
  return sealer.open("oidc-successor", digest, successor).toString("utf8");
}

/** A refresh token that is being used, and when its grant was given (epoch milliseconds). */
export interface UsedRefreshToken {
  readonly token: string;
  readonly stored: StoredRefreshToken;
  readonly grantedAtMs: number;
}

/** Uses a token that is not rotated: it goes on, and has not been left alone. Written only now and then. */
export async function keepRefreshToken(act: CommandAct, { stored, grantedAtMs }: UsedRefreshToken): Promise<void> {
  const { oidcRefreshTokens: tokens } = act.writer.tables;
  const expires_at = endOf(act, grantedAtMs);
  const isWorthIt = (expires_at - stored.expires_at) * KEEPS_PER_LIFE > act.settings.refreshTokenSeconds * 1_000;
  if (isWorthIt) await act.writer.update(tokens).set({ expires_at }).where(eq(tokens.digest, stored.digest));
}

/** The token that comes after: a new one, or again the one that was given a moment ago. Undefined for a replay. */
export async function rotateRefreshToken(act: CommandAct, { token, stored, grantedAtMs }: UsedRefreshToken): Promise<string | undefined> {
  const successor = stored.used_at === null ? await exchange(act, stored, grantedAtMs) : undefined;
  if (successor !== undefined) return successor;
  const used = await findRefreshToken(act.writer, act.sealer, token);
  assert(used !== undefined, "a refresh token that was found is still there");
  return recent(act, used);
}

/**
 * Initial access tokens (RFC 7591 section 3): by one, whoever holds it may register one client.
 *
 * Rule: shown once, stored as a keyed digest, used up in the transaction that registers the client, so that a registration
 * that fails leaves it whole and of any number at once exactly one succeeds.
 */
import { and, count, eq, gt, isNull, lt } from "drizzle-orm";
import { randomSecret } from "../../crypto/tokens.ts";
import { Fault, invalidField } from "../../fault.ts";
import { type Act, command, type CommandAct } from "../../gate/operation.ts";
import { isoTime } from "../../page.ts";
import type { Reader } from "../../store/store.ts";
import { requireAdministrator } from "./client-administration.ts";

/** Those that are neither used nor over. */
const TOKENS_MAX = 100;
const LIFE_SECONDS_MAX = 7 * 86_400;
const PREFIX = "iat-";
const TOKEN_CHARACTERS_MAX = 200;

export interface MadeInitialAccessToken {
  /** In clear, here and never again. */
  readonly initial_access_token: string;
  readonly expires_at: string;
}

async function requireFew({ writer, services }: CommandAct): Promise<void> {
  const { oidcInitialAccessTokens: tokens } = writer.tables;
  const now = services.clock.now();
  await writer.delete(tokens).where(lt(tokens.expires_at, now));
  const [found] = await writer.select({ count: count() }).from(tokens).where(and(isNull(tokens.used_at), gt(tokens.expires_at, now)));
  if ((found?.count ?? 0) < TOKENS_MAX) return;
  throw new Fault("conflict", `There are ${TOKENS_MAX} unused initial access tokens.`, { hint: "Use them, or wait until they are over." });
}

/** Makes a token by which one client may register itself. */
export const createInitialAccessToken = command(
  "initial_access_token.create",
  async (act, { life_seconds: wanted }: { readonly life_seconds?: number | undefined }): Promise<MadeInitialAccessToken> => {
    const { writer, services, sealer, settings, caller } = act;
    const life_seconds = wanted ?? settings.initialAccessTokenSeconds;
    requireAdministrator(caller);
    if (!Number.isInteger(life_seconds) || life_seconds < 1 || life_seconds > LIFE_SECONDS_MAX) throw invalidField("life_seconds", `is a whole number from 1 to ${LIFE_SECONDS_MAX}`);
    await requireFew(act);
    const token = PREFIX + randomSecret(services.random);
    const now = services.clock.now();
    const id = services.random.uuid();
    const expires_at = now + life_seconds * 1_000;
    await writer.insert(writer.tables.oidcInitialAccessTokens).values({ id, digest: sealer.digest("initial-access-token", token), created_at: now, expires_at });
    act.note({ subject: `initial_access_token:${id}`, details: { life_seconds } });
    return { initial_access_token: token, expires_at: isoTime(expires_at) };
  },
);

function isGood({ sealer, services }: Pick<Act, "sealer" | "services">, { tables }: Reader, token: string) {
  const { oidcInitialAccessTokens: tokens } = tables;
  return and(eq(tokens.digest, sealer.digest("initial-access-token", token)), isNull(tokens.used_at), gt(tokens.expires_at, services.clock.now()));
}

function isShaped(token: string): boolean {
  return token.startsWith(PREFIX) && token.length <= TOKEN_CHARACTERS_MAX;
}

/** Whether the token would register a client. It stays whole. */
export async function isGoodInitialAccessToken(act: Pick<Act, "sealer" | "services">, reader: Reader, token: string): Promise<boolean> {
  if (!isShaped(token)) return false;
  const { oidcInitialAccessTokens: tokens } = reader.tables;
  const found = await reader.select({ id: tokens.id }).from(tokens).where(isGood(act, reader, token));
  return found.length > 0;
}

/** Uses the token up; gives its id, or undefined when it is good for nothing. */
export async function takeInitialAccessToken(act: CommandAct, token: string): Promise<string | undefined> {
  if (!isShaped(token)) return undefined;
  const { writer, services } = act;
  const { oidcInitialAccessTokens: tokens } = writer.tables;
  const [taken] = await writer.update(tokens).set({ used_at: services.clock.now() }).where(isGood(act, writer, token)).returning({ id: tokens.id });
  return taken?.id;
}

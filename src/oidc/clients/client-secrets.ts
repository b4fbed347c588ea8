/**
 * Secrets of confidential clients: shown once, stored as a keyed digest, rotated with an overlap.
 *
 * Rule: a client has at most two live secrets, the current one and the one before it, which ends by itself.
 */
import { and, eq, gt, isNotNull, isNull, or } from "drizzle-orm";
import { isSameSecret, type Sealer } from "../../crypto/sealing.ts";
import { randomSecret } from "../../crypto/tokens.ts";
import type { CommandAct } from "../../gate/operation.ts";
import { type Given, planRead } from "../../store/plan.ts";
import type { Reader } from "../../store/store.ts";
import type { AuthenticationMethod } from "./client.ts";

/** Far above the two that can be; a bound for the read. */
const SECRETS_MAX = 8;
/** What people see first in a secret, and what scanners look for. */
const PREFIX = "cs-";
/** Whatever is longer is not looked at. */
const SECRET_CHARACTERS_MAX = 200;

/** True for methods that need a secret. */
export function usesSecret(method: AuthenticationMethod): boolean {
  return method === "client_secret_basic" || method === "client_secret_post";
}

function digestOf(sealer: Sealer, clientId: string, secret: string): string {
  return sealer.digest("client-secret", `${clientId}\n${secret}`);
}

/** Adds a secret, and ends every other one: the current after `overlapMs`, older ones now. Gives the secret, here and never again. */
export async function renewSecret({ writer, services, sealer }: CommandAct, clientId: string, overlapMs: number): Promise<string> {
  const { oidcClientSecrets: secrets } = writer.tables;
  const now = services.clock.now();
  const ofClient = eq(secrets.client_id, clientId);
  await writer.delete(secrets).where(and(ofClient, isNotNull(secrets.expires_at)));
  if (overlapMs === 0) await writer.delete(secrets).where(ofClient);
  else await writer.update(secrets).set({ expires_at: now + overlapMs }).where(ofClient);
  const secret = PREFIX + randomSecret(services.random);
  await writer.insert(secrets).values({ id: services.random.uuid(), client_id: clientId, digest: digestOf(sealer, clientId, secret), created_at: now });
  return secret;
}

/** Ends all of the client's secrets: it authenticates in another way now. */
export async function dropSecrets({ writer }: CommandAct, clientId: string): Promise<void> {
  const { oidcClientSecrets: secrets } = writer.tables;
  await writer.delete(secrets).where(eq(secrets.client_id, clientId));
}

const listLive = planRead((reader, given: Given<{ readonly clientId: string; readonly now: number }>) => {
  const { oidcClientSecrets: secrets } = reader.tables;
  const isLive = or(isNull(secrets.expires_at), gt(secrets.expires_at, given("now")));
  return reader
    .select({ digest: secrets.digest })
    .from(secrets)
    .where(and(eq(secrets.client_id, given("clientId")), isLive))
    .limit(SECRETS_MAX);
});

/** The digests of the client's live secrets. */
export async function listSecretDigests(reader: Reader, clientId: string, now: number): Promise<readonly string[]> {
  const rows = await listLive(reader, { clientId, now });
  return rows.map(({ digest }) => digest);
}

/** Whether `secret` is one of those digested. Every one is compared, in constant time, and there is one to compare with even for none. */
export function isSecretOf(sealer: Sealer, presented: { readonly clientId: string; readonly secret: string }, digests: readonly string[]): boolean {
  const { clientId, secret } = presented;
  const digest = digestOf(sealer, clientId, secret.slice(0, SECRET_CHARACTERS_MAX));
  const nothing = "".padEnd(digest.length, "-");
  const matches = [nothing, ...digests].filter((each) => isSameSecret(each, digest));
  return matches.length === 1 && secret.length <= SECRET_CHARACTERS_MAX;
}

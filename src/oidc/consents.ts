/**
 * What people have allowed clients: asked once for each scope, remembered, and taken back whenever they like.
 *
 * Rule: a row holds all that was ever allowed. A resource is remembered beside the scopes as `resource:` and its
 * address. Taking a consent back ends every grant that came of it.
 */
import { and, asc, eq, isNull } from "drizzle-orm";
import { assert, notFound } from "../fault.ts";
import { command, type CommandAct, query } from "../gate/operation.ts";
import { isoTime } from "../page.ts";
import type { Reader } from "../store/store.ts";
import type { AuthorizationRequest } from "./authorization/request.ts";
import { scopesOfClaims } from "./claims.ts";
import { scopesOf } from "./scope.ts";

const CONSENTS_MAX = 1_000;

interface Allowance {
  readonly userId: string;
  readonly clientId: string;
}

function consentId({ userId, clientId }: Allowance): string {
  return `${userId}/${clientId}`;
}

/** All that a request needs to be allowed. */
export function neededConsent({ scope, claims, resource }: Pick<AuthorizationRequest, "scope" | "claims" | "resource">): readonly string[] {
  return [...new Set([...scopesOf(scope), ...scopesOfClaims(claims), ...resource.map((each) => `resource:${each}`)])];
}

async function findAllowed(reader: Reader, allowance: Allowance): Promise<readonly string[]> {
  const { oidcConsents: consents } = reader.tables;
  const [row] = await reader.select({ scope: consents.scope }).from(consents).where(eq(consents.id, consentId(allowance)));
  return row === undefined ? [] : scopesOf(row.scope);
}

/** Whether the person has allowed the client all of `needed`. */
export async function isAllowed(reader: Reader, allowance: Allowance, needed: readonly string[]): Promise<boolean> {
  const allowed = await findAllowed(reader, allowance);
  return needed.every((each) => allowed.includes(each));
}

/** Remembers that the person allowed `needed`, beside what was allowed before. */
export async function rememberConsent({ writer, services }: CommandAct, allowance: Allowance, needed: readonly string[]): Promise<void> {
  const { oidcConsents: consents } = writer.tables;
  const scope = [...new Set([...(await findAllowed(writer, allowance)), ...needed])].join(" ");
  const granted_at = services.clock.now();
  await writer
    .insert(consents)
    .values({ id: consentId(allowance), user_id: allowance.userId, client_id: allowance.clientId, scope, granted_at })
    .onConflictDoUpdate({ target: consents.id, set: { scope, granted_at } });
}

export interface Consent {
  readonly client_id: string;
  readonly client_name: string;
  readonly scope: string;
  readonly granted_at: string;
}

/** What the caller has allowed, by name of the client. */
export const listConsents = query("consent.list", async ({ caller, reader }, _input: undefined): Promise<{ readonly consent_list: readonly Consent[] }> => {
  assert(caller.kind === "user", "the row admits people only");
  const { oidcConsents: consents, oidcClients: clients } = reader.tables;
  const rows = await reader
    .select({ client_id: clients.client_id, client_name: clients.client_name, scope: consents.scope, granted_at: consents.granted_at })
    .from(consents)
    .innerJoin(clients, eq(clients.client_id, consents.client_id))
    .where(eq(consents.user_id, caller.userId))
    .orderBy(asc(clients.client_name), asc(clients.client_id))
    .limit(CONSENTS_MAX);
  return { consent_list: rows.map((row) => ({ ...row, granted_at: isoTime(row.granted_at) })) };
});

/** Takes back what the caller allowed the client, and ends its grants. Throws Fault `not_found`. */
export const revokeConsent = command("consent.revoke", async ({ caller, writer, services, note }, input: { readonly client_id: string }): Promise<void> => {
  assert(caller.kind === "user", "the row admits people only");
  const { oidcConsents: consents, oidcGrants: grants } = writer.tables;
  const allowance = { userId: caller.userId, clientId: input.client_id };
  const [removed] = await writer.delete(consents).where(eq(consents.id, consentId(allowance))).returning({ id: consents.id });
  if (removed === undefined) throw notFound();
  note({ subject: `client:${input.client_id}` });
  await writer
    .update(grants)
    .set({ ended_at: services.clock.now(), end_reason: "consent_revoked" })
    .where(and(eq(grants.user_id, caller.userId), eq(grants.client_id, input.client_id), isNull(grants.ended_at)));
});

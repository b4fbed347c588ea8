/**
 * Grants that stand: not ended, their person and client not disabled, and the sign-in they were given in still there; one
 * for offline access, which hangs on no sign-in, is over once the person has another password.
 *
 * Rule: asked in the transaction of each deed, so that whatever ends a grant bites on the next request and not when a
 * token runs out.
 */
import { and, eq, gt, isNotNull, isNull, or } from "drizzle-orm";
import { Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { assert } from "../fault.ts";
import type { CommandAct } from "../gate/operation.ts";
import { type Given, planRead } from "../store/plan.ts";
import type { Reader } from "../store/store.ts";
import { type ClaimsParameter, ClaimsParameterSchema } from "./authorization/claims-parameter.ts";

export interface LiveGrant {
  readonly id: string;
  readonly clientId: string;
  /** Undefined for a client that speaks for itself. */
  readonly userId: string | undefined;
  /** Undefined for offline access. */
  readonly sessionId: string | undefined;
  /** The sign-in it was given in, also for offline access; undefined for a client that speaks for itself. */
  readonly loginSessionId: string | undefined;
  readonly scope: string;
  readonly resource: readonly string[];
  readonly claims: ClaimsParameter | undefined;
  /** Epoch milliseconds. */
  readonly authTimeMs: number | undefined;
  readonly acr: string | undefined;
  readonly amr: readonly string[];
  readonly nonce: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAtMs: number;
}

const textsShape = shapeOf(Type.Array(Type.String()));
const claimsShape = shapeOf(ClaimsParameterSchema);

function textsOf(json: string): readonly string[] {
  const texts: unknown = JSON.parse(json);
  assert(textsShape.Check(texts), "a stored list of a grant is a list of texts");
  return texts;
}

function claimsOf(json: string | null): ClaimsParameter | undefined {
  if (json === null) return undefined;
  const claims: unknown = JSON.parse(json);
  assert(claimsShape.Check(claims), "a stored claims parameter is one of ours");
  return claims;
}

const findLive = planRead((reader, given: Given<{ readonly grantId: string; readonly now: number }>) => {
  const { oidcGrants: grants, oidcClients: clients, users, sessions } = reader.tables;
  const isYounger = or(isNotNull(grants.session_id), isNull(users.credentials_changed_at), gt(grants.created_at, users.credentials_changed_at));
  const hasPerson = or(isNull(grants.user_id), and(eq(users.id, grants.user_id), isNull(users.disabled_at), isYounger));
  const hasSession = or(isNull(grants.session_id), and(eq(sessions.id, grants.session_id), isNull(sessions.ended_at), gt(sessions.expires_at, given("now"))));
  return reader
    .select({ grant: grants })
    .from(grants)
    .innerJoin(clients, and(eq(clients.client_id, grants.client_id), isNull(clients.disabled_at)))
    .leftJoin(users, eq(users.id, grants.user_id))
    .leftJoin(sessions, eq(sessions.id, grants.session_id))
    .where(and(eq(grants.id, given("grantId")), isNull(grants.ended_at), hasPerson, hasSession));
});

/** The grant, when it stands at `now`; undefined when it does not, or never was. */
export async function findLiveGrant(reader: Reader, grantId: string, now: number): Promise<LiveGrant | undefined> {
  const [found] = await findLive(reader, { grantId, now });
  if (found === undefined) return undefined;
  const { grant } = found;
  return {
    id: grant.id,
    clientId: grant.client_id,
    userId: grant.user_id ?? undefined,
    sessionId: grant.session_id ?? undefined,
    loginSessionId: grant.login_session_id ?? undefined,
    scope: grant.scope,
    resource: textsOf(grant.resource),
    claims: claimsOf(grant.claims),
    authTimeMs: grant.auth_time ?? undefined,
    acr: grant.acr ?? undefined,
    amr: textsOf(grant.amr),
    nonce: grant.nonce ?? undefined,
    createdAtMs: grant.created_at,
  };
}

export type GrantEnd = "code_replayed" | "refresh_replayed" | "revoked";

/** Ends the grant, and with it every code, refresh and access token that came of it. */
export async function endGrant({ writer, services }: CommandAct, grantId: string, reason: GrantEnd): Promise<void> {
  const { oidcGrants: grants } = writer.tables;
  await writer
    .update(grants)
    .set({ ended_at: services.clock.now(), end_reason: reason })
    .where(and(eq(grants.id, grantId), isNull(grants.ended_at)));
}

/**
 * The answer to a request that was allowed: a grant, and a code for it, in one transaction.
 *
 * Rule: the code is stored as a digest, bound to client, redirect URI, PKCE challenge and DPoP key, and short-lived.
 */
import { Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { randomSecret } from "../../crypto/tokens.ts";
import { assert } from "../../fault.ts";
import type { CommandAct } from "../../gate/operation.ts";
import { scopesOf } from "../scope.ts";
import type { AuthorizationRequest } from "./request.ts";


/** For sessions from before it was kept. */
const PASSWORD_AMR: readonly string[] = ["pwd"];
const SINGLE_FACTOR_ACR = "urn:cyberun:acr:single-factor";
const MULTI_FACTOR_ACR = "urn:cyberun:acr:multi-factor";
/** The levels of assurance there are. */
export const acrValues: readonly string[] = [SINGLE_FACTOR_ACR, MULTI_FACTOR_ACR];

/** A sign-in at the issuer's own pages. */
export interface Session {
  readonly id: string;
  readonly userId: string;
  /** Epoch milliseconds. */
  readonly createdAtMs: number;
  /** How the person proved who they are (RFC 8176). */
  readonly amr: readonly string[];
}

const textsShape = shapeOf(Type.Array(Type.String()));

/** Reads back what identity stored with the session. */
export function parseAmr(json: string | null): readonly string[] {
  if (json === null) return PASSWORD_AMR;
  const amr: unknown = JSON.parse(json);
  assert(textsShape.Check(amr), "a stored amr is a list of texts");
  return amr;
}

/** The level that a session has. */
export function acrOf({ amr }: Pick<Session, "amr">): string {
  return amr.includes("mfa") ? MULTI_FACTOR_ACR : SINGLE_FACTOR_ACR;
}

/** What the store keeps in place of a code. */
export function codeDigest({ sealer }: Pick<CommandAct, "sealer">, code: string): string {
  return sealer.digest("oidc-code", code);
}

/** What a grant gives, and to whom. */
interface Granted extends Pick<AuthorizationRequest, "clientId" | "scope" | "claims" | "nonce"> {
  readonly resource: readonly string[];
  /** The sign-in that it ends with; null for none. */
  readonly sessionId: string | null;
  /** The sign-in that the client takes part in, and is told the end of; null for none. */
  readonly loginSessionId: string | null;
}

/** Inserts a grant; gives its id. */
async function insertGrantRow({ writer, services }: CommandAct, { clientId, scope, resource, claims, nonce, sessionId, loginSessionId }: Granted, session: Session): Promise<string> {
  const id = services.random.uuid();
  await writer.insert(writer.tables.oidcGrants).values({
    id,
    client_id: clientId,
    user_id: session.userId,
    session_id: sessionId,
    login_session_id: loginSessionId,
    scope,
    resource: JSON.stringify(resource),
    claims: claims === undefined ? null : JSON.stringify(claims),
    auth_time: session.createdAtMs,
    acr: acrOf(session),
    amr: JSON.stringify(session.amr),
    nonce: nonce ?? null,
    created_at: services.clock.now(),
  });
  return id;
}

/** Inserts a grant that outlives the sign-in it was given in; gives its id. */
export async function insertStandingGrant(act: CommandAct, granted: Omit<Granted, "sessionId" | "loginSessionId">, session: Session): Promise<string> {
  return await insertGrantRow(act, { ...granted, sessionId: null, loginSessionId: null }, session);
}

/** Inserts the grant and a code for it; gives the code, which is shown once. */
export async function insertGrant(act: CommandAct, request: AuthorizationRequest, session: Session): Promise<string> {
  const { writer, services, settings } = act;
  const now = services.clock.now();
  const isOffline = scopesOf(request.scope).includes("offline_access");
  const grantId = await insertGrantRow(act, { ...request, sessionId: isOffline ? null : session.id, loginSessionId: session.id }, session);
  const code = randomSecret(services.random);
  await writer.insert(writer.tables.oidcCodes).values({
    digest: codeDigest(act, code),
    grant_id: grantId,
    client_id: request.clientId,
    redirect_uri: request.redirectUri,
    code_challenge: request.codeChallenge ?? null,
    dpop_jkt: request.dpopJkt ?? null,
    expires_at: now + settings.authorizationCodeSeconds * 1_000,
  });
  return code;
}

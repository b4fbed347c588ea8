/**
 * Revocation (RFC 7009): a client gives back a token that it got.
 *
 *     form → client authentication → token → it is the client's own → ended, durably, before the answer
 *
 * Rule: closing needs no license. A token that is unknown or over is answered as one that was revoked (section 2.2). A
 * refresh token takes its whole grant with it: codes, refresh tokens and access tokens.
 */
import { lt } from "drizzle-orm";
import type { Caller } from "../gate/caller.ts";
import { type CommandAct, procedure, type ProcedureAct } from "../gate/operation.ts";
import { type BackChannelRequest, readForm } from "./back-channel.ts";
import { authenticateClient } from "./client-authentication/authenticate-client.ts";
import type { Client } from "./clients/client.ts";
import { findGrantTokenClaims, type GrantTokenClaims } from "./grant-tokens.ts";
import type { Keyring } from "./keyring.ts";
import { endGrant } from "./live-grants.ts";
import { OAuthError } from "./oauth-error.ts";
import { findRefreshToken } from "./refresh-token-lookup.ts";
import type { IssuerSite } from "./token-endpoint.ts";

interface Asked {
  readonly client: Client;
  readonly token: string;
  readonly keyring: Keyring;
}

function requireOwn(client: Client, clientId: string): void {
  if (client.client_id === clientId) return;
  throw new OAuthError("unauthorized_client", "The token was made for another client.", { hint: "Let that client revoke it." });
}

async function revokeAccessToken({ writer, services, note }: CommandAct, { jti, client_id, exp }: GrantTokenClaims): Promise<void> {
  const { oidcRevokedTokens: revoked } = writer.tables;
  await writer.delete(revoked).where(lt(revoked.expires_at, services.clock.now()));
  await writer.insert(revoked).values({ jti, expires_at: exp * 1_000 }).onConflictDoNothing();
  note({ subject: `oidc_client:${client_id}`, details: { kind: "access_token" } });
}

async function endRevoked(act: CommandAct, { grant_id, client_id }: { readonly grant_id: string; readonly client_id: string }): Promise<void> {
  await endGrant(act, grant_id, "revoked");
  act.note({ subject: `oidc_client:${client_id}`, details: { kind: "refresh_token", grant_id } });
}

async function revokeFound(act: ProcedureAct, { client, token, keyring }: Asked): Promise<void> {
  const claims = await findGrantTokenClaims(act, keyring, token);
  if (claims !== undefined) {
    requireOwn(client, claims.client_id);
    await act.write((write) => revokeAccessToken(write, claims));
    return;
  }
  const refresh = await act.read((reader) => findRefreshToken(reader, act.sealer, token));
  if (refresh === undefined) return;
  requireOwn(client, refresh.client_id);
  await act.write((write) => endRevoked(write, refresh));
}

const revokeToken = procedure("token.revoke", revokeFound);

/** Answers a request to the revocation endpoint: true when it returns. Throws OAuthError, or a Fault that stands for one. */
export async function answerRevocation({ gate, keyring, clientKeys }: IssuerSite, caller: Caller, request: BackChannelRequest): Promise<void> {
  const form = readForm(request);
  const client = await authenticateClient(gate, caller, { request, form, clientKeys });
  const token = form.values.get("token");
  if (token === undefined) throw new OAuthError("invalid_request", "The parameter token is missing.");
  await revokeToken(gate, caller, { client, token, keyring });
}

/**
 * The refresh grant (RFC 6749 section 6): new tokens for the same grant or for less of it, never for more.
 *
 * Rule: person, client, session and grant are asked anew, so that what was disabled, ended or taken back bites here. How a
 * token follows another is `refresh-tokens.ts`'s.
 */
import { type CommandAct, Refused } from "../../gate/operation.ts";
import { endGrant, findLiveGrant } from "../live-grants.ts";
import { OAuthError } from "../oauth-error.ts";
import { redeem, type Redeemed, requireKeys, signPersonTokens } from "../person-tokens.ts";
import { findRefreshToken } from "../refresh-token-lookup.ts";
import { keepRefreshToken, rotateRefreshToken, type StoredRefreshToken, type UsedRefreshToken } from "../refresh-tokens.ts";
import { scopesOf } from "../scope.ts";
import type { Grant, GrantRequest } from "./grant.ts";

function refused(): OAuthError {
  return new OAuthError("invalid_grant", "The refresh token is not good: unknown, over, revoked, or given to another client or key.", { hint: "Start a new sign-in." });
}

function fits({ client, jkt }: GrantRequest, stored: StoredRefreshToken, now: number): boolean {
  const checks: readonly boolean[] = [stored.client_id === client.client_id, now < stored.expires_at, stored.dpop_jkt === null || stored.dpop_jkt === jkt];
  return checks.every(Boolean);
}

/** Whether the token outlives its sign-in by a right that the client is not registered for any more. */
function hasLostOffline({ client }: GrantRequest, stored: StoredRefreshToken): boolean {
  return scopesOf(stored.scope).includes("offline_access") && !scopesOf(client.scope).includes("offline_access");
}

/** The token to use from now on; undefined for a replay. A client that does not rotate keeps the one it has. */
async function follow(act: CommandAct, { client }: Pick<GrantRequest, "client">, used: UsedRefreshToken): Promise<string | undefined> {
  if (client.rotate_refresh_tokens || used.stored.used_at !== null) return await rotateRefreshToken(act, used);
  await keepRefreshToken(act, used);
  return used.token;
}

async function exchange(act: CommandAct, request: GrantRequest): Promise<Redeemed | Refused> {
  const token = request.parameters.get("refresh_token") ?? "";
  const stored = await findRefreshToken(act.writer, act.sealer, token);
  const now = act.services.clock.now();
  if (stored === undefined || !fits(request, stored, now) || hasLostOffline(request, stored)) throw refused();
  const grant = await findLiveGrant(act.writer, stored.grant_id, now);
  if (grant === undefined) throw refused();
  const refreshToken = await follow(act, request, { token, stored, grantedAtMs: grant.createdAtMs });
  if (refreshToken === undefined) {
    await endGrant(act, grant.id, "refresh_replayed");
    return new Refused(refused());
  }
  return await redeem(act, request, { grant, scope: stored.scope, refreshToken, isFirst: false });
}

export const refreshToken: Grant = {
  type: "refresh_token",
  parameters: ["refresh_token", "scope"],
  async issue(act, request) {
    await requireKeys(request);
    const redeemed = await act.write<Redeemed>((commandAct) => exchange(commandAct, request));
    return await signPersonTokens(act, request, redeemed);
  },
};

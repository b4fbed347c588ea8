/**
 * Answers of the issuer's endpoints for programs: JSON that nobody keeps, refusals as OAuth spells them.
 *
 * Rule: everything under `/oauth/` is refused in OAuth's shape, whatever refused it: gate, listener or bug.
 */
import type { Fault } from "../../fault.ts";
import { plainHeaders } from "../../http/respond.ts";
import { oauthPrefix } from "../../oidc/endpoints.ts";
import { type OAuthError, oauthErrorBody, oauthErrorHeaders, oauthErrorOf } from "../../oidc/oauth-error.ts";

/** The refusal as an answer. */
export function oauthErrorResponse(error: OAuthError, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(oauthErrorBody(error), { status: error.status, headers: { ...plainHeaders, ...headers, ...oauthErrorHeaders(error) } });
}

/** For the issuer's application: refusals of endpoints for programs are OAuth errors. */
export function respondAsOAuth(fault: Fault, request: Request): Response | undefined {
  return new URL(request.url).pathname.startsWith(oauthPrefix) ? oauthErrorResponse(oauthErrorOf(fault)) : undefined;
}

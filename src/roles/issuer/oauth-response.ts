/**
 * Answers of the issuer's endpoints for programs: JSON that nobody keeps, refusals as OAuth spells them.
 *
 * Rule: everything under `/oauth/` is refused in OAuth's shape, whatever refused it: gate, listener or bug. The exception
 * is a browser at an address, or with a method, that is none.
 */
import { pageResponse } from "../../dashboard/html.ts";
import { refusalPage } from "../../dashboard/pages.ts";
import { frameOfRefusal } from "../../dashboard/visit-frame.ts";
import type { Fault } from "../../fault.ts";
import type { Gate } from "../../gate/operation.ts";
import { faultHeaders, plainHeaders } from "../../http/respond.ts";
import { oauthPrefix } from "../../oidc/endpoints.ts";
import { type OAuthError, oauthErrorBody, oauthErrorHeaders, oauthErrorOf } from "../../oidc/oauth-error.ts";

/** The refusal as an answer. */
export function oauthErrorResponse(error: OAuthError, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(oauthErrorBody(error), { status: error.status, headers: { ...plainHeaders, ...headers, ...oauthErrorHeaders(error) } });
}

/** Whoever browses sees a page; endpoints for programs refuse like that only where a person has lost the way. */
function isForPeople({ code }: Fault, request: Request, isEndpoint: boolean): boolean {
  const isLost = code === "not_found" || code === "method_not_allowed";
  return (isLost || !isEndpoint) && (request.headers.get("accept") ?? "").includes("text/html");
}

/** For the issuer's application: refusals of endpoints for programs are OAuth errors, and those of pages are pages. */
export function respondAsOAuth(gate: Gate) {
  return async (fault: Fault, request: Request): Promise<Response | undefined> => {
    const isEndpoint = new URL(request.url).pathname.startsWith(oauthPrefix);
    if (isForPeople(fault, request, isEndpoint)) return pageResponse(refusalPage(await frameOfRefusal(gate, request), { fault }), fault.status, faultHeaders(fault));
    return isEndpoint ? oauthErrorResponse(oauthErrorOf(fault)) : undefined;
  };
}

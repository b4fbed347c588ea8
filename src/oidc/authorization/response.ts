/**
 * The answer to an authorization request: a code or an error, brought to the client by way of the browser.
 *
 * Rule: goes to an address that was checked against the client's registration and nowhere else. Every answer names the
 * issuer (RFC 9207), so that a client of two issuers cannot be told one's answer as the other's.
 */
import { descriptionOf, type OAuthError } from "../oauth-error.ts";
import type { AuthorizationRequest, ResponseMode } from "./request.ts";

/** Where an answer goes, and what the client gave to recognise it by. */
export interface ReturnAddress {
  readonly redirectUri: string;
  readonly responseMode: ResponseMode;
  readonly state?: string | undefined;
}

export interface AuthorizationResponse {
  readonly redirectUri: string;
  readonly responseMode: ResponseMode;
  readonly parameters: Readonly<Record<string, string>>;
}

function response({ redirectUri, responseMode, state }: ReturnAddress, issuer: string, parameters: Readonly<Record<string, string>>): AuthorizationResponse {
  return { redirectUri, responseMode, parameters: { ...parameters, ...(state === undefined ? {} : { state }), iss: issuer } };
}

/** RFC 6749 section 4.1.2. */
export function codeResponse(request: AuthorizationRequest, issuer: string, code: string): AuthorizationResponse {
  return response(request, issuer, { code });
}

/** RFC 6749 section 4.1.2.1. */
export function errorResponse(address: ReturnAddress, issuer: string, error: OAuthError): AuthorizationResponse {
  return response(address, issuer, { error: error.oauthCode, error_description: descriptionOf(error) });
}

/** The address with the parameters in its query; those that the client registered in it stay (RFC 6749 section 3.1.2). */
export function locationOf({ redirectUri, parameters }: AuthorizationResponse): string {
  const query = new URLSearchParams(parameters).toString();
  if (query === "") return redirectUri;
  return `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${query}`;
}

/**
 * What an authorization request has to be, as a list of named checks in the order they are made. The list is the
 * specification: a request that passes all of them is good.
 *
 * Rule: pure. Every refusal here may be told to the client by way of the browser, because `start.ts` has found client
 * and redirect URI good before; the first that fails is told.
 */
import { OAuthError } from "../oauth-error.ts";
import type { Client } from "../clients/client.ts";
import { problemOfScope, scopesOf } from "../scope.ts";
import { findClaimsParameter, insistedValues } from "./claims-parameter.ts";
import type { ParameterName, Parameters } from "./parameters.ts";
import { prompts, responseModes } from "./request.ts";

export type RequestingClient = Pick<Client, "scope" | "grant_types" | "response_types" | "require_pkce" | "require_pushed_authorization_requests" | "resources">;

export interface Asked {
  readonly parameters: Parameters;
  readonly client: RequestingClient;
  /** Came through the back channel (RFC 9126). */
  readonly isPushed: boolean;
}

export interface Check {
  readonly name: string;
  /** The refusal, or undefined when the request passes. */
  find(asked: Asked): OAuthError | undefined;
}

const NONCE_CHARACTERS_MAX = 512;
const STATE_CHARACTERS_MAX = 4_096;
/** About thirty years. */
const MAX_AGE = /^[0-9]{1,9}$/;
/** SHA-256 in base64url: of the verifier (RFC 7636 section 4.2), and of a key (RFC 7638). */
export const SHA256_TEXT = /^[A-Za-z0-9_-]{43}$/;

function invalid(problem: string, hint: string): OAuthError {
  return new OAuthError("invalid_request", `The authorization request ${problem}.`, { hint });
}

function valueOf({ parameters }: Asked, name: ParameterName): string | undefined {
  return parameters.values.get(name);
}

function findRepeated({ parameters }: Asked): OAuthError | undefined {
  const [name] = parameters.repeated;
  return name === undefined ? undefined : invalid(`has the parameter ${name} more than once`, "Send each parameter once.");
}

function findRequestObject(asked: Asked): OAuthError | undefined {
  if (valueOf(asked, "request") !== undefined) {
    return new OAuthError("request_not_supported", "Signed request objects are not taken.", { hint: "Send plain parameters, or push them (RFC 9126)." });
  }
  if (valueOf(asked, "request_uri") === undefined) return undefined;
  return new OAuthError("request_uri_not_supported", "A request_uri of the client's own is not taken.", { hint: "Push the request (RFC 9126) and use the request_uri of the answer." });
}

function findUnpushed({ client, isPushed }: Asked): OAuthError | undefined {
  if (isPushed || !client.require_pushed_authorization_requests) return undefined;
  return invalid("of this client has to be pushed", "Post it to the pushed authorization request endpoint first (RFC 9126).");
}

function findResponseType(asked: Asked): OAuthError | undefined {
  const type = valueOf(asked, "response_type");
  if (type === undefined) return invalid("has no response_type", "Send response_type=code.");
  if (type !== "code") return new OAuthError("unsupported_response_type", "The response_type can only be code.", { hint: "Send response_type=code." });
  if (asked.client.response_types.includes("code") && asked.client.grant_types.includes("authorization_code")) return undefined;
  return new OAuthError("unauthorized_client", "This client is not registered for the authorization code grant.");
}

function findResponseMode(asked: Asked): OAuthError | undefined {
  const mode = valueOf(asked, "response_mode");
  if (mode === undefined || responseModes.some((known) => known === mode)) return undefined;
  return invalid("has an unknown response_mode", `It can be ${responseModes.join(" or ")}.`);
}

function findState(asked: Asked): OAuthError | undefined {
  if ((valueOf(asked, "state") ?? "").length > STATE_CHARACTERS_MAX) return invalid("has too long a state", `It has at most ${STATE_CHARACTERS_MAX} characters.`);
  return undefined;
}

/** Of what is asked for, what the client may have. The rest is passed over (RFC 6749 section 3.3, OpenID Connect Core 1.0 section 3.1.2.1). */
export function allowedScope(asked: Asked): string {
  const may = new Set(scopesOf(asked.client.scope));
  return scopesOf(valueOf(asked, "scope") ?? "").filter((scope) => may.has(scope)).join(" ");
}

function findScope(asked: Asked): OAuthError | undefined {
  const problem = problemOfScope(valueOf(asked, "scope") ?? "");
  if (problem !== undefined) return new OAuthError("invalid_scope", `The parameter scope ${problem}.`);
  if (allowedScope(asked) !== "") return undefined;
  return new OAuthError("invalid_scope", "The parameter scope asks for nothing that this client may have.", { hint: "Ask for one of the scopes that the client is registered with, such as openid." });
}

function findCodeChallenge(asked: Asked): OAuthError | undefined {
  const challenge = valueOf(asked, "code_challenge");
  const method = valueOf(asked, "code_challenge_method");
  const hint = "Send code_challenge with code_challenge_method=S256 (RFC 7636 section 4.3).";
  if (challenge === undefined) {
    if (method !== undefined) return invalid("has a code_challenge_method without code_challenge", hint);
    return asked.client.require_pkce ? invalid("has no code_challenge, and this client needs PKCE", hint) : undefined;
  }
  if (method !== "S256") return invalid("has a code_challenge_method other than S256", hint);
  return SHA256_TEXT.test(challenge) ? undefined : invalid("has a code_challenge that is not a SHA-256 in base64url", hint);
}

function findNonce(asked: Asked): OAuthError | undefined {
  if ((valueOf(asked, "nonce") ?? "").length > NONCE_CHARACTERS_MAX) return invalid("has too long a nonce", `It has at most ${NONCE_CHARACTERS_MAX} characters.`);
  return undefined;
}

function findPrompt(asked: Asked): OAuthError | undefined {
  const given = scopesOf(valueOf(asked, "prompt") ?? "");
  if (!given.every((each) => prompts.some((known) => known === each))) return invalid("has an unknown prompt", `It can be ${prompts.join(", ")}.`);
  if (given.includes("none") && given.length > 1) return invalid("has prompt none beside another", "Send none alone (OpenID Connect Core 1.0 section 3.1.2.1).");
  return undefined;
}

function findMaxAge(asked: Asked): OAuthError | undefined {
  const age = valueOf(asked, "max_age");
  return age === undefined || MAX_AGE.test(age) ? undefined : invalid("has a max_age that is not a number of seconds", "Send a whole number from 0 up.");
}

function findClaims(asked: Asked): OAuthError | undefined {
  const text = valueOf(asked, "claims");
  if (text === undefined) return undefined;
  const claims = findClaimsParameter(text);
  if (claims === undefined) return invalid("has a claims parameter that cannot be read", "Send a JSON object with userinfo and id_token (OpenID Connect Core 1.0 section 5.5).");
  const subjects = insistedValues(claims.id_token?.["sub"]);
  return subjects === undefined || subjects.length === 1 ? undefined : invalid("asks for more than one sub", "Ask for one person, or for none in particular.");
}

function findResource({ parameters, client }: Asked): OAuthError | undefined {
  if (parameters.resources.every((resource) => client.resources.includes(resource))) return undefined;
  return new OAuthError("invalid_target", "A resource of the request is not one that this client may ask for.", { hint: "Ask the operator to add it to the client (RFC 8707)." });
}

function findDpopJkt(asked: Asked): OAuthError | undefined {
  const jkt = valueOf(asked, "dpop_jkt");
  return jkt === undefined || SHA256_TEXT.test(jkt) ? undefined : invalid("has a dpop_jkt that is not a JWK thumbprint", "Send a SHA-256 thumbprint in base64url (RFC 9449 section 10).");
}

export const checks: readonly Check[] = [
  { name: "no parameter is repeated (RFC 6749 section 3.1)", find: findRepeated },
  { name: "no request object (OpenID Connect Core 1.0 section 6)", find: findRequestObject },
  { name: "pushed where the client has to (RFC 9126 section 6)", find: findUnpushed },
  { name: "response type code (RFC 9700 section 2.1.2)", find: findResponseType },
  { name: "a response mode that there is", find: findResponseMode },
  { name: "a bearable state", find: findState },
  { name: "a scope that the client may have", find: findScope },
  { name: "PKCE with S256 (RFC 7636)", find: findCodeChallenge },
  { name: "a bearable nonce", find: findNonce },
  { name: "a prompt that there is", find: findPrompt },
  { name: "max_age in seconds", find: findMaxAge },
  { name: "a claims parameter of the right shape", find: findClaims },
  { name: "resources that the client may ask for (RFC 8707)", find: findResource },
  { name: "a DPoP key thumbprint (RFC 9449 section 10)", find: findDpopJkt },
];

/** The first refusal, or undefined when the request is good. */
export function findRefusal(asked: Asked): OAuthError | undefined {
  for (const check of checks) {
    const refusal = check.find(asked);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/**
 * From the provider's answer to what it vouches for: callback checked, code redeemed, ID token verified, userinfo read.
 *
 *     iss (RFC 9207) → code → token endpoint, with PKCE → id_token: alg, signature, iss, aud, azp, exp, iat, nonce → userinfo of the same sub
 *
 * Rule: nothing that the provider sends is believed before its ID token is verified by the keys of the issuer that the
 * sign-in began with (OpenID Connect Core 1.0 section 3.1.3.7). The access token is used for userinfo and forgotten.
 */
import {
  type AuthorizationServer,
  authorizationCodeGrantRequest,
  AuthorizationResponseError,
  type Client,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  clockTolerance,
  getValidatedIdTokenClaims,
  type IDToken,
  None,
  OperationProcessingError,
  processAuthorizationCodeResponse,
  processUserInfoResponse,
  ResponseBodyError,
  UnsupportedOperationError,
  userInfoRequest,
  validateApplicationLevelSignature,
  validateAuthResponse,
  WWWAuthenticateChallengeError,
} from "oauth4webapi";
import type { DialSite } from "../../dialler.ts";
import { Fault } from "../../fault.ts";
import { type ProcedureAct, Refused } from "../../gate/operation.ts";
import type { HeldProvider } from "../../upstream-provider.ts";
import { ProviderProblem, type Sending, sendingTo, unreachableFault } from "./discovery.ts";

/** Clocks of two hosts differ; by more, one of them is wrong. */
const CLOCK_TOLERANCE_SECONDS = 30;
/** OpenID Connect Core 1.0 section 2: 255 ASCII characters. */
const SUBJECT = /^[\x20-\x7E]{1,255}$/;

/** Whom the provider vouches for. */
export interface Told {
  readonly subject: string;
  readonly email: string | undefined;
  /** Only a true of JSON counts. */
  readonly isEmailVerified: boolean;
  readonly firstName: string | undefined;
  readonly lastName: string | undefined;
  readonly name: string | undefined;
}

export interface Redemption {
  readonly provider: HeldProvider;
  readonly server: AuthorizationServer;
  /** Of the callback. */
  readonly parameters: URLSearchParams;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly redirectUri: string;
}

function clientAuthOf({ token_endpoint_auth_method, secret }: HeldProvider): ClientAuth {
  if (secret === undefined || token_endpoint_auth_method === "none") return None();
  return token_endpoint_auth_method === "client_secret_post" ? ClientSecretPost(secret.reveal()) : ClientSecretBasic(secret.reveal());
}

function clientOf({ client_id }: HeldProvider): Client {
  return { client_id, [clockTolerance]: CLOCK_TOLERANCE_SECONDS };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= 1_000 && value.trim() !== "" ? value : undefined;
}

/** `first` wins, claim by claim, but for the address: with it goes what is said about it. */
function toldBy(subject: string, first: Readonly<Record<string, unknown>>, second: Readonly<Record<string, unknown>>): Told {
  const text = (name: string) => textOf(first[name]) ?? textOf(second[name]);
  const source = textOf(first["email"]) === undefined ? second : first;
  return {
    subject,
    email: textOf(source["email"]),
    isEmailVerified: source["email_verified"] === true,
    firstName: text("given_name"),
    lastName: text("family_name"),
    name: text("name"),
  };
}

interface Verified {
  readonly claims: IDToken;
  readonly accessToken: string;
}

/** What the library leaves open. */
function problemOfClaims({ sub, azp, iat }: IDToken, { client_id }: HeldProvider, nowMs: number): string | undefined {
  if (!SUBJECT.test(sub)) return "the subject is not of 1 to 255 ASCII characters";
  // Also beside a single audience (OpenID Connect Core 1.0 section 3.1.3.7, step 5).
  if (azp !== undefined && azp !== client_id) return "the ID token was issued to another party (azp)";
  return iat > nowMs / 1_000 + CLOCK_TOLERANCE_SECONDS ? "the ID token is of the future (iat)" : undefined;
}

async function redeem(site: DialSite, redemption: Redemption, client: Client): Promise<Verified> {
  const { provider, server, parameters, state, nonce, codeVerifier, redirectUri } = redemption;
  const sending = sendingTo(site, provider);
  const callback = validateAuthResponse(server, client, parameters, state);
  const response = await authorizationCodeGrantRequest(server, client, clientAuthOf(provider), callback, redirectUri, codeVerifier, sending);
  const tokens = await processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce, requireIdToken: true });
  await validateApplicationLevelSignature(server, response, sending);
  const claims = getValidatedIdTokenClaims(tokens);
  if (claims === undefined) throw new ProviderProblem("there is no ID token");
  return { claims, accessToken: tokens.access_token };
}

/** Userinfo, where the ID token leaves the address out and there is such an endpoint. */
async function moreAbout({ server }: Redemption, client: Client, { verified: { claims, accessToken }, sending }: { readonly verified: Verified; readonly sending: Sending }): Promise<Readonly<Record<string, unknown>>> {
  if (textOf(claims["email"]) !== undefined || server.userinfo_endpoint === undefined) return {};
  const response = await userInfoRequest(server, client, accessToken, sending);
  // Another subject's would be somebody else's address (OpenID Connect Core 1.0 section 5.3.2).
  return { ...(await processUserInfoResponse(server, client, claims.sub, response)) };
}

/** In a few words why an answer is not good, for the audit log: codes and member names, nothing that was sent. */
function problemOf(error: unknown): string {
  if (error instanceof AuthorizationResponseError) return `the provider answered with the error ${error.error.slice(0, 60).replace(/[^\x20-\x7E]/g, "?")}`;
  if (error instanceof ResponseBodyError) return `the token endpoint answered ${error.status} ${error.error.slice(0, 60).replace(/[^\x20-\x7E]/g, "?")}`;
  if (error instanceof Fault && typeof error.cause === "string") return error.cause;
  if (error instanceof Fault && error.cause instanceof Error) return error.cause.message.slice(0, 200);
  return error instanceof Error ? error.message.slice(0, 200) : "unknown";
}

/** A redemption that failed: what people are told, and what the audit log is. */
interface Failed {
  readonly fault: Fault;
  readonly problem: string;
}

/** What the library, the runtime's cryptography and we throw for what a provider sent. */
const judged = [OperationProcessingError, ResponseBodyError, UnsupportedOperationError, WWWAuthenticateChallengeError, ProviderProblem, DOMException];

/** What the error means for the person. Throws it on when it is a bug of ours. */
function failedWith(provider: HeldProvider, error: unknown): Failed {
  const problem = problemOf(error);
  if (error instanceof Fault) return { fault: error.code === "unavailable" || error.code === "invalid_request" ? unreachableFault(provider, error) : error, problem };
  if (error instanceof AuthorizationResponseError) {
    return { fault: new Fault("gone", `${provider.display_name} did not sign you in.`, { hint: "Try again, or sign in with another way.", cause: error }), problem };
  }
  if (!judged.some((kind) => error instanceof kind)) throw error;
  const hint = "Start again. If it happens again, tell the operator, who finds the reason in the audit log.";
  return { fault: new Fault("gone", `The answer of ${provider.display_name} was refused.`, { hint, cause: error }), problem };
}

/** Writes down what is in the way, for the operator, and throws what people are told. */
export async function refuseFailed(act: ProcedureAct, provider: HeldProvider, error: unknown): Promise<never> {
  const { fault, problem } = failedWith(provider, error);
  return await act.write<never>(({ note }) => {
    note({ subject: `upstream_provider:${provider.id}`, details: { problem } });
    return Promise.resolve(new Refused(fault));
  });
}

/** Whom the provider vouches for. Throws whatever is in the way; {@link refuseFailed} says what it means. */
export async function redeemCode(site: DialSite, redemption: Redemption): Promise<Told> {
  const client = clientOf(redemption.provider);
  const verified = await redeem(site, redemption, client);
  const { sub } = verified.claims;
  const problem = problemOfClaims(verified.claims, redemption.provider, site.services.clock.now());
  if (problem !== undefined) throw new ProviderProblem(problem);
  return toldBy(sub, verified.claims, await moreAbout(redemption, client, { verified, sending: sendingTo(site, redemption.provider) }));
}

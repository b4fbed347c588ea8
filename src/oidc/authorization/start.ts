/**
 * The authorization endpoint (RFC 6749 section 3.1) and the pushed one (RFC 9126), up to a request that is good and stored.
 *
 *     parameters → client → license → redirect URI │ the named checks → hint → stored
 *              refused here: a page, no redirect   │ refused here: told to the client
 *
 * Rule: until client and redirect URI are found good nothing is sent anywhere, so no refusal is an open redirect.
 */
import { Fault } from "../../fault.ts";
import { type CommandAct, procedure, type ProcedureAct } from "../../gate/operation.ts";
import { type Client, findActiveClient, requireClientLicensed } from "../clients/client.ts";
import { isRedirectAllowed } from "../clients/redirect-uris.ts";
import { findHint, type IdTokenHint } from "../id-tokens.ts";
import type { Keyring } from "../keyring.ts";
import { OAuthError } from "../oauth-error.ts";
import { scopesOf } from "../scope.ts";
import { allowedScope, findRefusal } from "./checks.ts";
import { findClaimsParameter, insistedValues } from "./claims-parameter.ts";
import { type ParameterName, type Parameters, readParameters } from "./parameters.ts";
import { insertPending, takePushed } from "./pending.ts";
import { type AuthorizationRequest, prompts, responseModes } from "./request.ts";
import { type AuthorizationResponse, errorResponse, type ReturnAddress } from "./response.ts";

const PUSHED_PREFIX = "urn:ietf:params:oauth:request_uri:";
const LOGIN_HINT_CHARACTERS_MAX = 254;
const UI_LOCALES_CHARACTERS_MAX = 100;

/** A request that is under way, or one that was refused in a way that the client is told. */
export type Started = { readonly kind: "open"; readonly handle: string } | { readonly kind: "answer"; readonly response: AuthorizationResponse };

function refused(problem: string, hint: string): Fault {
  return new Fault("invalid_request", `The application's request ${problem}.`, { hint });
}

/** A value that decides where an answer may go: there and once, or the request goes nowhere. */
function requireSingle({ values, repeated }: Parameters, name: ParameterName): string {
  const value = values.get(name);
  if (value !== undefined && !repeated.has(name)) return value;
  throw refused(value === undefined ? `has no ${name}` : `has ${name} more than once`, "The application has to be corrected; tell its operator.");
}

async function requireClient({ writer, entitlements }: CommandAct, clientId: string): Promise<Client> {
  const client = await findActiveClient(writer, clientId);
  if (client === undefined) throw refused("comes from a client that is not registered here, or is disabled", "Ask the operator of this deployment to register or enable it.");
  requireClientLicensed(entitlements, client);
  return client;
}

function requireRedirectUri(client: Client, uri: string): string {
  if (isRedirectAllowed(client, uri)) return uri;
  throw refused("names a redirect_uri that the client has not registered", "The address has to be the registered one, character by character.");
}

function returnAddressOf({ values, repeated }: Parameters, redirectUri: string): ReturnAddress {
  const mode = responseModes.find((known) => known === values.get("response_mode")) ?? "query";
  return { redirectUri, responseMode: mode, state: repeated.has("state") ? undefined : values.get("state") };
}

interface Read {
  readonly client: Client;
  readonly parameters: Parameters;
  readonly redirectUri: string;
  readonly hint: IdTokenHint | undefined;
}

/** The person that the client insists on. Throws OAuthError `invalid_request` for a bad hint or two different people. */
function subjectOf({ client, parameters, hint }: Read): string | undefined {
  const claims = findClaimsParameter(parameters.values.get("claims") ?? "");
  const [wanted] = insistedValues(claims?.id_token?.["sub"]) ?? [];
  if (!parameters.values.has("id_token_hint")) return wanted;
  const isOurs = hint !== undefined && hint.clientId === client.client_id;
  if (isOurs && (wanted === undefined || wanted === hint.subject)) return hint.subject;
  throw new OAuthError("invalid_request", "The id_token_hint is not an ID token of this issuer for this client.", { hint: "Send the last ID token that the client was given, or none." });
}

function requestOf(read: Read): AuthorizationRequest {
  const { client, parameters, redirectUri } = read;
  const { values, resources } = parameters;
  const asked = scopesOf(values.get("prompt") ?? "");
  const { responseMode, state } = returnAddressOf(parameters, redirectUri);
  const claims = findClaimsParameter(values.get("claims") ?? "");
  const maxAge = values.get("max_age");
  const given = <Name extends string>(name: Name, value: string | undefined) => (value === undefined ? {} : { [name]: value });
  return {
    clientId: client.client_id,
    redirectUri,
    responseMode,
    scope: allowedScope({ parameters, client, isPushed: true }),
    resource: [...new Set(resources)],
    prompt: prompts.filter((prompt) => asked.includes(prompt)),
    ...(claims === undefined ? {} : { claims }),
    ...(maxAge === undefined ? {} : { maxAgeSeconds: Number(maxAge) }),
    ...given("state", state),
    ...given("nonce", values.get("nonce")),
    ...given("codeChallenge", values.get("code_challenge")),
    ...given("subject", subjectOf(read)),
    ...given("loginHint", values.get("login_hint")?.slice(0, LOGIN_HINT_CHARACTERS_MAX)),
    ...given("uiLocales", values.get("ui_locales")?.slice(0, UI_LOCALES_CHARACTERS_MAX)),
    ...given("dpopJkt", values.get("dpop_jkt")),
  };
}

/** The request. Throws OAuthError with the first check that refuses it. */
function requireGood(read: Read, isPushed: boolean): AuthorizationRequest {
  const refusal = findRefusal({ parameters: read.parameters, client: read.client, isPushed });
  if (refusal !== undefined) throw refusal;
  return requestOf(read);
}

function isPushedReference({ values }: Parameters): boolean {
  return values.get("request_uri")?.startsWith(PUSHED_PREFIX) === true;
}

/** A pushed request by its reference: all else that the browser brings is passed over (RFC 9126 section 4). */
async function resume(act: CommandAct, parameters: Parameters): Promise<Started> {
  const client = await requireClient(act, requireSingle(parameters, "client_id"));
  const handle = requireSingle(parameters, "request_uri").slice(PUSHED_PREFIX.length);
  const request = await takePushed(act, handle, client.client_id);
  if (request === undefined) throw refused("was not pushed here, is over, or was used before", "Go back to the application and start again.");
  // The registration may have changed since.
  requireRedirectUri(client, request.redirectUri);
  return { kind: "open", handle: await insertPending(act, "open", request) };
}

async function begin(act: CommandAct, parameters: Parameters, hint: IdTokenHint | undefined): Promise<Started> {
  const client = await requireClient(act, requireSingle(parameters, "client_id"));
  const redirectUri = requireRedirectUri(client, requireSingle(parameters, "redirect_uri"));
  try {
    const request = requireGood({ client, parameters, redirectUri, hint }, false);
    return { kind: "open", handle: await insertPending(act, "open", request) };
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return { kind: "answer", response: errorResponse(returnAddressOf(parameters, redirectUri), act.settings.issuerUrl, error) };
  }
}

export interface AuthorizationInput {
  /** The query or the form, as it came. */
  readonly text: string;
  readonly keyring: Keyring;
}

async function hintOf({ settings }: ProcedureAct, { values }: Parameters, keyring: Keyring): Promise<IdTokenHint | undefined> {
  const token = values.get("id_token_hint");
  return token === undefined ? undefined : await findHint(keyring, settings.issuerUrl, token);
}

/**
 * Takes an authorization request. Throws a Fault, to be shown as a page, for one that cannot be answered to the client:
 * unknown client, unregistered address, no license for it.
 */
export const startAuthorization = procedure("authorization.start", async (act, { text, keyring }: AuthorizationInput): Promise<Started> => {
  const parameters = readParameters(text);
  const hint = await hintOf(act, parameters, keyring);
  return await act.write(async (commandAct) => (isPushedReference(parameters) ? await resume(commandAct, parameters) : await begin(commandAct, parameters, hint)));
});

export interface PushInput extends AuthorizationInput {
  /** Authenticated by the endpoint. */
  readonly clientId: string;
  /** Of the DPoP proof that came along (RFC 9449 section 10.1). */
  readonly dpopJkt: string | undefined;
}

export interface Pushed {
  readonly request_uri: string;
  readonly expires_in: number;
}

/** Takes a request over the back channel. Throws OAuthError; nothing of it ever meets the browser but the reference. */
export const pushAuthorization = procedure("authorization.push", async (act, { text, keyring, clientId, dpopJkt }: PushInput): Promise<Pushed> => {
  const parameters = readParameters(text);
  const hint = await hintOf(act, parameters, keyring);
  if ((parameters.values.get("client_id") ?? clientId) !== clientId) throw new OAuthError("invalid_request", "The client_id is not that of the client that authenticated.");
  return await act.write(async (commandAct) => {
    const client = await requireClient(commandAct, clientId);
    const uri = requireSingle(parameters, "redirect_uri");
    if (!isRedirectAllowed(client, uri)) throw new OAuthError("invalid_request", "The redirect_uri is not registered for this client.");
    const request = requireGood({ client, parameters, redirectUri: uri, hint }, true);
    if (request.dpopJkt !== undefined && dpopJkt !== undefined && request.dpopJkt !== dpopJkt) {
      throw new OAuthError("invalid_dpop_proof", "The DPoP proof was made with another key than dpop_jkt names.");
    }
    const bound = dpopJkt === undefined ? request : { ...request, dpopJkt };
    return { request_uri: `${PUSHED_PREFIX}${await insertPending(commandAct, "pushed", bound)}`, expires_in: commandAct.settings.pushedRequestSeconds };
  });
});

/**
 * What may be registered about a client: the members of RFC 7591 with strict defaults, and the rules between them.
 *
 *     what was sent → known members, each of its type → defaults → rules, in order → ClientMetadata
 *
 * Rule: pure. The first rule that is broken is the refusal, in the client's own member names. A client that registers
 * itself gets the defaults for everything that weakens it; only who manages clients may say otherwise.
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { Fault } from "../../fault.ts";
import { requireName } from "../../identity/names.ts";
import { OAuthError, type OAuthErrorCode } from "../oauth-error.ts";
import { FIRST_PARTY_SCOPE, problemOfScope, scopesOf } from "../scope.ts";
import { authenticationMethods, type ClientMetadata, DEVICE_GRANT, type GrantType, grantTypes, idTokenAlgorithms, responseTypes, subjectTypes } from "./client.ts";
import { type ClientJwks, readClientJwks } from "./client-keys.ts";
import { isPrivateScheme, problemOfHttpsUri, problemOfRedirectUri, problemOfWebUri, URI_CHARACTERS_MAX } from "./redirect-uris.ts";
import { findProfileBreach, profileDefaults, securityProfiles } from "./security-profile.ts";
import { problemOfResource } from "./resources.ts";

const URIS_MAX = 20;
const DEFAULT_SCOPE = "openid profile email address phone offline_access";

const Uri = Type.String({ maxLength: URI_CHARACTERS_MAX });
const Uris = Type.Optional(Type.Array(Uri, { maxItems: URIS_MAX, uniqueItems: true }));
const OneUri = Type.Optional(Uri);
const Flag = Type.Optional(Type.Boolean());
const Choice = <T extends string>(values: readonly T[]) => Type.Union(values.map((value) => Type.Literal(value)));

/** What a client may say about itself. */
const own = {
  client_name: Type.Optional(Type.String()),
  redirect_uris: Uris,
  post_logout_redirect_uris: Uris,
  grant_types: Type.Optional(Type.Array(Choice(grantTypes), { uniqueItems: true, minItems: 1 })),
  response_types: Type.Optional(Type.Array(Choice(responseTypes), { uniqueItems: true })),
  scope: Type.Optional(Type.String()),
  token_endpoint_auth_method: Type.Optional(Choice(authenticationMethods)),
  jwks: Type.Optional(Type.Unknown()),
  jwks_uri: OneUri,
  id_token_signed_response_alg: Type.Optional(Choice(idTokenAlgorithms)),
  subject_type: Type.Optional(Choice(subjectTypes)),
  sector_identifier_uri: OneUri,
  require_pushed_authorization_requests: Flag,
  dpop_bound_access_tokens: Flag,
  require_dpop_nonce: Flag,
  security_profile: Type.Optional(Choice(securityProfiles)),
  backchannel_logout_uri: OneUri,
  /** Taken for what it asks, which every client gets: `sid` is in each logout token. */
  backchannel_logout_session_required: Flag,
  logo_uri: OneUri,
  policy_uri: OneUri,
  tos_uri: OneUri,
};
/** What only who manages clients may say. */
const managed = { require_pkce: Flag, rotate_refresh_tokens: Flag, resources: Uris, served_resources: Uris };

const MetadataSchema = Type.Object({ ...own, ...managed }, { additionalProperties: false });
type Sent = Static<typeof MetadataSchema>;

const metadataShape = shapeOf(MetadataSchema);

/** `dynamic`: the client itself, over the network. `managed`: an administrator or the operator. `platform`: this executable, for a client of its own. */
export type Registrar = "dynamic" | "managed" | "platform";

/** Refuses one member of a client's metadata. `problem` completes "The member … "; never the value that was sent. */
export function refusedMember(member: string, problem: string, code: OAuthErrorCode = "invalid_client_metadata"): OAuthError {
  return new OAuthError(code, `The member ${member} ${problem}.`, { details: { fields: [{ field: member, problem }] } });
}

/** Members that are null count as left out (RFC 7592 section 2.2). */
function presentMembers(input: unknown): Readonly<Record<string, unknown>> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new OAuthError("invalid_client_metadata", "The client's metadata is not a JSON object.");
  }
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));
}

function memberOf(path: string): string {
  return path.split("/")[1] ?? "";
}

function sentBy(registrar: Registrar, input: unknown): Sent {
  const present = presentMembers(input);
  // RFC 7591 section 2: members that are not understood are ignored. Who manages clients is told of them instead.
  const known = registrar === "dynamic" ? Object.fromEntries(Object.entries(present).filter(([name]) => Object.hasOwn(own, name))) : present;
  if (metadataShape.Check(known)) return known;
  const unknown = Object.keys(known).find((name) => !Object.hasOwn(own, name) && !Object.hasOwn(managed, name));
  if (unknown !== undefined) throw refusedMember(unknown.slice(0, 100), "is not known here");
  const [first] = metadataShape.Errors(known);
  const member = memberOf(first?.instancePath ?? "");
  throw refusedMember(member, "has a value that is not supported", member === "redirect_uris" ? "invalid_redirect_uri" : undefined);
}

/** With every default, and nothing checked between members yet. */
function completed(sent: Sent, jwks: ClientJwks | undefined, clientId: string): ClientMetadata {
  const grants: readonly GrantType[] = sent.grant_types ?? ["authorization_code"];
  const defaults = profileDefaults(sent.security_profile);
  const usesCode = grants.includes("authorization_code");
  const hasPerson = usesCode || grants.includes(DEVICE_GRANT);
  return {
    client_name: sent.client_name ?? clientId,
    redirect_uris: sent.redirect_uris ?? [],
    post_logout_redirect_uris: sent.post_logout_redirect_uris ?? [],
    grant_types: grants,
    response_types: sent.response_types ?? (usesCode ? ["code"] : []),
    scope: scopesOf(sent.scope ?? (hasPerson ? DEFAULT_SCOPE : "")).join(" "),
    token_endpoint_auth_method: sent.token_endpoint_auth_method ?? defaults.token_endpoint_auth_method,
    jwks,
    jwks_uri: sent.jwks_uri,
    id_token_signed_response_alg: sent.id_token_signed_response_alg ?? "ES256",
    subject_type: sent.subject_type ?? "public",
    sector_identifier_uri: sent.sector_identifier_uri,
    require_pkce: sent.require_pkce ?? defaults.require_pkce,
    rotate_refresh_tokens: sent.rotate_refresh_tokens ?? defaults.rotate_refresh_tokens,
    require_pushed_authorization_requests: sent.require_pushed_authorization_requests ?? defaults.require_pushed_authorization_requests,
    dpop_bound_access_tokens: sent.dpop_bound_access_tokens ?? defaults.dpop_bound_access_tokens,
    require_dpop_nonce: sent.require_dpop_nonce ?? false,
    security_profile: sent.security_profile,
    backchannel_logout_uri: sent.backchannel_logout_uri,
    logo_uri: sent.logo_uri,
    policy_uri: sent.policy_uri,
    tos_uri: sent.tos_uri,
    resources: sent.resources ?? [],
    served_resources: sent.served_resources ?? [],
  };
}

function requireKnownScope(registrar: Registrar, { scope }: Sent): void {
  if (scope === undefined) return;
  const problem = problemOfScope(scope);
  if (problem !== undefined) throw refusedMember("scope", problem);
  if (registrar !== "platform" && scopesOf(scope).includes(FIRST_PARTY_SCOPE)) throw refusedMember("scope", `may not hold ${FIRST_PARTY_SCOPE}, which is for the platform's own programs`);
}

function readJwks({ jwks }: Sent): ClientJwks | undefined {
  if (jwks === undefined) return undefined;
  const read = readClientJwks(jwks);
  if ("problem" in read) throw refusedMember("jwks", read.problem);
  return read.jwks;
}

function requireGoodName({ client_name }: ClientMetadata): void {
  try {
    requireName("client_name", client_name);
  } catch (error) {
    if (error instanceof Fault) throw refusedMember("client_name", "has 1 to 100 characters, none of them a control character or a mark that changes the direction of writing");
    throw error;
  }
}

/** Pages and pictures are shown to people, and keys decide who a client is: never in clear. */
const webUris = [
  ["jwks_uri", problemOfHttpsUri],
  ["sector_identifier_uri", problemOfHttpsUri],
  ["backchannel_logout_uri", problemOfWebUri],
  ["logo_uri", problemOfHttpsUri],
  ["policy_uri", problemOfHttpsUri],
  ["tos_uri", problemOfHttpsUri],
] as const;

function requireGoodUris(metadata: ClientMetadata): void {
  for (const name of ["redirect_uris", "post_logout_redirect_uris"] as const) {
    for (const [index, uri] of metadata[name].entries()) {
      const problem = problemOfRedirectUri(uri);
      if (problem !== undefined) throw refusedMember(name, `is not accepted: its entry ${index} ${problem}`, name === "redirect_uris" ? "invalid_redirect_uri" : undefined);
    }
  }
  for (const [name, problemOf] of webUris) {
    const uri = metadata[name];
    const problem = uri === undefined ? undefined : problemOf(uri);
    if (problem !== undefined) throw refusedMember(name, problem);
  }
  for (const name of ["resources", "served_resources"] as const) {
    const problem = metadata[name].map(problemOfResource).find((each) => each !== undefined);
    if (problem !== undefined) throw refusedMember(name, `has an entry that ${problem}`);
  }
}

function requireFittingGrants({ grant_types, response_types, redirect_uris, token_endpoint_auth_method: method }: ClientMetadata): void {
  const usesCode = grant_types.includes("authorization_code");
  if (usesCode && redirect_uris.length === 0) throw refusedMember("redirect_uris", "is needed for the authorization code", "invalid_redirect_uri");
  if (usesCode !== response_types.includes("code")) throw refusedMember("response_types", "holds code exactly when grant_types holds authorization_code");
  if (grant_types.includes("refresh_token") && !usesCode && !grant_types.includes(DEVICE_GRANT)) {
    throw refusedMember("grant_types", "holds refresh_token without a grant that gives one");
  }
  if (grant_types.includes("client_credentials") && method === "none") throw refusedMember("grant_types", "holds client_credentials, for which a client has to authenticate itself");
}

function requireFittingAuthentication(metadata: ClientMetadata): void {
  const { token_endpoint_auth_method: method, jwks, jwks_uri, redirect_uris, served_resources } = metadata;
  // RFC 7591 section 2.
  if (jwks !== undefined && jwks_uri !== undefined) throw refusedMember("jwks_uri", "cannot stand beside jwks");
  if (method === "private_key_jwt" && jwks === undefined && jwks_uri === undefined) throw refusedMember("jwks", "is needed for private_key_jwt, or jwks_uri");
  // An application on a device cannot keep a secret (RFC 8252 section 8.5), so one that registers as if it could is refused.
  if (method !== "none" && redirect_uris.some(isPrivateScheme)) {
    throw refusedMember("redirect_uris", "has a private scheme, which is for clients with token_endpoint_auth_method none", "invalid_redirect_uri");
  }
  if (method === "none" && served_resources.length > 0) throw refusedMember("served_resources", "is for clients that authenticate themselves");
}

/** What protects a client that cannot authenticate is no choice (RFC 9700 sections 2.1.1 and 2.2.2). */
function requireStrictPublicClient({ token_endpoint_auth_method: method, require_pkce, rotate_refresh_tokens, dpop_bound_access_tokens }: ClientMetadata): void {
  if (method !== "none") return;
  if (!require_pkce) throw refusedMember("require_pkce", "cannot be switched off for a client without authentication");
  if (!rotate_refresh_tokens && !dpop_bound_access_tokens) throw refusedMember("rotate_refresh_tokens", "can be switched off only for clients that authenticate themselves or use DPoP");
}

/** OpenID Connect Core 1.0 section 8.1: without a sector document, the host is the sector. */
function requireOneSector({ subject_type, sector_identifier_uri, redirect_uris }: ClientMetadata): void {
  if (subject_type !== "pairwise" || sector_identifier_uri !== undefined) return;
  const hosts = new Set(redirect_uris.map((uri) => URL.parse(uri)?.host));
  if (hosts.size !== 1 || redirect_uris.some(isPrivateScheme)) throw refusedMember("redirect_uris", "has to be of one host for subject_type pairwise without a sector_identifier_uri");
}

/**
 * The metadata that `input` registers for the client `clientId`. Throws OAuthError `invalid_client_metadata` or `invalid_redirect_uri`
 * with the member that is wrong, never its value.
 */
export function requireMetadata(registrar: Registrar, input: unknown, clientId: string): ClientMetadata {
  const sent = sentBy(registrar, input);
  requireKnownScope(registrar, sent);
  const metadata = completed(sent, readJwks(sent), clientId);
  requireGoodName(metadata);
  requireGoodUris(metadata);
  requireFittingGrants(metadata);
  requireFittingAuthentication(metadata);
  requireStrictPublicClient(metadata);
  requireOneSector(metadata);
  const breach = findProfileBreach(metadata);
  if (breach !== undefined) throw refusedMember(breach.member, breach.problem);
  return metadata;
}

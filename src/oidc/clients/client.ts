/**
 * A registered client, parsed from its row into a type that cannot be wrong.
 *
 * Rule: members have the names of RFC 7591 and OpenID Connect Dynamic Client Registration, here, in the table and in
 * every answer. What may be registered is `metadata.ts`'s to say; what a client may do with a grant is the grant's.
 */
import { eq } from "drizzle-orm";
import { assert, notFound } from "../../fault.ts";
import { type Entitlements, type Qualified, requireLicensed } from "../../license/entitlements.ts";
import { type Given, planRead } from "../../store/plan.ts";
import type { Tables } from "../../store/schema.ts";
import type { Reader } from "../../store/store.ts";
import { type ClientJwks, parseClientJwks } from "./client-keys.ts";
import { type SecurityProfile, securityProfiles } from "./security-profile.ts";

export const authenticationMethods = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] as const;
export type AuthenticationMethod = (typeof authenticationMethods)[number];

export const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
export const grantTypes = ["authorization_code", "refresh_token", "client_credentials", DEVICE_GRANT] as const;
export type GrantType = (typeof grantTypes)[number];

export const responseTypes = ["code"] as const;
export type ResponseType = (typeof responseTypes)[number];

export const idTokenAlgorithms = ["ES256", "EdDSA", "RS256"] as const;
export type IdTokenAlgorithm = (typeof idTokenAlgorithms)[number];

export const subjectTypes = ["public", "pairwise"] as const;
export type SubjectType = (typeof subjectTypes)[number];

/** What is registered about a client. */
export interface ClientMetadata {
  readonly client_name: string;
  readonly redirect_uris: readonly string[];
  readonly post_logout_redirect_uris: readonly string[];
  readonly grant_types: readonly GrantType[];
  readonly response_types: readonly ResponseType[];
  /** Everything that it may ask for, with one space between. */
  readonly scope: string;
  readonly token_endpoint_auth_method: AuthenticationMethod;
  readonly jwks: ClientJwks | undefined;
  /** Where the client publishes its keys, in place of `jwks`. */
  readonly jwks_uri: string | undefined;
  readonly id_token_signed_response_alg: IdTokenAlgorithm;
  readonly subject_type: SubjectType;
  /** A document that names all redirect URIs of a sector (OpenID Connect Core 1.0 section 8.1). */
  readonly sector_identifier_uri: string | undefined;
  readonly require_pkce: boolean;
  readonly rotate_refresh_tokens: boolean;
  readonly require_pushed_authorization_requests: boolean;
  readonly dpop_bound_access_tokens: boolean;
  /** Its proofs have to name a nonce of ours (RFC 9449 section 8). */
  readonly require_dpop_nonce: boolean;
  /** What it binds itself to beyond the defaults. */
  readonly security_profile: SecurityProfile | undefined;
  readonly backchannel_logout_uri: string | undefined;
  readonly logo_uri: string | undefined;
  readonly policy_uri: string | undefined;
  readonly tos_uri: string | undefined;
  /** Audiences that it may ask for (RFC 8707). */
  readonly resources: readonly string[];
  /** Audiences that it is, as a resource server. */
  readonly served_resources: readonly string[];
}

export interface Client extends ClientMetadata {
  readonly client_id: string;
  /** The platform's own: needs neither the feature `oidc_provider` nor consent. */
  readonly is_first_party: boolean;
  /** Registered by itself (RFC 7591), and may change itself (RFC 7592). */
  readonly is_dynamic: boolean;
  readonly is_disabled: boolean;
  /** Epoch milliseconds. */
  readonly created_at: number;
  readonly updated_at: number;
}

export type ClientRow = Tables["oidcClients"]["$inferSelect"];

/** Reads back a list of addresses, or of other texts, as it is stored. */
export function parseUris(json: string): readonly string[] {
  const list: unknown = JSON.parse(json);
  assert(Array.isArray(list) && list.every((each) => typeof each === "string"), "a stored list of a client is a list of texts");
  return list;
}

function oneOf<T extends string>(known: readonly T[], value: string): T {
  const found = known.find((each) => each === value);
  assert(found !== undefined, "a stored choice of a client is one of ours");
  return found;
}

const manyOf = <T extends string>(known: readonly T[], json: string): readonly T[] => parseUris(json).map((each) => oneOf(known, each));

/** The client that `row` holds. */
export function clientOf(row: ClientRow): Client {
  return {
    client_id: row.client_id,
    client_name: row.client_name,
    redirect_uris: parseUris(row.redirect_uris),
    post_logout_redirect_uris: parseUris(row.post_logout_redirect_uris),
    grant_types: manyOf(grantTypes, row.grant_types),
    response_types: manyOf(responseTypes, row.response_types),
    scope: row.scope,
    token_endpoint_auth_method: oneOf(authenticationMethods, row.token_endpoint_auth_method),
    jwks: row.jwks === null ? undefined : parseClientJwks(row.jwks),
    jwks_uri: row.jwks_uri ?? undefined,
    id_token_signed_response_alg: oneOf(idTokenAlgorithms, row.id_token_signed_response_alg),
    subject_type: oneOf(subjectTypes, row.subject_type),
    sector_identifier_uri: row.sector_identifier_uri ?? undefined,
    require_pkce: row.require_pkce,
    rotate_refresh_tokens: row.rotate_refresh_tokens,
    require_pushed_authorization_requests: row.require_pushed_authorization_requests,
    dpop_bound_access_tokens: row.dpop_bound_access_tokens,
    require_dpop_nonce: row.require_dpop_nonce,
    security_profile: row.security_profile === null ? undefined : oneOf(securityProfiles, row.security_profile),
    backchannel_logout_uri: row.backchannel_logout_uri ?? undefined,
    logo_uri: row.logo_uri ?? undefined,
    policy_uri: row.policy_uri ?? undefined,
    tos_uri: row.tos_uri ?? undefined,
    resources: parseUris(row.resources),
    served_resources: parseUris(row.served_resources),
    is_first_party: row.is_first_party,
    is_dynamic: row.registration_digest !== null,
    is_disabled: row.disabled_at !== null,
    created_at: row.created_at,
    updated_at: row.updated_at,
  };
}

/** The columns that metadata fills. */
export function columnsOf(metadata: ClientMetadata) {
  return {
    client_name: metadata.client_name,
    redirect_uris: JSON.stringify(metadata.redirect_uris),
    post_logout_redirect_uris: JSON.stringify(metadata.post_logout_redirect_uris),
    grant_types: JSON.stringify(metadata.grant_types),
    response_types: JSON.stringify(metadata.response_types),
    scope: metadata.scope,
    token_endpoint_auth_method: metadata.token_endpoint_auth_method,
    jwks: metadata.jwks === undefined ? null : JSON.stringify(metadata.jwks),
    jwks_uri: metadata.jwks_uri ?? null,
    id_token_signed_response_alg: metadata.id_token_signed_response_alg,
    subject_type: metadata.subject_type,
    sector_identifier_uri: metadata.sector_identifier_uri ?? null,
    require_pkce: metadata.require_pkce,
    rotate_refresh_tokens: metadata.rotate_refresh_tokens,
    require_pushed_authorization_requests: metadata.require_pushed_authorization_requests,
    dpop_bound_access_tokens: metadata.dpop_bound_access_tokens,
    require_dpop_nonce: metadata.require_dpop_nonce,
    security_profile: metadata.security_profile ?? null,
    backchannel_logout_uri: metadata.backchannel_logout_uri ?? null,
    logo_uri: metadata.logo_uri ?? null,
    policy_uri: metadata.policy_uri ?? null,
    tos_uri: metadata.tos_uri ?? null,
    resources: JSON.stringify(metadata.resources),
    served_resources: JSON.stringify(metadata.served_resources),
  };
}

/** True for an id that a client of ours can have: anything else is not looked up. */
export function isClientId(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,100}$/.test(text);
}

const findRow = planRead((reader, given: Given<{ readonly clientId: string }>) => {
  const { oidcClients: clients } = reader.tables;
  return reader.select().from(clients).where(eq(clients.client_id, given("clientId")));
});

/** The client, disabled or not; undefined when there is none. */
export async function findClient(reader: Reader, clientId: string): Promise<Client | undefined> {
  if (!isClientId(clientId)) return undefined;
  const [row] = await findRow(reader, { clientId });
  return row === undefined ? undefined : clientOf(row);
}

/** The client, for whoever manages it. Throws Fault `not_found`. */
export async function getClient(reader: Reader, clientId: string): Promise<Client> {
  const client = await findClient(reader, clientId);
  if (client === undefined) throw notFound();
  return client;
}

/** The client, when it may take part in the protocol now: it exists and is not disabled. */
export async function findActiveClient(reader: Reader, clientId: string): Promise<Client | undefined> {
  const client = await findClient(reader, clientId);
  return client === undefined || client.is_disabled ? undefined : client;
}

export const oidcProvider: Qualified = { namespace: "global", key: "oidc_provider" };

/**
 * Throws unless the license lets this client be used: Fault `feature_disabled`, or the state's code. The platform's own
 * clients need no license.
 */
export function requireClientLicensed(entitlements: Entitlements, client: Pick<Client, "is_first_party">): void {
  if (!client.is_first_party) requireLicensed(entitlements, oidcProvider);
}

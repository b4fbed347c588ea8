/**
 * Refusals as OAuth spells them: a closed set of codes, each with its status, and the one body they all have.
 *
 *     {"error": "invalid_grant", "error_description": "…"}     (RFC 6749 section 5.2)
 *
 * Rule: an OAuthError is a Fault, so it passes the gate, is committed as `Refused` and falls back to our own shape
 * outside of the issuer's endpoints. Every Fault has an OAuth code; a bug has one too. It must not know HTTP beyond status and headers.
 */
import { Fault, type FaultCode, type FaultOptions } from "../fault.ts";

/** Every code a client can meet, with its status, and the document that defines it. The set is closed. */
export const oauthErrors = {
  // RFC 6749 sections 4.1.2.1 and 5.2.
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_response_type: 400,
  invalid_scope: 400,
  access_denied: 403,
  server_error: 500,
  temporarily_unavailable: 503,
  // RFC 6750 section 3.1: at userinfo and other resources.
  invalid_token: 401,
  insufficient_scope: 403,
  // RFC 7009 section 2.2.1.
  unsupported_token_type: 400,
  // RFC 7591 section 3.2.2.
  invalid_redirect_uri: 400,
  invalid_client_metadata: 400,
  // RFC 8628 section 3.5.
  authorization_pending: 400,
  slow_down: 400,
  expired_token: 400,
  // RFC 8707 section 2.
  invalid_target: 400,
  // RFC 9449 sections 5 and 8.
  invalid_dpop_proof: 400,
  use_dpop_nonce: 400,
  // OpenID Connect Core 1.0 sections 3.1.2.6 and 6.
  login_required: 400,
  consent_required: 400,
  interaction_required: 400,
  account_selection_required: 400,
  request_not_supported: 400,
  request_uri_not_supported: 400,
  invalid_request_uri: 400,
} as const satisfies Record<string, number>;

export type OAuthErrorCode = keyof typeof oauthErrors;

const faultCodeOf: Readonly<Record<number, FaultCode>> = { 401: "unauthenticated", 403: "forbidden", 500: "internal", 503: "unavailable" };

export interface OAuthErrorOptions extends FaultOptions {
  /** Where HTTP says more than the code, such as 413 for `invalid_request`. */
  readonly status?: number;
  /** Headers that the refusal needs, such as `DPoP-Nonce` or a `WWW-Authenticate` of its own. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An expected refusal at an OAuth endpoint. */
export class OAuthError extends Fault {
  readonly oauthCode: OAuthErrorCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly #status: number;

  constructor(oauthCode: OAuthErrorCode, message: string, options: OAuthErrorOptions = {}) {
    super(faultCodeOf[oauthErrors[oauthCode]] ?? "invalid_request", message, options);
    this.oauthCode = oauthCode;
    this.headers = options.headers ?? {};
    this.#status = options.status ?? oauthErrors[oauthCode];
  }

  override get status(): number {
    return this.#status;
  }
}

/** What our own refusals are called in OAuth. Total: a new Fault code does not compile without one. */
const codes: Readonly<Record<FaultCode, OAuthErrorCode>> = {
  invalid_request: "invalid_request",
  team_required: "invalid_request",
  invalid_license: "invalid_request",
  unauthenticated: "invalid_token",
  second_factor_required: "access_denied",
  forbidden: "access_denied",
  insufficient_scope: "insufficient_scope",
  feature_disabled: "access_denied",
  quota_exceeded: "access_denied",
  not_enrolled: "access_denied",
  handshake_refused: "access_denied",
  not_found: "invalid_request",
  method_not_allowed: "invalid_request",
  conflict: "invalid_request",
  idempotency_key_reused: "invalid_request",
  gone: "invalid_request",
  length_required: "invalid_request",
  precondition_failed: "invalid_request",
  too_large: "invalid_request",
  unsupported_media_type: "invalid_request",
  upgrade_required: "invalid_request",
  rate_limited: "temporarily_unavailable",
  bad_gateway: "server_error",
  internal: "server_error",
  unavailable: "temporarily_unavailable",
  grace_over: "temporarily_unavailable",
  expired: "temporarily_unavailable",
  not_yet_valid: "temporarily_unavailable",
  invalid: "temporarily_unavailable",
  revoked: "temporarily_unavailable",
  not_bound: "temporarily_unavailable",
  clock_anomaly: "temporarily_unavailable",
  rollback_suspected: "temporarily_unavailable",
  missing: "temporarily_unavailable",
};

/** `fault` as an OAuth error, with the status it had. */
export function oauthErrorOf(fault: Fault): OAuthError {
  if (fault instanceof OAuthError) return fault;
  const { hint, details, retryAfterSeconds, status, cause } = fault;
  return new OAuthError(codes[fault.code], fault.message, {
    status,
    cause,
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** RFC 6749 appendix A.8: printable ASCII without `"` and `\`. */
export function descriptionOf({ message, hint }: Fault): string {
  const text = hint === undefined ? message : `${message} ${hint}`;
  return text.replaceAll('"', "'").replaceAll("\\", "/").replace(/[^\x20-\x7e]/g, "?");
}

export interface OAuthErrorBody {
  readonly error: OAuthErrorCode;
  readonly error_description: string;
}

/** The body and the parameters of every refusal. */
export function oauthErrorBody(error: OAuthError): OAuthErrorBody {
  return { error: error.oauthCode, error_description: descriptionOf(error) };
}

/**
 * The headers of a refusal beside those of every answer. RFC 6749 section 5.2: a 401 for a client that used the
 * Authorization header names that scheme; RFC 6750 section 3: one at a resource names its own.
 */
export function oauthErrorHeaders(error: OAuthError): Readonly<Record<string, string>> {
  const { oauthCode, retryAfterSeconds, headers } = error;
  return {
    "cache-control": "no-store",
    pragma: "no-cache",
    ...(oauthCode === "invalid_client" ? { "www-authenticate": 'Basic realm="cyberun", charset="UTF-8"' } : {}),
    ...(oauthCode === "invalid_token" || oauthCode === "insufficient_scope" ? { "www-authenticate": `Bearer realm="cyberun", error="${oauthCode}"` } : {}),
    ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
    ...headers,
  };
}

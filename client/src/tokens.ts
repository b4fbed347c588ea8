/** Verification of access tokens, by jose: what RFC 9068 section 4 asks of a resource server, and nothing is looked up for each token. */
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from "jose";
import type { TokenVerifier, VerifiedToken, VerifierOptions } from "../tokens.d.ts";

const TYP = "at+jwt";
const TOLERANCE_SECONDS = 5;
const algorithms = ["ES256", "EdDSA", "RS256"];
const DISCOVERY = "/.well-known/openid-configuration";

type Code = "invalid_token" | "insufficient_scope";

interface Why {
  readonly code: Code;
  readonly message: string;
  readonly scopes?: readonly string[];
}

export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
  readonly status: 401 | 403;
  readonly code: Code;
  readonly challenge: string;

  constructor({ code, message, scopes = [] }: Why) {
    super(message);
    this.status = code === "insufficient_scope" ? 403 : 401;
    this.code = code;
    this.challenge = `Bearer error="${code}", error_description="${message.replace(/[^ !#-[\]-~]/g, "")}"${scopes.length === 0 ? "" : `, scope="${scopes.join(" ")}"`}`;
  }
}

type Keys = ReturnType<typeof createRemoteJWKSet>;

/** The issuer's keys, at the address that its own discovery document names. */
async function findKeys({ issuer, fetch: ask = fetch }: VerifierOptions): Promise<Keys> {
  const response = await ask(`${issuer.replace(/\/$/, "")}${DISCOVERY}`, { redirect: "error" });
  const document: unknown = response.ok ? await response.json() : undefined;
  if (typeof document !== "object" || document === null || !("issuer" in document) || document.issuer !== issuer || !("jwks_uri" in document) || typeof document.jwks_uri !== "string") {
    throw new Error(`The discovery document of ${issuer} is not that issuer's (status ${response.status}).`);
  }
  return createRemoteJWKSet(new URL(document.jwks_uri), { [customFetch]: (url, init) => ask(url, { ...init, redirect: "error" }) });
}

function tokenIn(authorization: string | null | undefined): string {
  const [, token] = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+) *$/i.exec(authorization ?? "") ?? [];
  if (token === undefined) throw new TokenRefused({ code: "invalid_token", message: "An access token is missing: send Authorization: Bearer with one." });
  return token;
}

function verified({ sub, exp, ...rest }: JWTPayload): VerifiedToken {
  const { client_id, scope, cnf } = rest;
  if (sub === undefined || exp === undefined || typeof client_id !== "string" || typeof scope !== "string") throw new TokenRefused({ code: "invalid_token", message: "The token lacks claims that an access token has." });
  // Whoever shows such a token as a bearer has not shown the key that it is bound to (RFC 9449 section 7.1).
  if (cnf !== undefined) throw new TokenRefused({ code: "invalid_token", message: "The token is bound to a key and cannot be shown as a bearer token." });
  return { subject: sub, clientId: client_id, scopes: new Set(scope.split(" ")), expiresAt: exp, claims: { sub, exp, ...rest } };
}

/** Why jose does not take it: its own classes are bad tokens, all else is the network's or a bug. */
function refusalOf(error: unknown): unknown {
  if (error instanceof errors.JWKSTimeout) return error;
  if (error instanceof errors.JWTExpired) return new TokenRefused({ code: "invalid_token", message: "The token has expired." });
  if (error instanceof errors.JOSEError) return new TokenRefused({ code: "invalid_token", message: "The token is not one of this issuer for this resource." });
  return error;
}

export function createTokenVerifier(options: VerifierOptions): TokenVerifier {
  const { issuer, audience, clockToleranceSeconds = TOLERANCE_SECONDS } = options;
  let found: Promise<Keys> | undefined;
  const keys = () => {
    found ??= findKeys(options);
    // The next token asks anew when the issuer could not be reached.
    found.catch(() => (found = undefined));
    return found;
  };
  return {
    async verify(authorization, scopes = []) {
      const token = tokenIn(authorization);
      const set = await keys();
      const { payload } = await jwtVerify(token, set, { issuer, audience, typ: TYP, algorithms, clockTolerance: clockToleranceSeconds, requiredClaims: ["iat", "jti"] }).catch((error: unknown) => {
        throw refusalOf(error);
      });
      const result = verified(payload);
      const missing = scopes.filter((scope) => !result.scopes.has(scope));
      if (missing.length > 0) throw new TokenRefused({ code: "insufficient_scope", message: `The token lacks the scope ${missing.join(" ")}.`, scopes });
      return result;
    },
  };
}

/** Access tokens of the deployment's issuer, verified where they are shown: JWTs after RFC 9068. */
export interface VerifierOptions {
  /** The issuer's address, exactly as its discovery document spells it. */
  readonly issuer: string;
  /** The resource that the token must be for (`aud`): this product's own address. */
  readonly audience: string;
  /** Seconds by which clocks may differ; 5 unless it is said. */
  readonly clockToleranceSeconds?: number;
  /** In place of the runtime's own. */
  readonly fetch?: typeof fetch;
}

export interface VerifiedToken {
  /** Whom it speaks for. */
  readonly subject: string;
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
  /** Epoch seconds. */
  readonly expiresAt: number;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A token that is not to be obeyed. `code` is that of RFC 6750 section 3.1, `challenge` the value of WWW-Authenticate. */
export class TokenRefused extends Error {
  readonly status: 401 | 403;
  readonly code: "invalid_token" | "insufficient_scope";
  readonly challenge: string;
}

export interface TokenVerifier {
  /** The token that an Authorization header shows. Throws {@link TokenRefused} for anything else than a good one with all of `scopes`. */
  verify(authorization: string | null | undefined, scopes?: readonly string[]): Promise<VerifiedToken>;
}

/** Reads the issuer's discovery document and keys when the first token comes, and again when an unknown key is named. */
export function createTokenVerifier(options: VerifierOptions): TokenVerifier;

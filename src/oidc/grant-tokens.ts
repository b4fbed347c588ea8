/**
 * Access tokens that clients get: JWTs after RFC 9068, for the audiences that were asked for (RFC 8707), bound to the client's
 * key where it proved one (RFC 9449 section 6).
 *
 * Rule: a token says what was granted; whether the grant still stands is read from the store (`token-validity.ts`).
 * The tokens of the platform's own sessions are `access-tokens.ts`'s.
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";
import type { Act } from "../gate/operation.ts";
import { signJwt, verifyJwt } from "./jwt.ts";
import type { Keyring } from "./keyring.ts";

const TYP = "at+jwt";

const Text = Type.String({ minLength: 1, maxLength: 512 });
const Seconds = Type.Integer({ minimum: 0 });
const ClaimsSchema = Type.Object({
  iss: Text,
  sub: Text,
  aud: Type.Union([Text, Type.Array(Text, { minItems: 1, maxItems: 5 })]),
  exp: Seconds,
  iat: Seconds,
  jti: Text,
  client_id: Text,
  scope: Type.String({ maxLength: 1_000 }),
  /** The sign-in it was granted in, as the client knows it, and the grant that it ends with. */
  sid: Type.Optional(Text),
  grant_id: Type.Optional(Text),
  auth_time: Type.Optional(Seconds),
  acr: Type.Optional(Text),
  amr: Type.Optional(Type.Array(Text)),
  cnf: Type.Optional(Type.Object({ jkt: Text })),
});
export type GrantTokenClaims = Static<typeof ClaimsSchema>;
const claimsShape = shapeOf(ClaimsSchema);

/** What a token says beside when it is good. */
export interface GrantTokenContent {
  readonly client_id: string;
  /** The person as this client knows them, or the client itself. */
  readonly sub: string;
  readonly scope: string;
  readonly audience: readonly string[];
  readonly sid?: string | undefined;
  readonly grant_id?: string | undefined;
  /** Epoch seconds. */
  readonly auth_time?: number | undefined;
  readonly acr?: string | undefined;
  readonly amr?: readonly string[] | undefined;
  /** Thumbprint of the key that the token is bound to. */
  readonly jkt: string | undefined;
}

/** The members of a token endpoint's answer that tell of the access token (RFC 6749 section 5.1). */
export interface AccessTokenAnswer {
  readonly access_token: string;
  readonly token_type: "Bearer" | "DPoP";
  /** Seconds. */
  readonly expires_in: number;
  readonly scope: string;
}

/** Signs an access token. Throws Fault `unavailable` while there is no key. */
export async function signGrantToken({ services, settings }: Pick<Act, "services" | "settings">, keyring: Keyring, content: GrantTokenContent): Promise<AccessTokenAnswer> {
  const { audience, jkt, ...rest } = content;
  const [only, second] = audience;
  const issuedAt = Math.floor(services.clock.now() / 1_000);
  // Members that are undefined vanish in JSON.
  const claims = {
    iss: settings.issuerUrl,
    ...rest,
    aud: second === undefined ? only : audience,
    exp: issuedAt + settings.accessTokenSeconds,
    iat: issuedAt,
    jti: services.random.uuid(),
    cnf: jkt === undefined ? undefined : { jkt },
  };
  return {
    access_token: await signJwt(await keyring.getSigningKey(), TYP, claims),
    token_type: jkt === undefined ? "Bearer" : "DPoP",
    expires_in: settings.accessTokenSeconds,
    scope: content.scope,
  };
}

/** The claims of an access token of ours that is not over, whatever it is for; undefined for anything else. */
export async function findGrantTokenClaims({ services, settings }: Pick<Act, "services" | "settings">, keyring: Keyring, token: string): Promise<GrantTokenClaims | undefined> {
  const claims = await verifyJwt(keyring, TYP, token);
  if (!claimsShape.Check(claims) || claims.iss !== settings.issuerUrl) return undefined;
  const now = services.clock.now() / 1_000;
  return now < claims.exp && claims.iat <= now + settings.clockSkewSeconds ? claims : undefined;
}

/** The audiences as a list. */
export function audiencesOf({ aud }: Pick<GrantTokenClaims, "aud">): readonly string[] {
  return typeof aud === "string" ? [aud] : aud;
}

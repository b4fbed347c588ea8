/**
 * `private_key_jwt`: an assertion that the client signed with a registered key (RFC 7523 section 3, OpenID Connect Core 1.0 section 9).
 *
 * Rule: pure; a list of named checks in the order they are made. That it is used once is the caller's to see to.
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { type ClientJws, findClientJws } from "../client-jws.ts";
import type { Client } from "../clients/client.ts";
import type { ClientJwks } from "../clients/client-keys.ts";
import { isProfileAlgorithm } from "../clients/security-profile.ts";

/** RFC 7523 asks for none; newer profiles name it. A token made for another purpose has another. */
const typs: readonly (string | undefined)[] = [undefined, "JWT", "client-authentication+jwt"];

const Text = Type.String({ minLength: 1, maxLength: 512 });
const Seconds = Type.Integer({ minimum: 0 });
/** A single audience, plain or alone in a list: one that names a second server could be shown there (RFC 7523bis). */
const Audience = Type.Union([Text, Type.Array(Text, { minItems: 1, maxItems: 1 })]);
const ClaimsSchema = Type.Object({
  iss: Text,
  sub: Text,
  aud: Audience,
  exp: Seconds,
  iat: Seconds,
  nbf: Type.Optional(Seconds),
  jti: Type.String({ minLength: 1, maxLength: 255 }),
});
type Claims = Static<typeof ClaimsSchema>;
const claimsShape = shapeOf(ClaimsSchema);

export interface Assertion {
  readonly jws: ClientJws;
  readonly claims: Claims;
}

/** What is in an assertion, not yet to be believed; undefined when it is none. */
export function findAssertion(text: string): Assertion | undefined {
  const jws = findClientJws(text);
  return jws !== undefined && claimsShape.Check(jws.claims) ? { jws, claims: jws.claims } : undefined;
}

export interface AssertionContext {
  readonly client: Pick<Client, "client_id" | "security_profile">;
  /** Addresses that an assertion may be made for. */
  readonly audiences: readonly string[];
  readonly nowSeconds: number;
  /** How far the client's clock may be off. */
  readonly skewSeconds: number;
  /** An assertion is remembered until it ends, so it may not live for long. */
  readonly lifeSecondsMax: number;
}

type Check = (assertion: Assertion, context: AssertionContext) => boolean;

const checks: Readonly<Record<string, Check>> = {
  typ: ({ jws }) => typs.includes(jws.header.typ),
  algorithm: ({ jws }, { client }) => isProfileAlgorithm(client.security_profile, jws.header.alg),
  noKeyInside: ({ jws }) => jws.header.jwk === undefined,
  issuerAndSubject: ({ claims }, { client }) => claims.iss === client.client_id && claims.sub === client.client_id,
  audience: ({ claims: { aud } }, { audiences, client }) =>
    typeof aud === "string" ? audiences.includes(aud) : client.security_profile === undefined && audiences.includes(aud.join(" ")),
  notOver: ({ claims }, { nowSeconds, skewSeconds }) => nowSeconds < claims.exp + skewSeconds,
  notTooLong: ({ claims }, { nowSeconds, skewSeconds, lifeSecondsMax }) => claims.exp <= nowSeconds + lifeSecondsMax + skewSeconds,
  notFromTheFuture: ({ claims }, { nowSeconds, skewSeconds }) => claims.iat <= nowSeconds + skewSeconds && (claims.nbf ?? 0) <= nowSeconds + skewSeconds,
  notFromLongAgo: ({ claims }, { nowSeconds, skewSeconds, lifeSecondsMax }) => claims.iat >= nowSeconds - lifeSecondsMax - skewSeconds,
};

/** Whether the assertion is signed by one of the keys; by the one that it names, if it names one. */
export function isSignedByOneOf({ jws }: Assertion, { keys }: ClientJwks): boolean {
  return keys.filter(({ kid }) => jws.header.kid === undefined || kid === jws.header.kid).some((jwk) => jws.isSignedBy(jwk));
}

/** Whether the assertion says that it is the client's and for us, now. Who signed it is not asked. */
export function isFittingAssertion(assertion: Assertion, context: AssertionContext): boolean {
  return Object.values(checks).every((check) => check(assertion, context));
}

/** From when on the assertion is refused for its age alone. */
export function assertionEndsAtMs({ claims }: Assertion, { skewSeconds }: Pick<AssertionContext, "skewSeconds">): number {
  return (claims.exp + skewSeconds) * 1_000;
}

/**
 * What a token of another site says, judged by the rules for that site. Pure but for the signature.
 *
 *     iss ── pinned, not removed ── bundle not expired ── key of that site's own set ── typ, alg ── iss again ── origin
 *         ── aud among the rules' ── scope ── exp, iat ── subject not revoked ──► who it is there
 *
 * Rule: a key is looked for among those of the site that the token names and nowhere else, so that equal key ids of two
 * sites mean nothing, and no site speaks for another.
 */
import { type Static, Type } from "typebox";
import { Fault } from "../fault.ts";
import { publicKeyOf } from "../oidc/jwk.ts";
import { verifyJwt } from "../oidc/jwt.ts";
import type { Keyring, TokenVerifyKey } from "../oidc/keyring.ts";
import { FIRST_PARTY_SCOPE, scopesOf } from "../oidc/scope.ts";
import { shapeOf } from "../shape.ts";
import { SITE_SKEW_SECONDS } from "./bundle.ts";
import { problemOfSite, type Site } from "./sites.ts";

const Text = Type.String({ minLength: 1, maxLength: 512 });
const Seconds = Type.Integer({ minimum: 0 });
/** No token of ours lives longer; a site that says otherwise is not believed. */
const TOKEN_SECONDS_MAX = 86_400;

const ClaimsSchema = Type.Object({
  iss: Text,
  sub: Type.String({ pattern: "^[\\x20-\\x7E]{1,100}$" }),
  aud: Type.Union([Text, Type.Array(Text, { minItems: 1, maxItems: 5 })]),
  exp: Seconds,
  iat: Seconds,
  jti: Text,
  client_id: Text,
  scope: Text,
  origin: Type.Optional(Text),
  cnf: Type.Optional(Type.Unknown()),
  email: Type.Optional(Text),
  email_verified: Type.Optional(Type.Boolean()),
  given_name: Type.Optional(Text),
  family_name: Type.Optional(Type.String({ maxLength: 512 })),
});
export type ForeignClaims = Static<typeof ClaimsSchema>;
const claimsShape = shapeOf(ClaimsSchema);

type VerifyKeys = Pick<Keyring, "findVerifyKey">;

/** The keys in the bundle of one site. */
export function keysOfSite({ bundle }: Pick<Site, "bundle">): VerifyKeys {
  return {
    async findVerifyKey(kid): Promise<TokenVerifyKey | undefined> {
      const found = bundle.keys.find((key) => key.kid === kid);
      return found === undefined ? undefined : { kid, alg: found.alg, publicKey: publicKeyOf(found) };
    },
  };
}

/** What a token that its site did sign may yet not do here: worth a sentence, since its holder is known there. */
export function refusedVisit(problem: string, hint: string, reason: string): Fault {
  return new Fault("forbidden", `The token of the other site is not taken: ${problem}.`, { hint, details: { reason } });
}

/** What keeps a person out whose token their site did sign; undefined for nothing. */
export function problemOfVisit({ bundle, rules }: Pick<Site, "bundle" | "rules">, claims: ForeignClaims): Fault | undefined {
  const audiences = typeof claims.aud === "string" ? [claims.aud] : claims.aud;
  if (!audiences.some((audience) => rules.audiences.includes(audience))) return refusedVisit("it was made for another audience", "Ask your own site for a token that names this one (POST /api/v1/auth/site-tokens).", "audience");
  if (bundle.revoked_subjects.includes(claims.sub)) return refusedVisit("its person was shut out there", "Ask an administrator of your own site.", "revoked_subject");
  if (rules.mapping === "refuse") return refusedVisit("people of that site are not admitted here", "An administrator of this site may change its rules.", "refused");
  return undefined;
}

function isTimely({ exp, iat }: ForeignClaims, nowMs: number): boolean {
  const now = nowMs / 1_000;
  return now < exp && iat <= now + SITE_SKEW_SECONDS && exp - iat <= TOKEN_SECONDS_MAX;
}

/**
 * The claims of a token that the site signed and that is good here at `now`; undefined when it is no such token. Throws
 * Fault `forbidden` for one that the site did sign and that the rules keep out.
 */
export async function findForeignClaims(site: Site, keys: VerifyKeys, { token, now }: { readonly token: string; readonly now: number }): Promise<ForeignClaims | undefined> {
  const claims = await verifyJwt(keys, "at+jwt", token);
  if (!claimsShape.Check(claims) || claims.iss !== site.bundle.issuer || claims.cnf !== undefined) return undefined;
  // A replica's token has to say so; in a circle one that says otherwise was made by another.
  if (claims.origin !== site.bundle.kid && (site.shape === "replica" || claims.origin !== undefined)) return undefined;
  if (!scopesOf(claims.scope).includes(FIRST_PARTY_SCOPE) || !isTimely(claims, now)) return undefined;
  const problem = problemOfSite(site, now) ?? problemOfVisit(site, claims);
  if (problem !== undefined) throw problem;
  return claims;
}

/**
 * Proofs of possession (RFC 9449): the client shows with each request that it holds the key which its tokens are bound to.
 *
 * Rule: a proof is good for one method at one address, for a short time, once. The address is the configured one, never what
 * the request claims (section 4.3 item 9); the key decides the algorithm.
 */
import { createHash } from "node:crypto";
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { isSameSecret } from "../crypto/sealing.ts";
import { procedure } from "../gate/operation.ts";
import { findClientJws } from "./client-jws.ts";
import { readPublicJwk } from "./clients/client-keys.ts";
import { dpopNonce, isFreshNonce } from "./dpop-nonces.ts";
import { thumbprintOf } from "./jwk.ts";
import { OAuthError } from "./oauth-error.ts";
import { isFirstSighting } from "./seen-tokens.ts";

const TYP = "dpop+jwt";

const Text = Type.String({ minLength: 1, maxLength: 2_048 });
const ClaimsSchema = Type.Object({
  jti: Type.String({ minLength: 1, maxLength: 255 }),
  htm: Text,
  htu: Text,
  iat: Type.Integer({ minimum: 0 }),
  ath: Type.Optional(Text),
  nonce: Type.Optional(Text),
});
type Claims = Static<typeof ClaimsSchema>;
const claimsShape = shapeOf(ClaimsSchema);

/** What a proof has to be for. */
export interface ProofContext {
  readonly method: string;
  /** The configured address of the endpoint. */
  readonly url: string;
  /** The token that is shown beside the proof; undefined at the token endpoint. */
  readonly accessToken: string | undefined;
  readonly nowSeconds: number;
  /** How old a proof may be, and how far ahead the client's clock. */
  readonly windowSeconds: number;
}

/** The address without query and fragment, in its normal spelling (section 4.3 item 9; RFC 3986 section 6.2). */
function targetOf(text: string): string | undefined {
  const url = URL.parse(text);
  return url === null || url.username !== "" || url.password !== "" ? undefined : `${url.origin}${url.pathname}`;
}

function athOf(accessToken: string): string {
  return createHash("sha256").update(accessToken).digest("base64url");
}

type Check = readonly [problem: string, isBroken: (claims: Claims, context: ProofContext) => boolean];

const checks: readonly Check[] = [
  ["is for another method (htm)", ({ htm }, { method }) => htm !== method],
  ["is for another address (htu)", ({ htu }, { url }) => targetOf(htu) === undefined || targetOf(htu) !== targetOf(url)],
  ["is too old, or from the future (iat)", ({ iat }, { nowSeconds, windowSeconds }) => Math.abs(nowSeconds - iat) > windowSeconds],
  ["does not name the access token (ath)", ({ ath }, { accessToken }) => accessToken !== undefined && !isSameSecret(ath ?? "", athOf(accessToken))],
];

export interface Proof {
  /** Thumbprint of the key that made it (RFC 7638): the `jkt` of tokens that are bound to it. */
  readonly jkt: string;
  readonly jti: string;
  readonly nonce: string | undefined;
  /** Epoch milliseconds from which it is refused for its age alone. */
  readonly expiresAtMs: number;
}

function refused(problem: string): OAuthError {
  return new OAuthError("invalid_dpop_proof", `The DPoP proof ${problem}.`, { hint: "Make a new proof for each request (RFC 9449 section 4.2)." });
}

/** Reads a proof and checks everything but that it is new. Throws OAuthError `invalid_dpop_proof`. */
export function requireProof(header: string, context: ProofContext): Proof {
  if (header.includes(",")) throw refused("is not alone; one DPoP header is needed");
  const jws = findClientJws(header);
  if (jws === undefined) throw refused("is not a JWT with an allowed algorithm and header");
  if (jws.header.typ !== TYP) throw refused(`has not the type ${TYP}`);
  const key = readPublicJwk(jws.header.jwk);
  if ("problem" in key) throw refused(`has a key in it that ${key.problem}`);
  if (!jws.isSignedBy(key.jwk)) throw refused("is not signed by the key in it");
  if (!claimsShape.Check(jws.claims)) throw refused("lacks jti, htm, htu or iat");
  const { claims } = jws;
  const broken = checks.find(([, isBroken]) => isBroken(claims, context));
  if (broken !== undefined) throw refused(broken[0]);
  return { jkt: thumbprintOf(key.jwk), jti: claims.jti, nonce: claims.nonce, expiresAtMs: (claims.iat + context.windowSeconds + 1) * 1_000 };
}

export interface ShownProof extends Omit<ProofContext, "nowSeconds" | "windowSeconds"> {
  /** The `DPoP` header. */
  readonly header: string;
  /** A nonce of ours has to be in it. */
  readonly needsNonce: boolean;
}

/** RFC 9449 section 8: the client repeats the request with the nonce of the header. */
function nonceWanted(nonce: string): OAuthError {
  return new OAuthError("use_dpop_nonce", "The DPoP proof names no nonce of this issuer, or an old one.", { hint: "Make a new proof with the nonce of the header DPoP-Nonce.", headers: { "dpop-nonce": nonce } });
}

/** Takes a proof, once: gives the thumbprint of its key. Throws OAuthError `invalid_dpop_proof` or `use_dpop_nonce`. */
export const takeProof = procedure("dpop_proof.take", async ({ services, settings, sealer, write }, { header, needsNonce, ...context }: ShownProof): Promise<{ readonly jkt: string }> => {
  const nowSeconds = Math.floor(services.clock.now() / 1_000);
  const { jkt, jti, nonce, expiresAtMs } = requireProof(header, { ...context, nowSeconds, windowSeconds: settings.dpopProofSeconds });
  if (needsNonce && !isFreshNonce(sealer, nonce, nowSeconds)) throw nonceWanted(dpopNonce(sealer, nowSeconds));
  if (!(await write((act) => isFirstSighting(act, { kind: "dpop", owner: jkt, jti, expiresAtMs })))) throw refused("was used before (jti)");
  return { jkt };
});

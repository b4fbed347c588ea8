/**
 * What has to happen next before a request can be answered, decided on plain values.
 *
 *     nobody signed in, or not freshly enough ──► sign in ──► not allowed yet ──► consent ──► grant
 *
 * Rule: pure. With prompt=none nothing may be asked, so what would have to be asked is the answer
 * (OpenID Connect Core 1.0 section 3.1.2.6).
 */
import { OAuthError } from "../oauth-error.ts";
import type { AuthorizationRequest } from "./request.ts";

/** Who is signed in at this browser. */
export interface SignedIn {
  /** As this client knows the person. */
  readonly subject: string;
  readonly signedInAtMs: number;
}

export interface Situation {
  readonly request: AuthorizationRequest;
  readonly requestedAtMs: number;
  readonly nowMs: number;
  readonly signedIn: SignedIn | undefined;
  /** The person has allowed all that is asked for, or is not asked at all because the client is our own. */
  readonly isAllowed: boolean;
  /** The platform's own clients ask for no consent, whatever they say. */
  readonly isFirstParty: boolean;
}

export type NextStep = { readonly kind: "sign_in" } | { readonly kind: "consent" } | { readonly kind: "refuse"; readonly error: OAuthError } | { readonly kind: "grant" };

/** What the client is told who forbade us to ask. */
function unasked(code: "login_required" | "consent_required", message: string): NextStep {
  return { kind: "refuse", error: new OAuthError(code, message, { hint: "Repeat the request without prompt=none." }) };
}

function isFreshEnough({ request, requestedAtMs, nowMs }: Situation, { signedInAtMs }: SignedIn): boolean {
  // Signed in for this very request: whatever it asked for was just done.
  if (signedInAtMs >= requestedAtMs) return true;
  if (request.prompt.includes("login") || request.prompt.includes("select_account")) return false;
  return request.maxAgeSeconds === undefined || nowMs - signedInAtMs <= request.maxAgeSeconds * 1_000;
}

export function nextStep(situation: Situation): NextStep {
  const { request, signedIn, requestedAtMs } = situation;
  const isSilent = request.prompt.includes("none");
  const isOther = signedIn !== undefined && request.subject !== undefined && request.subject !== signedIn.subject;
  if (signedIn !== undefined && isOther && signedIn.signedInAtMs >= requestedAtMs) {
    return { kind: "refuse", error: new OAuthError("login_required", "Somebody else signed in than the request asks for.") };
  }
  if (signedIn === undefined || isOther || !isFreshEnough(situation, signedIn)) {
    return isSilent ? unasked("login_required", "The person has to sign in.") : { kind: "sign_in" };
  }
  const isAskedAnyway = request.prompt.includes("consent") && !situation.isFirstParty;
  if (situation.isAllowed && !isAskedAnyway) return { kind: "grant" };
  return isSilent ? unasked("consent_required", "The person has to allow it.") : { kind: "consent" };
}

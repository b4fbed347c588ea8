/** Scopes: text of one or more tokens, each asked for once (RFC 6749 section 3.3). */
import { OAuthError } from "./oauth-error.ts";

const SCOPE_CHARACTERS_MAX = 1_000;
const SCOPES_MAX = 50;
/** NQCHAR without the space: what stands between quotes in a header and in a page needs no care. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/;

/** The platform's own API. Only its own programs may ask for it. */
export const FIRST_PARTY_SCOPE = "api";

/** What is wrong with `text` as a scope: completes "It …". Undefined for a good one; the empty text asks for nothing. */
export function problemOfScope(text: string): string | undefined {
  if (text.length > SCOPE_CHARACTERS_MAX) return `is longer than ${SCOPE_CHARACTERS_MAX} characters`;
  const scopes = text === "" ? [] : text.split(" ");
  if (scopes.length > SCOPES_MAX) return `has more than ${SCOPES_MAX} entries`;
  if (!scopes.every((scope) => SCOPE.test(scope))) return "is not a list of names with one space between them";
  return undefined;
}

/** The entries of `text`, each once, in order. For text that was checked. */
export function scopesOf(text: string): readonly string[] {
  return text === "" ? [] : [...new Set(text.split(" "))];
}

/**
 * The scope that `requested` asks for, out of `allowed`: all of it when nothing is asked for.
 * Throws OAuthError `invalid_scope` when it asks for more.
 */
export function narrowScope(requested: string | undefined, allowed: string): string {
  if (requested === undefined) return allowed;
  const problem = problemOfScope(requested);
  if (problem !== undefined) throw new OAuthError("invalid_scope", `The parameter scope ${problem}.`);
  const may = new Set(scopesOf(allowed));
  const scopes = scopesOf(requested);
  if (scopes.every((scope) => may.has(scope))) return scopes.join(" ");
  throw new OAuthError("invalid_scope", "The parameter scope asks for more than is allowed here.", { hint: "Leave it out to get all that is allowed." });
}

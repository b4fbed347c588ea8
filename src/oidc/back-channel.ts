/**
 * What a client's program sends to an endpoint: one form, read once, strictly.
 *
 *     no query → content type → size → decoded → no name twice → no empty values
 *
 * Rule: plain values in, plain values out. Two readers of one request must see one request, so whatever could be read in two ways
 * is refused: a repeated parameter (CVE-2026-9689), parameters in the address, loose percent-encoding.
 */
import { OAuthError } from "./oauth-error.ts";

/** The parts of an HTTP request that endpoints for programs look at. */
export interface BackChannelRequest {
  readonly method: string;
  /** With its question mark; empty without one. */
  readonly search: string;
  readonly contentType: string | undefined;
  readonly authorization: string | undefined;
  /** The `DPoP` header (RFC 9449 section 4.1). */
  readonly dpop: string | undefined;
  readonly body: string;
}

export interface Form {
  readonly values: ReadonlyMap<string, string>;
  /** The one parameter that may come more than once (RFC 8707 section 2). */
  readonly resources: readonly string[];
}

const BODY_CHARACTERS_MAX = 32_768;
const PARAMETERS_MAX = 100;
const CONTENT_TYPE = /^application\/x-www-form-urlencoded *(?:; *charset=utf-8 *)?$/i;
/** What stands in urlencoded text; a percent sign only before two hexadecimal digits. */
const ENCODED = /^(?:[^%\x00-\x20\x7f-\uffff]|%[0-9A-Fa-f]{2})*$/;

function refused(problem: string, status = 400): OAuthError {
  return new OAuthError("invalid_request", `The request ${problem}.`, { status, hint: "Send a POST with one form of content-type application/x-www-form-urlencoded." });
}

/** The text that `encoded` stands for, or undefined when it is not urlencoded UTF-8. */
export function findDecoded(encoded: string): string | undefined {
  if (!ENCODED.test(encoded)) return undefined;
  if (!/[%+]/.test(encoded)) return encoded;
  try {
    return decodeURIComponent(encoded.replaceAll("+", " "));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

interface Pair {
  readonly name: string;
  readonly value: string;
}

function pairOf(text: string): Pair {
  const at = text.indexOf("=");
  const name = findDecoded(at < 0 ? text : text.slice(0, at));
  const value = findDecoded(at < 0 ? "" : text.slice(at + 1));
  if (name === undefined || value === undefined) throw refused("has a parameter that is not urlencoded UTF-8");
  // Parameters are compared, stored and quoted; a control character serves no honest one.
  if (/\p{Cc}/u.test(value)) throw refused("has a control character in a parameter");
  return { name, value };
}

function pairsOf(body: string): readonly Pair[] {
  const texts = body.split("&").filter((text) => text !== "");
  if (texts.length > PARAMETERS_MAX) throw refused(`has more than ${PARAMETERS_MAX} parameters`);
  return texts.map(pairOf);
}

function requireOnce(pairs: readonly Pair[]): void {
  const seen = new Set<string>();
  for (const { name } of pairs) {
    if (seen.has(name)) throw refused("has a parameter more than once");
    seen.add(name);
  }
}

/**
 * The form of a request. A parameter without a value counts as left out (RFC 6749 section 3.2).
 * Throws OAuthError `invalid_request`.
 */
export function readForm({ search, contentType, body }: Pick<BackChannelRequest, "search" | "contentType" | "body">): Form {
  if (search.length > 1) throw refused("has parameters in its address, where logs and proxies keep them");
  if (contentType === undefined || !CONTENT_TYPE.test(contentType)) throw refused("is not an urlencoded form");
  if (body.length > BODY_CHARACTERS_MAX) throw refused(`is larger than ${BODY_CHARACTERS_MAX} characters`, 413);
  const pairs = pairsOf(body);
  const single = pairs.filter(({ name }) => name !== "resource");
  requireOnce(single);
  const present = single.filter(({ value }) => value !== "");
  return {
    values: new Map(present.map(({ name, value }) => [name, value])),
    resources: pairs.filter(({ name, value }) => name === "resource" && value !== "").map(({ value }) => value),
  };
}

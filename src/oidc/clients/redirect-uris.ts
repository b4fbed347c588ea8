/**
 * Addresses that clients register: which are taken at all, and which of them a request may ask for.
 *
 * Rule: a redirect URI is registered in its one normal spelling and compared character by character (RFC 9700 section
 * 2.1). So nothing has to be decoded, and no two readers can see two addresses in one text. The single freedom is
 * the port of a loopback address (RFC 8252 section 7.3).
 */

export const URI_CHARACTERS_MAX = 2_048;

/** RFC 3986 without `#` (no fragments), `*` (no patterns) and everything that some browser reads as something else. */
const CHARACTERS = /^(?:[A-Za-z0-9\-._~:/?[\]@!$&'()+,;=]|%[0-9A-Fa-f]{2})+$/;
/** A private scheme is a reversed name of the owner's domain (RFC 8252 section 7.1): so `javascript:` and `data:` never are. */
const PRIVATE_SCHEME = /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:\//;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const IP_V6 = /^\[[0-9a-f:]+\]$/;
/** A proxy or a careless router decodes these once more. */
const ENCODED_SEPARATOR = /%(?:2f|5c|00|0a|0d|25)/i;
const LOOPBACK_HOSTS: readonly string[] = ["127.0.0.1", "[::1]", "localhost"];
/** Only the literals: a name can be made to lead elsewhere (RFC 8252 section 8.3). */
const LOOPBACK = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::([1-9][0-9]{0,4}))?(\/.*)?$/;
const PORT_MAX = 65_535;

/** What we add to a redirect URI: a client's own parameter of that name would be taken for ours. */
const answerParameters: readonly string[] = ["code", "state", "iss", "error", "error_description", "error_uri", "id_token", "access_token", "token_type", "expires_in", "session_state", "response"];

function problemOfHost({ hostname }: URL): string | undefined {
  if (HOST_NAME.test(hostname) || IP_V6.test(hostname)) return undefined;
  return "has a host that is neither a plain name nor an address";
}

function problemOfWebScheme(url: URL): string | undefined {
  if (url.protocol === "https:") return problemOfHost(url);
  if (url.protocol !== "http:") return "has a scheme other than https";
  return LOOPBACK_HOSTS.includes(url.hostname) ? undefined : "is http, which only a loopback address (127.0.0.1, [::1], localhost) may be";
}

function problemOfSpelling(text: string, url: URL): string | undefined {
  if (url.username !== "" || url.password !== "" || /^[a-z]+:\/\/[^/?]*@/i.test(text)) return "has user information before the host";
  // An address without a path is spelled with the slash by every reader and without it by most people.
  if (url.href !== text && url.href !== `${text}/`) return "is not in its normal spelling (lower-case host, no default port, no dot segments, ASCII)";
  if (ENCODED_SEPARATOR.test(url.pathname)) return "has an encoded separator in its path";
  return undefined;
}

function parsed(text: string): URL | string {
  if (text.length > URI_CHARACTERS_MAX) return `is longer than ${URI_CHARACTERS_MAX} characters`;
  if (text.includes("#")) return "has a fragment";
  if (text.includes("*")) return "has an asterisk; there are no patterns";
  if (!CHARACTERS.test(text)) return "has characters that an address may not have";
  return URL.parse(text) ?? "is not an absolute address";
}

/** What is wrong with an address of the web (logo, policy, logout): completes "It …". Undefined for a good one. */
export function problemOfWebUri(text: string): string | undefined {
  const url = parsed(text);
  if (typeof url === "string") return url;
  return problemOfWebScheme(url) ?? problemOfSpelling(text, url);
}

/** The same for addresses that are never in clear. */
export function problemOfHttpsUri(text: string): string | undefined {
  return problemOfWebUri(text) ?? (text.startsWith("https:") ? undefined : "has a scheme other than https");
}

/** What is wrong with a redirect URI: completes "It …". Undefined for a good one. */
export function problemOfRedirectUri(text: string): string | undefined {
  const url = parsed(text);
  if (typeof url === "string") return url;
  const problem = PRIVATE_SCHEME.test(text) ? undefined : problemOfWebScheme(url);
  if (problem !== undefined) return problem;
  const spelling = problemOfSpelling(text, url);
  if (spelling !== undefined) return spelling;
  const taken = answerParameters.find((name) => url.searchParams.has(name));
  return taken === undefined ? undefined : `has the query parameter ${taken}, which the answer sets`;
}

/** True for a scheme that no browser fetches: an application on the device answers to it. */
export function isPrivateScheme(uri: string): boolean {
  return PRIVATE_SCHEME.test(uri);
}

/** The address without its port, for a loopback literal; undefined for any other. */
function withoutLoopbackPort(uri: string): string | undefined {
  const [, origin, port, path = ""] = LOOPBACK.exec(uri) ?? [];
  if (origin === undefined || Number(port ?? 0) > PORT_MAX) return undefined;
  return origin + path;
}

/**
 * Whether a request may have its answer sent to `uri`: it is one of `registered`, character by character, or differs from a
 * registered loopback literal in nothing but the port.
 */
export function isRedirectAllowed({ redirect_uris: registered }: { readonly redirect_uris: readonly string[] }, uri: string): boolean {
  if (registered.includes(uri)) return true;
  if (uri.length > URI_CHARACTERS_MAX || problemOfRedirectUri(uri) !== undefined) return false;
  const portless = withoutLoopbackPort(uri);
  return portless !== undefined && registered.some((each) => withoutLoopbackPort(each) === portless);
}

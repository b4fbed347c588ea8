/** Resource indicators: the audiences that tokens are made for (RFC 8707). */
import { OAuthError } from "../oauth-error.ts";

const RESOURCE_CHARACTERS_MAX = 256;
/** A token names each of them, and a token has to stay small. */
const RESOURCES_MAX = 3;

/** What is wrong with `text` as a resource indicator (section 2: an absolute URI without fragment): completes "It …". */
export function problemOfResource(text: string): string | undefined {
  if (text.length > RESOURCE_CHARACTERS_MAX) return `is longer than ${RESOURCE_CHARACTERS_MAX} characters`;
  if (text.includes("#")) return "has a fragment";
  const url = /^[!-~]+$/.test(text) ? URL.parse(text) : null;
  if (url === null || !/^[a-z][a-z0-9+.-]*:/.test(text)) return "is not an absolute URI";
  return url.username === "" && url.password === "" ? undefined : "has user information";
}

/**
 * The audience that a request asks for, out of what is allowed; `fallback` when it asks for none.
 * Throws OAuthError `invalid_target` when it asks for more.
 */
export function narrowResources(requested: readonly string[], allowed: readonly string[], fallback: readonly string[]): readonly string[] {
  if (requested.length === 0) return fallback;
  const asked = [...new Set(requested)];
  if (asked.length > RESOURCES_MAX) throw new OAuthError("invalid_target", `At most ${RESOURCES_MAX} resources can be asked for at once.`);
  if (asked.every((each) => allowed.includes(each))) return asked;
  throw new OAuthError("invalid_target", "The parameter resource names something that is not allowed here.", {
    hint: "An administrator of the deployment says which resources a client may ask for.",
  });
}

/**
 * How a client shows who it is (RFC 6749 section 2.3, RFC 7523 section 2.2): exactly one way in each request.
 *
 * Rule: pure; says what was shown, not whether it is good.
 */
import { type Form, findDecoded } from "../back-channel.ts";
import { OAuthError } from "../oauth-error.ts";

export const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const AUTHORIZATION_CHARACTERS_MAX = 2_048;
const BASIC = /^basic +((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?) *$/i;

export type Presented =
  | { readonly method: "client_secret_basic" | "client_secret_post"; readonly clientId: string; readonly secret: string }
  | { readonly method: "private_key_jwt"; readonly clientId: string | undefined; readonly assertion: string }
  | { readonly method: "none"; readonly clientId: string };

/** The one wording for every client that did not show who it is, whatever the reason: a guess teaches nothing. */
export function unknownClient(): OAuthError {
  return new OAuthError("invalid_client", "The client did not show who it is.", {
    hint: "Check client_id, the secret or key, and that the client uses its registered token_endpoint_auth_method.",
  });
}

/** Id and secret of a Basic header (RFC 6749 section 2.3.1: urlencoded first, then base64). Throws `invalid_client` for a loose spelling. */
function readBasic(header: string): { readonly clientId: string; readonly secret: string } {
  const encoded = header.length <= AUTHORIZATION_CHARACTERS_MAX ? BASIC.exec(header)?.[1] : undefined;
  if (encoded === undefined) throw unknownClient();
  const bytes = Buffer.from(encoded, "base64");
  const text = bytes.toString("latin1");
  const at = text.indexOf(":");
  if (bytes.toString("base64") !== encoded || at < 0) throw unknownClient();
  const clientId = findDecoded(text.slice(0, at));
  const secret = findDecoded(text.slice(at + 1));
  if (clientId === undefined || secret === undefined || clientId === "") throw unknownClient();
  return { clientId, secret };
}

/** What the request shows. Throws OAuthError `invalid_request` for two ways at once, `invalid_client` for none or a malformed one. */
export function readPresented(authorization: string | undefined, { values }: Form): Presented {
  const clientId = values.get("client_id");
  const secret = values.get("client_secret");
  const assertion = values.get("client_assertion");
  const assertionType = values.get("client_assertion_type");
  const ways = [authorization, secret, assertion ?? assertionType].filter((way) => way !== undefined);
  if (ways.length > 1) throw new OAuthError("invalid_request", "The client shows who it is in more than one way.", { hint: "Use one method: header, client_secret or client_assertion." });
  if (authorization !== undefined) {
    const basic = readBasic(authorization);
    if (clientId !== undefined && clientId !== basic.clientId) throw unknownClient();
    return { method: "client_secret_basic", ...basic };
  }
  if (assertion !== undefined || assertionType !== undefined) {
    if (assertion === undefined || assertionType !== ASSERTION_TYPE) throw unknownClient();
    return { method: "private_key_jwt", clientId, assertion };
  }
  if (clientId === undefined) throw unknownClient();
  return secret === undefined ? { method: "none", clientId } : { method: "client_secret_post", clientId, secret };
}

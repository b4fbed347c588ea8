/**
 * RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): what a client's request to sign somebody out comes to.
 *
 * Rule: an address is gone to only when the client has registered it, character by character. Whoever shows an ID token
 * of the person at hand needs no further question; anybody else's link makes the person be asked, because links are
 * followed unawares.
 */
import { Fault } from "../fault.ts";
import { procedure } from "../gate/operation.ts";
import { type Client, findActiveClient } from "./clients/client.ts";
import { findHint, type IdTokenHint } from "./id-tokens.ts";
import type { Keyring } from "./keyring.ts";
import { sidFor, subjectFor } from "./subjects.ts";

const names = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"] as const;
type Name = (typeof names)[number];

const TEXT_CHARACTERS_MAX = 16_384;
const CONTROL = /\p{Cc}/u;

export interface Logout {
  /** Where to go afterwards, `state` in it; undefined for a page of ours. */
  readonly redirectTo: string | undefined;
  /** Nobody has to be asked. */
  readonly isCertain: boolean;
  readonly uiLocales: string | undefined;
}

function refused(problem: string, hint: string): Fault {
  return new Fault("invalid_request", `The application's request to sign out ${problem}.`, { hint });
}

function isKnown(name: string): name is Name {
  return names.some((known) => known === name);
}

/** Each name once, as at the authorization endpoint. */
function valuesOf(text: string): ReadonlyMap<Name, string> {
  if (text.length > TEXT_CHARACTERS_MAX || CONTROL.test(text)) throw refused("cannot be read", "Go back to the application.");
  const values = new Map<Name, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (value === "" || !isKnown(name)) continue;
    if (values.has(name)) throw refused(`has ${name} more than once`, "Go back to the application.");
    values.set(name, value);
  }
  return values;
}

function requireRegistered(client: Client | undefined, uri: string): string {
  if (client?.post_logout_redirect_uris.includes(uri) === true) return uri;
  throw refused("names an address that the client has not registered for it", "Close this page; you are still signed in.");
}

function withState(uri: string, state: string | undefined): string {
  return state === undefined ? uri : `${uri}${uri.includes("?") ? "&" : "?"}${new URLSearchParams({ state }).toString()}`;
}

export interface LogoutInput {
  /** The query, or the form, as it came. */
  readonly text: string;
  readonly keyring: Keyring;
}

/** Reads a request to sign out. Throws Fault `invalid_request`, for a page, when hint, client and address do not fit. */
export const prepareLogout = procedure("logout.prepare", async (act, { text, keyring }: LogoutInput): Promise<Logout> => {
  const values = valuesOf(text);
  const token = values.get("id_token_hint");
  const hint = token === undefined ? undefined : await findHint(keyring, act.settings.issuerUrl, token);
  if (token !== undefined && hint === undefined) throw refused("brings an ID token that is not of this issuer", "Close this page; you are still signed in.");
  const clientId = values.get("client_id") ?? hint?.clientId;
  if (hint !== undefined && hint.clientId !== clientId) throw refused("brings an ID token of another client", "Close this page; you are still signed in.");
  const client = clientId === undefined ? undefined : await act.read((reader) => findActiveClient(reader, clientId));
  const uri = values.get("post_logout_redirect_uri");
  const redirectTo = uri === undefined ? undefined : withState(requireRegistered(client, uri), values.get("state"));
  const isOfSession = (known: IdTokenHint, of: Client) => {
    if (act.caller.kind !== "user") return false;
    // The session itself; or the person, because a fresh sign-in is another one.
    return known.sid === sidFor(act.sealer, of, act.caller.sessionId) || known.subject === subjectFor(act.sealer, of, act.caller.userId);
  };
  return { redirectTo, isCertain: hint !== undefined && client !== undefined && isOfSession(hint, client), uiLocales: values.get("ui_locales") };
});

/**
 * The issuer's two cookies: who is signed in, and which browser a request under way belongs to.
 *
 * Rule: `Lax`, because a client's site leads here by a link and the person is to be known then. A form counts only when
 * this site's own page sent it.
 */
import { randomSecret } from "../../crypto/tokens.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { type CookieKind, readCookie, removeCookie, setCookie } from "../../http/cookie.ts";
import { requireSameSite } from "../../http/same-site.ts";
import { findUserByCookie } from "../../identity/authentication.ts";
import type { HeldSession } from "../../identity/sessions.ts";

const session: CookieKind = { name: "cyberun-issuer", sameSite: "Lax" };
const browser: CookieKind = { name: "cyberun-browser", sameSite: "Lax" };
/** A request under way does not live so long. */
const BROWSER_SECONDS = 86_400;

/** Who is signed in at the browser that sent `request`. */
export async function personOf(gate: Gate, request: Request, { address }: Caller): Promise<Caller> {
  const cookie = readCookie(request, session, gate.settings.issuerUrl);
  const person = cookie === undefined ? undefined : await findUserByCookie(gate, cookie, { teamId: undefined, address });
  return person ?? { kind: "anonymous", address };
}

export function signedIn({ settings }: Gate, held: HeldSession): string {
  return setCookie(session, settings.issuerUrl, { value: held.secret, maxAgeSeconds: settings.cookieSeconds });
}

export function signedOut({ settings }: Gate): string {
  return removeCookie(session, settings.issuerUrl);
}

export interface Browser {
  /** The secret of this browser; empty when it has none. */
  readonly secret: string;
  /** To set, when it is new. */
  readonly cookies: readonly string[];
}

/** The browser's own secret, made now when it has none yet. */
export function browserOf({ services, settings }: Gate, request: Request): Browser {
  const known = readCookie(request, browser, settings.issuerUrl);
  if (known !== undefined) return { secret: known, cookies: [] };
  const secret = randomSecret(services.random);
  return { secret, cookies: [setCookie(browser, settings.issuerUrl, { value: secret, maxAgeSeconds: BROWSER_SECONDS })] };
}

/** Throws Fault `forbidden` for a form that another site's page sent. */
export function requireOwnForm({ settings }: Gate, request: Request): void {
  requireSameSite(request, settings.issuerUrl);
}

/**
 * The way back to a page that somebody opened before they were signed in: a code that was on its way, kept by the
 * browser while it signs in, whichever way that goes.
 *
 * Rule: holds a code and no address, so that it leads to one page of ours and nowhere else.
 */
import { findUserCode } from "../../crypto/user-codes.ts";
import type { Gate } from "../../gate/operation.ts";
import { type CookieKind, readCookie, removeCookie, setCookie } from "../../http/cookie.ts";
import { PAIRING_PAGE } from "../../credentials/pairing.ts";
import { redirect } from "./forms.ts";

const pairing: CookieKind = { name: "cyberun-pairing", sameSite: "Strict" };
/** Cookies hold sixteen characters at least. */
const PREFIX = "pairing-";
const NO_CODE = "no-code-";
const SECONDS = 600;

/** To the sign-in, and back to the pairing page after it. `userCode` is one, or undefined. */
export function towardsSignIn({ settings }: Gate, userCode: string | undefined): Response {
  const code = userCode === undefined ? undefined : findUserCode(userCode);
  return redirect("/sign-in", setCookie(pairing, settings.publicUrl, { value: `${PREFIX}${code ?? NO_CODE}`, maxAgeSeconds: SECONDS }));
}

/** Back to the pairing page, when that is where the browser came from; once. */
export function findWayBack({ settings }: Gate, request: Request): Response | undefined {
  const value = readCookie(request, pairing, settings.publicUrl);
  if (value === undefined || !value.startsWith(PREFIX)) return undefined;
  const code = findUserCode(value.slice(PREFIX.length));
  return redirect(code === undefined ? PAIRING_PAGE : `${PAIRING_PAGE}?user_code=${code}`, removeCookie(pairing, settings.publicUrl));
}

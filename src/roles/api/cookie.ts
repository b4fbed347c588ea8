/** The dashboard's cookie: same site only. */
import { type CookieKind, readCookie as readAny, removeCookie, setCookie } from "../../http/cookie.ts";

const dashboard: CookieKind = { name: "cyberun", sameSite: "Strict" };

/** The cookie's value, or undefined. */
export function readCookie(request: Request, publicUrl: string): string | undefined {
  return readAny(request, dashboard, publicUrl);
}

/** `Set-Cookie` that signs the browser in. */
export function signedIn(publicUrl: string, value: string, maxAgeSeconds: number): string {
  return setCookie(dashboard, publicUrl, { value, maxAgeSeconds });
}

/** `Set-Cookie` that removes it. */
export function signedOut(publicUrl: string): string {
  return removeCookie(dashboard, publicUrl);
}

/** Whether a browser says that this site's own page sent a request: a cookie, or a form, counts only then. */

import { Fault } from "../fault.ts";

/** True when this site's own page sent it (Fetch Metadata; Origin for older browsers). */
export function isSameSite(request: Request, siteUrl: string): boolean {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin" || site === "none";
  const origin = request.headers.get("origin");
  if (origin === null || !URL.canParse(origin)) return false;
  // A proxy in front may hand on another Host than the browser's; then the origin is the configured one.
  return new URL(origin).host === request.headers.get("host") || new URL(origin).origin === new URL(siteUrl).origin;
}

/** Throws Fault `forbidden` for a form that another site's page sent, also where nobody is signed in yet (login CSRF). */
export function requireSameSite(request: Request, siteUrl: string): void {
  if (isSameSite(request, siteUrl)) return;
  throw new Fault("forbidden", "The form was sent by another site.", { hint: "Open this site's own page and send it from there.", details: { reason: "other_site" } });
}

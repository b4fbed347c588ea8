/** The deployment's logo: where it is served, as what, and how a page shows it. */
import { Fault } from "../fault.ts";
import type { Logo } from "../logo.ts";
import { html, type Html } from "./html.ts";

/** Where each origin of pages serves it. */
export const LOGO_PATH = "/logo";

/** Whoever opens the picture by itself gets one that runs nothing and fetches nothing (CSP level 3 section 6.3.2). */
const policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";

/** The picture, as an answer. Throws Fault `not_found` where none is configured. */
export function logoResponse(logo: Logo | undefined): Response {
  if (logo === undefined) throw new Fault("not_found", "This deployment has no logo.", { hint: "An operator can name one with logo_file." });
  return new Response(logo.bytes, {
    headers: { "content-type": logo.type, "cache-control": "max-age=3600", "content-security-policy": policy, "x-content-type-options": "nosniff" },
  });
}

/** Where every browser asks by itself for the picture of a tab. */
export const ICON_PATH = "/favicon.ico";

/** A key, for deployments without a picture of their own; it is seen on light and dark. */
const key = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><g fill="none" stroke="#2f6fdd" stroke-width="2"><circle cx="5" cy="8" r="3"/><path d="M8 8h6v3M11.5 8v2.5"/></g></svg>`;
const builtIn: Logo = { type: "image/svg+xml", bytes: new TextEncoder().encode(key) };

/** The picture of a tab: the deployment's logo, or ours. */
export function iconResponse(logo: Logo | undefined): Response {
  return logoResponse(logo ?? builtIn);
}

/** The picture above a page's content; nothing where there is none, because the name is there anyway. */
export function logoImage(deploymentName: string, hasLogo: boolean): Html | undefined {
  if (!hasLogo) return undefined;
  return html`<p class="brand"><img id="deployment-logo" src="/logo" alt="${deploymentName}" height="48"></p>
`;
}

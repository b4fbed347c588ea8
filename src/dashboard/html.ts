/**
 * HTML from templates, escaped unless it is already HTML.
 *
 * Rule: a page is a pure function of values; it has no script and no inline style, so the policy of
 * {@link pageHeaders} can forbid both.
 */

/** Text that is HTML already. Only {@link html} makes it. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | readonly Html[] | undefined;

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

function written(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "string" || typeof part === "number") return escaped(String(part));
  return part.map((item) => item.text).join("");
}

/** A template whose parts are escaped; nested templates and lists of them are taken as they are. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, index) => `${text}${written(parts[index - 1])}${string}`));
}

/** No script, no frame, no outside asset; forms post to this origin only (CSP level 3). */
export const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  // Not no-referrer: under it browsers send their own forms with Origin: null, which looks like another site's. The
  // path of a set-up link goes to this site alone.
  "referrer-policy": "same-origin",
} as const;

/** A page with the dashboard's script, which asks this origin's API and nobody else. */
export const appHeaders = {
  ...pageHeaders,
  "content-security-policy": "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
} as const;

export function pageResponse(page: Html, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(page.text, { status, headers: { ...pageHeaders, ...headers } });
}

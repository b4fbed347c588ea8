/**
 * What every page has, the issuer's and the dashboard's: head, language, logo.
 *
 * Rule of all pages here: pure. Values in, HTML out. They work with scripts off, at phone width and by keyboard; ids and
 * names are stable, because password managers and conformance suites rely on them. Each page is a file of its own.
 */
import { html, type Html } from "./html.ts";
import { logoImage } from "./logo.ts";
import type { Language } from "./language.ts";

/** What every page knows. */
export interface Frame {
  readonly deploymentName: string;
  readonly language: Language;
  readonly hasLogo: boolean;
  /** Whose account it is, where one is looked after: password managers want to know beside a field for a password. */
  readonly emailAddress?: string;
}

/** A page's own parts. */
export interface Layout {
  readonly title: string;
  readonly content: Html;
  readonly tail?: Html | undefined;
  /** Where the browser goes by itself. */
  readonly leadsTo?: string | undefined;
  /** The script that takes the content's place where scripts run. */
  readonly script?: string | undefined;
}

/** The whole document around a page's content. */
export function layout({ deploymentName, language, hasLogo }: Frame, { title, content, tail, leadsTo, script }: Layout): Html {
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${leadsTo === undefined ? undefined : html`<meta http-equiv="refresh" content="0; url=${leadsTo}">
`}<title>${title} · ${deploymentName}</title>
<link rel="stylesheet" href="/style.css">
${script === undefined ? undefined : html`<link rel="stylesheet" href="/app.css">
<script type="module" src="${script}"></script>
`}</head>
<body data-deployment="${deploymentName}"${hasLogo ? html` data-logo="/logo"` : undefined}>
<div id="app">
<main>
${logoImage(deploymentName, hasLogo)}${content}
</main>
${tail}</div>
</body>
</html>
`;
}

/**
 * What every page of the issuer has: head, language, the refusal of what was typed.
 *
 * Rule of all pages here: pure. Values in, HTML out. They work with scripts off, at phone width and by keyboard; ids and
 * names are stable, because password managers and conformance suites rely on them. Each page is a file of its own.
 */
import { html, type Html } from "../../../dashboard/html.ts";
import type { Fault } from "../../../fault.ts";
import type { Language, Words } from "../words.ts";

/** What every page knows. */
export interface Frame {
  readonly deploymentName: string;
  readonly language: Language;
}

interface Layout {
  readonly title: string;
  readonly content: Html;
  readonly tail?: Html | undefined;
}

/** The whole document around a page's content. */
export function layout({ deploymentName, language }: Frame, { title, content, tail }: Layout): Html {
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ${deploymentName}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
${content}
</main>
${tail}</body>
</html>
`;
}

/** Why what was typed is refused. */
export function alertOf(words: Words, fault: Fault | undefined): Html | undefined {
  if (fault === undefined) return undefined;
  const known = { unauthenticated: words.wrong, invalid_request: words.wrong, rate_limited: words.tooMany, forbidden: words.otherSite };
  const text = Object.entries(known).find(([code]) => code === fault.code)?.[1];
  return html`<p class="alert" role="alert" id="error">${text ?? `${fault.message} ${fault.hint ?? ""}`}</p>`;
}

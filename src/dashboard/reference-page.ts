/** The API's reference for people: every operation with what it takes, what it answers, and a command to try it. */
import { type Frame, layout } from "./frame.ts";
import { html, type Html } from "./html.ts";

export interface ReferenceEntry {
  readonly tag: string;
  readonly method: string;
  readonly path: string;
  readonly operation: string;
  readonly purpose: string;
  /** Who may call it, in words. */
  readonly callers: string;
  readonly license: string;
  /** A command line that calls it. */
  readonly curl: string;
  readonly status: number;
  /** What it answers, as JSON; undefined when it has no body. */
  readonly answer: string | undefined;
}

const idOf = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-");

function entryHtml(entry: ReferenceEntry): Html {
  const { method, path, operation, purpose, callers, license, curl, status, answer } = entry;
  return html`<section id="${idOf(operation)}">
<h3><code>${method} ${path}</code></h3>
<p>${purpose}</p>
<dl><dt>Callers</dt><dd>${callers}</dd><dt>License</dt><dd>${license}</dd><dt>Operation</dt><dd><code>${operation}</code></dd></dl>
<pre><code>${curl}</code></pre>
<p>Answers ${status}${answer === undefined ? " without a body." : ":"}</p>
${answer === undefined ? undefined : html`<pre><code>${answer}</code></pre>`}
</section>`;
}

function tagHtml(tag: string, entries: readonly ReferenceEntry[]): Html {
  return html`<h2 id="tag-${idOf(tag)}">${tag}</h2>
${entries.map(entryHtml)}`;
}

/** `entries` in the order they are shown within their tag. It is for programmers, and in English for everybody. */
export function referencePage(frame: Frame, entries: readonly ReferenceEntry[]): Html {
  const groups = [...Map.groupBy(entries, ({ tag }) => tag)];
  const link = ([tag, members]: readonly [string, readonly ReferenceEntry[]]) => html`<li><a href="#tag-${idOf(tag)}">${tag}</a> (${members.length})</li>`;
  const content = html`<h1>API reference</h1>
<p>The same for programs, OpenAPI 3.1: <a href="/api/v1/openapi.json"><code>/api/v1/openapi.json</code></a>. <a href="/">Back to the start</a></p>
<nav aria-label="Parts of the reference"><ul>${groups.map(link)}</ul></nav>
<h2 id="conventions">For all of them</h2>
<ul>
<li>Send and take JSON. Members that are not described are refused; times are RFC 3339 in UTC, ids are UUIDs.</li>
<li>People send <code>Authorization: Bearer</code> with an access token and <code>X-Team-ID</code> with a team; keys bring their team along.</li>
<li>A refusal is <code>error_message</code>, <code>error_code</code>, and where useful <code>hint</code> and <code>details</code>.</li>
<li>Lists take <code>current_page</code> (from 1) and <code>per_page</code> (at most 100), and answer with <code>page_meta</code>.</li>
<li>What creates something takes <code>Idempotency-Key</code>: a repeat within 24 hours makes nothing and hears the same answer, marked <code>Idempotent-Replayed: true</code>.</li>
<li>License <code>core</code> works in every state of the license; everything else answers 503 with the state's name when it does not allow it.</li>
<li>Beyond the rate limits the answer is 429 with <code>Retry-After</code>; <code>RateLimit</code> tells what is left.</li>
</ul>
${groups.map(([tag, members]) => tagHtml(tag, members))}`;
  return layout({ ...frame, language: "en" }, { title: "API reference", content });
}

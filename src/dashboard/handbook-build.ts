/**
 * Makes the handbook's pages from the project's documents: when an executable is built, and when the sources are run as they are.
 *
 * Rule: pure but for the files it reads. What a page links to is a page, an anchor, a file that is served too, or outside of the
 * deployment; a link to anything else of the sources becomes plain words, since an executable has no sources.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

const root = join(import.meta.dirname, "..", "..");

export interface HandbookPage {
  readonly title: string;
  /** HTML without a frame. */
  readonly content: string;
  readonly anchors: readonly string[];
}

export interface Handbook {
  /** By the name that stands behind `/docs/`. */
  readonly pages: Readonly<Record<string, HandbookPage>>;
  /** Files that programs take, as they are, by the name behind `/docs/files/`. */
  readonly files: Readonly<Record<string, string>>;
}

/** Documents that lie elsewhere than in `docs`. */
const guests: Readonly<Record<string, string>> = { "client/README.md": "client", "CHANGELOG.md": "changes" };
const served: readonly string[] = ["docs/observability/alerts.yml", "docs/observability/grafana.json", "docs/license-verifier/verify_license.py", "docs/license-verifier/verify_revocation.py"];

/** Documents by their path in the project, with the name of their page; `/docs/api` is the reference. */
function documents(): ReadonlyMap<string, string> {
  const own = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).toSorted();
  return new Map([...own.map((name): [string, string] => [`docs/${name}`, name === "api.md" ? "api-guide" : name.slice(0, -3)]), ...Object.entries(guests)]);
}

/** The anchor of a heading, as the places where the documents are read otherwise make it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
    .replaceAll(" ", "-");
}

function plainText(content: string): string {
  return content.replaceAll(/<[^>]*>/g, "").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}

/** Gives each heading the anchor that the documents' own links mean; a second one of the same words gets a number. */
function withAnchors(content: string, anchors: string[]): string {
  const seen = new Map<string, number>();
  return content.replaceAll(/<(h[1-6])>([\s\S]*?)<\/\1>/g, (_whole, level: string, words: string) => {
    const anchor = anchorOf(plainText(words));
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    anchors.push(count === 0 ? anchor : `${anchor}-${count}`);
    return `<${level} id="${anchors.at(-1)}">${words}</${level}>`;
  });
}

/** Where a link of the document at `path` leads on the served site; undefined when it leads nowhere there. */
function servedAddress(path: string, target: string, pages: ReadonlyMap<string, string>): string | undefined {
  if (/^(?:https?:|mailto:|#)/.test(target)) return target;
  const [file = "", anchor] = target.split("#");
  const meant = posix.normalize(posix.join(posix.dirname(path), file));
  const page = pages.get(meant);
  if (page !== undefined) return `/docs/${page}${anchor === undefined ? "" : `#${anchor}`}`;
  return served.includes(meant) ? `/docs/files/${posix.basename(meant)}` : undefined;
}

function withLinks(content: string, path: string, pages: ReadonlyMap<string, string>): string {
  return content.replaceAll(/<a href="([^"]*)">([\s\S]*?)<\/a>/g, (_whole, target: string, words: string) => {
    const leadsTo = servedAddress(path, target.replaceAll("&amp;", "&"), pages);
    return leadsTo === undefined ? words : `<a href="${leadsTo.replaceAll("&", "&amp;")}">${words}</a>`;
  });
}

function pageOf(path: string, pages: ReadonlyMap<string, string>): HandbookPage {
  const text = readFileSync(join(root, path), "utf8");
  const anchors: string[] = [];
  const rendered = Bun.markdown.html(text, { tables: true, noHtmlBlocks: true, noHtmlSpans: true });
  const content = withLinks(withAnchors(rendered, anchors), path, pages);
  const [, title = path] = /^# (.+)$/m.exec(text) ?? [];
  return { title: title.replaceAll("`", ""), content, anchors };
}

export function buildHandbook(): Handbook {
  const pages = documents();
  return {
    pages: Object.fromEntries([...pages].map(([path, name]) => [name, pageOf(path, pages)])),
    files: Object.fromEntries(served.map((path) => [posix.basename(path), readFileSync(join(root, path), "utf8")])),
  };
}

/** The handbook as the executable carries it. */
export function packHandbook(handbook: Handbook): Uint8Array {
  return Bun.gzipSync(Buffer.from(JSON.stringify(handbook)), { level: 9 });
}

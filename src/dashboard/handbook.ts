/** The handbook: the project's documents as pages, from inside the executable, or made from the sources where they are run as they are. */
import { findJson } from "../json.ts";
import { shapeOf } from "../shape.ts";
import { Type } from "typebox";
import { type Frame, layout } from "./frame.ts";
import { buildHandbook, type Handbook, type HandbookPage } from "./handbook-build.ts";
import { Html, html } from "./html.ts";

const shape = shapeOf(
  Type.Object({
    pages: Type.Record(Type.String(), Type.Object({ title: Type.String(), content: Type.String(), anchors: Type.Array(Type.String()) })),
    files: Type.Record(Type.String(), Type.String()),
  }),
);

async function read(): Promise<Handbook> {
  if (!Bun.isStandaloneExecutable) return buildHandbook();
  // Put there by the build (build/embedded-handbook.ts); a checkout has no such file.
  const { default: packed } = await import("../../embedded-handbook/handbook.gz", { with: { type: "file" } });
  const handbook = findJson(Buffer.from(Bun.gunzipSync(await Bun.file(packed).bytes())).toString("utf8"));
  if (!shape.Check(handbook)) throw new Error("the handbook of this build cannot be read");
  return handbook;
}

let made: Promise<Handbook> | undefined;

/** Unpacked with the first call: a start does not pay for it. */
export function readHandbook(): Promise<Handbook> {
  made ??= read();
  return made;
}

/** What leads where, for whom. Pages that stand in none of them are listed at the end. */
const chapters: readonly (readonly [title: string, names: readonly string[]])[] = [
  ["Handbooks", ["handbook-operator", "handbook-partner", "handbook-developer"]],
  ["For operators", ["configuration", "cli", "observability", "dashboard", "accounts", "audit", "limits", "signing-keys", "upstream-providers", "catalog", "threat-model"]],
  ["For partners", ["license-format", "lease-protocol", "client"]],
  ["For developers", ["api-guide", "credentials", "devices", "oidc-clients", "workflows", "webhooks", "mcp", "agents", "agent-protocol", "tunnels", "containers", "teams"]],
];

/** The documents are in English for everybody. */
function page(frame: Frame, title: string, content: Html): Html {
  return layout({ ...frame, language: "en" }, { title, content });
}

/** The list of all pages. */
export function handbookIndex(frame: Frame, { pages, files }: Handbook): Html {
  const named = new Set(chapters.flatMap(([, names]) => names));
  const rest = Object.keys(pages).filter((name) => !named.has(name));
  const link = (name: string) => html`<li><a href="/docs/${name}">${pages[name]?.title ?? name}</a></li>`;
  const chapter = ([title, names]: (typeof chapters)[number]) => html`<h2>${title}</h2>
<ul>${names.filter((name) => pages[name] !== undefined).map(link)}</ul>`;
  return page(
    frame,
    "Handbook",
    html`<h1>Handbook</h1>
<p>Of this very build. The API's reference is at <a href="/docs/api"><code>/docs/api</code></a>. <a href="/">Back to the start</a></p>
${[...chapters, ["More", rest] as const].map(chapter)}
<h2>Files</h2>
<ul>${Object.keys(files).map((name) => html`<li><a href="/docs/files/${name}"><code>${name}</code></a></li>`)}</ul>`,
  );
}

export function handbookPage(frame: Frame, { title, content }: HandbookPage): Html {
  return page(frame, title, html`<p><a href="/docs">Handbook</a></p>
${new Html(content)}`);
}

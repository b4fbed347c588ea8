/**
 * What stands in a release beside the executable: the documents as pages that need no server, the installer, and the facts that
 * its manifest will have.
 *
 * Rule: the same sources give the same bytes. Nothing is signed here: that is `cyberun-vendor bundle`, where the keys are.
 */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildHandbook, type HandbookPage } from "../src/dashboard/handbook-build.ts";
import { sqliteMigrations } from "../src/store/migrate.ts";
import { buildTime, root } from "./executables.ts";
import { shortTarget, type Target } from "./hardened-runtime.ts";

/** The oldest version whose deployments this one has been tried with. */
const UPGRADES_FROM = "0.1.0";

export interface ReleaseFacts {
  readonly version: string;
  readonly target: Target | undefined;
}

/** Links lead to the page's file; the reference is made by a server alone. */
function withFileLinks(content: string, pages: ReadonlySet<string>): string {
  return content.replaceAll(/href="\/docs\/(?:files\/)?([^"#]+)(#[^"]*)?"/g, (whole, name: string, anchor = "") => {
    if (pages.has(name)) return `href="${name}.html${anchor}"`;
    return whole.includes("/docs/files/") ? `href="${name}"` : 'href="index.html"';
  });
}

function framed(title: string, content: string): string {
  return `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n<title>${title}</title>\n<style>body{max-width:52rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif;color-scheme:light dark}pre{overflow:auto;padding:.75rem;border:1px solid #8886}table{border-collapse:collapse}td,th{border:1px solid #8886;padding:.3rem .5rem;text-align:left;vertical-align:top}</style>\n${content}\n</html>\n`;
}

function writePages(folder: string): void {
  const { pages, files } = buildHandbook();
  const names = new Set(Object.keys(pages));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const page = (name: string, { title, content }: Pick<HandbookPage, "title" | "content">) => writeFileSync(join(folder, `${name}.html`), framed(title, withFileLinks(content, names)));
  for (const [name, each] of Object.entries(pages)) page(name, each);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const list = Object.entries(pages).map(([name, { title }]) => `<li><a href="${name}.html">${title}</a></li>`);
  page("index", { title: "Documents", content: `<h1>Documents</h1>\n<ul>\n${list.join("\n")}\n</ul>` });
}

export function writeReleaseParts(outdir: string, { version, target }: ReleaseFacts): void {
  writePages(join(outdir, "docs"));
  copyFileSync(join(root, "install.sh"), join(outdir, "install.sh"));
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const facts = { version, target: target === undefined ? `${platform}-${process.arch}` : shortTarget(target), built_at: buildTime(), upgrades_from: UPGRADES_FROM, schema: { from: 1, to: sqliteMigrations.length } };
  writeFileSync(join(outdir, "build.json"), `${JSON.stringify(facts, null, 2)}\n`);
}

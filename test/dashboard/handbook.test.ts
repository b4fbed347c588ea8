/** The handbook: every link of every document and of every served page leads somewhere, and a page has nothing that its policy forbids. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { anchorOf, buildHandbook, packHandbook } from "../../src/dashboard/handbook-build.ts";
import { root } from "../../build/executables.ts";
import { startRoles } from "../support/roles.ts";

const documents = [...new Bun.Glob("docs/*.md").scanSync({ cwd: root }), "README.md", "CHANGELOG.md", "client/README.md"].toSorted();

function proseOf(path: string): string {
  return readFileSync(join(root, path), "utf8").replaceAll(/^```[\s\S]*?^```/gm, "");
}

/** Anchors as the places where documents are read make them, counted by hand here. */
function anchorsOf(path: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const [, heading = ""] of proseOf(path).matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = anchorOf(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/[`*]/g, ""));
    let name = anchor;
    for (let number = 1; found.has(name); number++) name = `${anchor}-${number}`;
    found.add(name);
  }
  return found;
}

test.each(documents)("every link of %s leads to a file that is there and an anchor that it has", (path) => {
  const prose = proseOf(path).replaceAll(/`[^`\n]*`/g, "");
  const broken = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = ""]) => {
    if (/^(?:https?:|mailto:)/.test(target)) return [];
    const [file = "", anchor] = target.split("#");
    const meant = file === "" ? path : posix.normalize(posix.join(posix.dirname(path), file));
    if (!existsSync(join(root, meant))) return [target];
    return anchor === undefined || anchorsOf(meant).has(anchor) ? [] : [target];
  });
  expect(broken).toEqual([]);
});

const linkOf = /<a href="([^"]*)"/g;

test("every link of every served page leads to a page, a file or an anchor that is there", async () => {
  await using site = await startRoles();
  const seen = new Map<string, string>();
  const waiting = ["/docs", "/docs/api"];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    const answer = await site.call(path, { headers: { accept: "text/html" } });
    expect([path, answer.status]).toEqual([path, 200]);
    seen.set(path, answer.text);
    if (!String(answer.headers.get("content-type")).startsWith("text/html")) continue;
    for (const [, target = ""] of answer.text.matchAll(linkOf)) if (target.startsWith("/docs")) waiting.push(target.split("#")[0] ?? "");
  }
  const ids = (path: string) => new Set([...(seen.get(path) ?? "").matchAll(/ id="([^"]*)"/g)].map(([, id = ""]) => id));
  const broken = [...seen].flatMap(([path, text]) =>
    [...text.matchAll(linkOf)].flatMap(([, target = ""]) => {
      if (/^(?:https?:|mailto:)/.test(target) || target === "/" || target === "/api/v1/openapi.json") return [];
      const [page = "", anchor] = target.split("#");
      const meant = page === "" ? path : page;
      return seen.has(meant) && (anchor === undefined || ids(meant).has(anchor)) ? [] : [`${path}: ${target}`];
    }),
  );
  expect(broken).toEqual([]);
  expect(seen.size).toBeGreaterThan(documents.length);
});

describe("a page", () => {
  test("is in the frame of the others, without script, style and outside parts", async () => {
    await using site = await startRoles();
    const { text, headers } = await site.call("/docs/handbook-operator");
    expect(text).toContain('<link rel="stylesheet" href="/style.css">');
    expect(headers.get("content-security-policy")).toContain("default-src 'none'; style-src 'self'");
    for (const { content } of Object.values(buildHandbook().pages)) expect(content).not.toMatch(/<(?:script|style|iframe|img|object)\b| style=| on[a-z]+=/i);
  });

  test("that is not there is a refusal with a way on, also by a name that every object has", async () => {
    await using site = await startRoles();
    for (const name of ["nothing", "constructor", "__proto__", "..%2f..%2fmaster.key", "files"]) {
      expect([name, (await site.call(`/docs/${name}`)).status, (await site.call(`/docs/files/${name}`)).status]).toEqual([name, 404, 404]);
    }
  });
});

test("packed it adds less than 300 kB to the executable", () => {
  expect(packHandbook(buildHandbook()).length).toBeLessThan(300_000);
});

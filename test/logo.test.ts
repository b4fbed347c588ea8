/** The operator's logo: what is taken, what is refused, and how it leaves the server. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkLogo, LOGO_BYTES_MAX, type Logo, readLogo } from "../src/logo.ts";
import { startRoles } from "./support/roles.ts";
import { temporaryFolder } from "./support/folder.ts";

const text = (content: string) => new Uint8Array(Buffer.from(content));
const svg = (content: string, attributes = "") => text(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"${attributes}>${content}</svg>`);
const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0]);
const webp = text("RIFF\x10\0\0\0WEBPVP8L");

describe("is taken for what its bytes are:", () => {
  const taken: readonly (readonly [string, Uint8Array<ArrayBuffer>, Logo["type"]])[] = [
    ["a PNG", png, "image/png"],
    ["a WebP", webp, "image/webp"],
    ["an SVG", svg(`<path d="M0 0h9"/>`), "image/svg+xml"],
    ["an SVG with a declaration and a comment", text(`<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by us -->\n<svg xmlns="http://www.w3.org/2000/svg"/>`), "image/svg+xml"],
    ["an SVG that uses parts of its own", svg(`<g id="a"/><use href="#a"/><use xlink:href='#a'/><path fill="url(#a)" style="fill:url('#a')"/>`), "image/svg+xml"],
    ["one of the largest size", new Uint8Array([...png, ...new Uint8Array(LOGO_BYTES_MAX - png.length)]), "image/png"],
  ];
  test.each(taken)("%s", (_name, bytes, type) => {
    expect(checkLogo(bytes)).toEqual({ type, bytes });
  });
});

describe("is refused:", () => {
  const refused: readonly (readonly [string, Uint8Array<ArrayBuffer>, string])[] = [
    ["nothing", text(""), "is no PNG"],
    ["a byte too many", new Uint8Array([...png, ...new Uint8Array(LOGO_BYTES_MAX - png.length + 1)]), "is larger than 100 KB"],
    ["a GIF", text("GIF89a"), "is no PNG"],
    ["a RIFF that is no WebP", text("RIFF\x10\0\0\0WAVEfmt "), "is no PNG"],
    ["a page", text("<!doctype html><svg></svg>"), "is no PNG"],
    ["an SVG in UTF-16", new Uint8Array([0xff, 0xfe, ...Buffer.from("<svg/>", "utf16le")]), "is no PNG"],
    ["an SVG that is not UTF-8 throughout", new Uint8Array([...svg(""), 0xff]), "is no PNG"],
    ["a script", svg("<script>alert(1)</script>"), "holds a script"],
    ["a script in another case", svg("<SCRIPT/>"), "holds a script"],
    ["a script under a prefix", svg(`<s:script xmlns:s="http://www.w3.org/2000/svg">1</s:script>`), "holds a script"],
    ["a foreign part", svg("<foreignObject><p/></foreignObject>"), "holds a foreign part or a link"],
    ["a frame", svg("<iframe/>"), "holds a foreign part or a link"],
    ["a link", svg(`<a><path/></a>`), "holds a foreign part or a link"],
    ["a handler of events", svg("", ` onload="alert(1)"`), "handles events"],
    ["a handler without a space before it", svg(`<path d="M0 0"onclick = "alert(1)"/>`), "handles events"],
    ["a picture from elsewhere", svg(`<image href="https://example.com/a.png"/>`), "names an address outside of itself"],
    ["a picture from elsewhere, the old way", svg(`<image xlink:href='//example.com/a.png'/>`), "names an address outside of itself"],
    ["an address written in references", svg(`<use href="&#104;ttps://example.com/a.svg#b"/>`), "names an address outside of itself"],
    ["a fill from elsewhere", svg(`<path fill="url(https://example.com/a.svg#b)"/>`), "names an address outside of itself"],
    ["a style from elsewhere", svg(`<style>@import "https://example.com/a.css";</style>`), "names an address outside of itself"],
    ["a style sheet", text(`<?xml version="1.0"?><?xml-stylesheet href="#a"?><svg/>`), "is no PNG"],
    ["a style sheet further down", svg(`<?xml-stylesheet href="#a"?>`), "names a style sheet"],
    ["a script as an animated value", svg(`<set attributeName="x" to="javascript:alert(1)"/>`), "holds a script"],
    ["entities", svg(`<!ENTITY a "b">`), "declares a document type"],
  ];
  test.each(refused)("%s", (_name, bytes, problem) => {
    const found = checkLogo(bytes);
    expect("problem" in found ? found.problem : found.type).toStartWith(problem);
  });

  test("a folder, with the way out of it", () => {
    using folder = temporaryFolder();
    expect(() => readLogo(folder.path)).toThrow(`The logo ${folder.path} cannot be read.`);
    const file = join(folder.path, "logo.svg");
    writeFileSync(file, svg("<script/>"));
    expect(() => readLogo(file)).toThrow(`The logo ${file} holds a script.`);
  });
});

describe("at the pages", () => {
  const logo: Logo = { type: "image/svg+xml", bytes: svg("<path/>") };

  test.each(["api", "issuer"] as const)("is served by the %s with its type, may be kept, and can do nothing", async (role) => {
    await using site = await startRoles({ settings: { logo } });
    const { status, headers, text: sent } = await site.call("/logo", { role });
    expect([status, headers.get("content-type"), headers.get("cache-control"), headers.get("x-content-type-options")]).toEqual([200, "image/svg+xml", "max-age=3600", "nosniff"]);
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox");
    expect(sent).toBe(Buffer.from(logo.bytes).toString());
    expect((await site.call("/favicon.ico", { role })).text).toBe(sent);
  });

  test.each([["api", "/sign-in"], ["issuer", "/account/sign-in"], ["issuer", "/oauth/authorize?client_id=unknown"]] as const)("stands on the page of the %s at %s, named like the deployment", async (role, path) => {
    await using site = await startRoles({ settings: { logo } });
    const { text: page } = await site.call(path, { role, headers: { accept: "text/html" } });
    expect(page).toContain('<img id="deployment-logo" src="/logo" alt="Test site" height="48">');
  });

  test.each([["api", "/sign-in"], ["issuer", "/account/sign-in"]] as const)("is nowhere on the page of the %s where none is configured", async (role, path) => {
    await using site = await startRoles();
    const { text: page } = await site.call(path, { role });
    expect(page).toContain("<h1>Test site</h1>");
    expect(page).not.toContain("<img");
    expect((await site.call("/logo", { role, headers: { accept: "application/json" } })).status).toBe(404);
    const icon = await site.call("/favicon.ico", { role });
    expect([icon.status, icon.headers.get("content-type"), icon.text.startsWith("<svg")]).toEqual([200, "image/svg+xml", true]);
  });
});

/** Every page as it leaves the server: headers, size, structure, and colours that can be read. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import styleSheet from "../../src/dashboard/style.css" with { type: "text" };
import { html } from "../../src/dashboard/html.ts";
import { startPairing } from "../../src/credentials/pairing.ts";
import { system } from "../../src/gate/caller.ts";
import { createSetupLink } from "../../src/identity/setup-links.ts";
import { type Answer, startRoles, type TestRoles } from "../support/roles.ts";

let fresh: TestRoles;
let site: TestRoles;
const pages = new Map<string, Answer>();
const asked = { accept: "text/html,application/xhtml+xml" } as const;
const own = { "sec-fetch-site": "same-origin", ...asked } as const;

beforeAll(async () => {
  fresh = await startRoles({ isNew: true });
  site = await startRoles();
  const { cookie } = await site.credentials();
  const link = new URL((await createSetupLink(fresh.gate, system, undefined)).setup_url).pathname;
  pages.set("not set up", await fresh.call("/"));
  pages.set("set up", await fresh.call(link));
  pages.set("set up, refused", await fresh.call(link, { headers: own, form: { deployment_name: "", team_name: "a", first_name: "b", last_name: "c", email_address: "d@example.com", user_password: "long enough" } }));
  pages.set("already set up", await site.call("/setup/x"));
  pages.set("sign in", await site.call("/sign-in"));
  pages.set("sign in, refused", await site.call("/sign-in", { headers: own, form: { email_address: "ada@example.com", user_password: "wrong password" } }));
  pages.set("overview", await site.call("/", { as: cookie }));
  pages.set("pair a device", await site.call("/desktop/pair?user_code=AB7K-PNQ3", { as: cookie }));
  pages.set("pair a device, refused", await site.call("/desktop/pair", { as: cookie, headers: asked, form: { user_code: "AB7K-PNQ3" } }));
  const { user_code } = await startPairing(site.gate, { kind: "anonymous", address: "192.0.2.1" }, undefined);
  pages.set("pair this device", await site.call("/desktop/pair", { as: cookie, headers: asked, form: { user_code } }));
  pages.set("paired", await site.call("/desktop/pair/decision", { as: cookie, headers: asked, form: { user_code, decision: "approve", team_id: site.people.teamId } }));
  site.license({ state: "clock_anomaly" });
  pages.set("overview, shut", await site.call("/", { as: cookie }));
  pages.set("refusal", await site.call("/nothing", { headers: asked }));
});
afterAll(async () => {
  await fresh.close();
  await site.close();
});

const names = ["not set up", "set up", "set up, refused", "already set up", "sign in", "sign in, refused", "overview", "overview, shut", "refusal", "pair a device", "pair a device, refused", "pair this device", "paired"] as const;

function page(name: string): Answer {
  const found = pages.get(name);
  if (found === undefined) throw new Error(`there is no page ${name}`);
  return found;
}

test("each page has the status of what it says", () => {
  expect(names.map((name) => [name, page(name).status])).toEqual([
    ["not set up", 200],
    ["set up", 200],
    ["set up, refused", 400],
    ["already set up", 410],
    ["sign in", 200],
    ["sign in, refused", 401],
    ["overview", 200],
    ["overview, shut", 200],
    ["refusal", 404],
    ["pair a device", 200],
    ["pair a device, refused", 404],
    ["pair this device", 200],
    ["paired", 200],
  ]);
});

describe.each(names)("the page %s", (name) => {
  test("forbids scripts, frames, foreign parts and being kept", () => {
    const { headers } = page(name);
    const policy = headers.get("content-security-policy") ?? "";
    for (const part of ["default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"]) expect(policy).toContain(part);
    expect(policy).not.toMatch(/script-src|unsafe|\*|https?:/);
    expect([headers.get("cache-control"), headers.get("x-content-type-options"), headers.get("x-frame-options"), headers.get("content-type")]).toEqual(["no-store", "nosniff", "DENY", "text/html; charset=utf-8"]);
    expect(headers.get("referrer-policy")).toBe("same-origin");
  });

  test("has no script, no inline style, nothing from elsewhere, and at most 40 KB", () => {
    const { text } = page(name);
    expect(text).not.toMatch(/<script|<iframe|<object|javascript:|\son[a-z]+=|\sstyle=|<style/i);
    expect(text).not.toMatch(/(?:src|href|action)="(?!\/(?!\/))/);
    expect(Buffer.byteLength(text) + styleSheet.length).toBeLessThanOrEqual(40_000);
  });

  test("has a language, a title, one heading of the first rank and one main part", () => {
    const { text } = page(name);
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(text).toMatch(/<title>[^<]+ · Cyberun<\/title>/);
    expect([text.match(/<h1[ >]/g)?.length, text.match(/<main[ >]/g)?.length]).toEqual([1, 1]);
    expect(text).not.toMatch(/undefined|\[object|NaN/);
  });

  test("has an id only once, a label for each field and a text for each description", () => {
    const { text } = page(name);
    const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id ?? "");
    expect(ids).toEqual([...new Set(ids)]);
    for (const [, id] of text.matchAll(/<input id="([^"]+)"/g)) expect(text).toContain(`<label for="${id}">`);
    for (const [, id] of text.matchAll(/aria-(?:describedby|labelledby)="([^"]+)"/g)) expect(ids).toContain(id ?? "");
  });

  test("never fills in a password", () => {
    expect(page(name).text).not.toMatch(/type="password"[^>]*value="[^"]+"/);
    expect(page(name).text).not.toContain("wrong password");
  });
});

test("a refusal to a program is JSON, also outside /api", async () => {
  const answer = await site.call("/nothing", { headers: { accept: "application/json" } });
  expect([answer.headers.get("content-type"), answer.body["error_code"]]).toEqual(["application/json;charset=utf-8", "not_found"]);
  expect((await site.call("/api/v1/nothing", { headers: asked })).body["error_code"]).toBe("not_found");
});

test("a page that refuses says beside it what HTTP wants said", async () => {
  const wait = async () => await site.call("/sign-in", { headers: own, form: { email_address: "guessed@example.com", user_password: "wrong password" } });
  let answer = await wait();
  for (let guess = 0; guess < 40 && answer.status !== 429; guess += 1) answer = await wait();
  expect([answer.status, Number(answer.headers.get("retry-after")) > 0, answer.headers.get("content-type")]).toEqual([429, true, "text/html; charset=utf-8"]);
  expect((await site.call("/sign-in", { method: "DELETE", headers: asked })).headers.get("allow")).toBe("GET, POST");
});

test("the style sheet is text, may be kept, and fetches nothing", async () => {
  const answer = await site.call("/style.css");
  expect([answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control")]).toEqual([200, "text/css; charset=utf-8", "max-age=3600"]);
  expect(answer.text).not.toMatch(/url\(|@import/);
});

test("a template escapes whatever is not a template", () => {
  expect(html`<a title="${`"'<>&`}">${html`<b>${1}</b>`}${[html`x`, html`y`]}${undefined}</a>`.text).toBe(`<a title="&quot;&#39;&lt;&gt;&amp;"><b>1</b>xy</a>`);
});

/** Relative luminance of `#rrggbb` (WCAG 2.2). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const colours = new Map([...styleSheet.matchAll(/--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(([, name = "", light = "", dark = ""]) => [name, { light, dark }]));

describe.each(["light", "dark"] as const)("by %s", (scheme) => {
  const pairs = [["ink", "paper"], ["ink", "ground"], ["soft", "paper"], ["soft", "ground"], ["accent", "paper"], ["on-accent", "accent"], ["good", "paper"], ["bad", "paper"], ["bad", "ground"]] as const;
  test.each(pairs)("%s on %s can be read (WCAG 1.4.3: 4.5 to 1)", (ink, paper) => {
    expect(contrast(colours.get(ink)?.[scheme] ?? "", colours.get(paper)?.[scheme] ?? "")).toBeGreaterThanOrEqual(4.5);
  });
});

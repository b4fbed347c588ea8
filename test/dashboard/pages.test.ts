/** Every page as it leaves the server: headers, size, structure, and colours that can be read. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import styleSheet from "../../src/dashboard/style.css" with { type: "text" };
import { Fault } from "../../src/fault.ts";
import { html } from "../../src/dashboard/html.ts";
import { type Language, languages } from "../../src/dashboard/language.ts";
import { refusalWithStart } from "../../src/dashboard/pages.ts";
import { startPairing } from "../../src/credentials/pairing.ts";
import { type Caller, system } from "../../src/gate/caller.ts";
import { createSetupLink } from "../../src/identity/setup-links.ts";
import { createInvitation } from "../../src/teams/invitations.ts";
import { addPerson, PASSWORD } from "../support/people.ts";
import { type Answer, type RolesOptions, startRoles, type TestRoles } from "../support/roles.ts";
import { enrol } from "../support/second-factor.ts";

const anonymous: Caller = { kind: "anonymous", address: "192.0.2.1" };
const sites: TestRoles[] = [];
const pages = new Map<string, Answer>();

interface Reader {
  readonly language: Language;
  readonly asked: Readonly<Record<string, string>>;
  /** For forms of the site's own pages. */
  readonly own: Readonly<Record<string, string>>;
  keep(name: string, answer: Answer): void;
}

async function opened(options: RolesOptions = {}): Promise<TestRoles> {
  const site = await startRoles(options);
  sites.push(site);
  return site;
}

async function beforeSetUp({ asked, own, keep }: Reader): Promise<void> {
  const fresh = await opened({ isNew: true });
  const link = new URL((await createSetupLink(fresh.gate, system, undefined)).setup_url).pathname;
  keep("not set up", await fresh.call("/", { headers: asked }));
  keep("set up", await fresh.call(link, { headers: asked }));
  const form = { deployment_name: "", team_name: "a", first_name: "b", last_name: "c", email_address: "d@example.com", user_password: "long enough" };
  keep("set up, refused", await fresh.call(link, { headers: own, form }));
  keep("set up, gone", await fresh.call("/setup/x", { headers: asked }));
}

async function signingIn(site: TestRoles, { asked, own, keep }: Reader): Promise<void> {
  keep("already set up", await site.call("/setup/x", { headers: asked }));
  keep("sign in", await site.call("/sign-in", { headers: asked }));
  keep("sign in, refused", await site.call("/sign-in", { headers: own, form: { email_address: "ada@example.com", user_password: "wrong password" } }));
  const careful = await addPerson(site.gate, { address: "careful@example.com", teamId: site.people.teamId });
  const { app } = await enrol(site.gate, careful);
  const step = await site.call("/sign-in", { headers: own, form: { email_address: "careful@example.com", user_password: PASSWORD } });
  keep("second step", step);
  const step_token = / name="step_token" value="([^"]+)"/.exec(step.text)?.[1] ?? "";
  keep("second step, refused", await site.call("/sign-in/code", { headers: own, form: { step_token, code: app.wrong() } }));
}

async function invited(site: TestRoles, { asked, own, keep }: Reader): Promise<void> {
  const invite = async (email_address: string) => new URL((await createInvitation(site.gate, site.people.owner, { email_address, invitation_role: "member" })).invitation_url ?? "").pathname;
  const link = await invite("grace@example.com");
  keep("invitation", await site.call(link, { headers: asked }));
  keep("invitation, not signed in", await site.call(`${link}/accept`, { method: "POST", headers: own }));
  keep("invitation, for another", await site.call(`${link}/accept`, { method: "POST", as: (await site.credentials()).cookie, headers: asked }));
  keep("invitation, refused", await site.call(`${link}/sign-up`, { headers: own, form: { first_name: "Grace", last_name: " ", user_password: "nanoseconds of wire" } }));
  keep("declined", await site.call(`${link}/decline`, { method: "POST", headers: own }));
  keep("invitation, gone", await site.call(link, { headers: asked }));
}

async function pairing(site: TestRoles, { asked, keep }: Reader): Promise<void> {
  const { cookie } = await site.credentials();
  const begin = async () => (await startPairing(site.gate, anonymous, undefined)).user_code;
  keep("pair a device", await site.call("/desktop/pair?user_code=AB7K-PNQ3", { as: cookie, headers: asked }));
  keep("pair a device, refused", await site.call("/desktop/pair", { as: cookie, headers: asked, form: { user_code: "AB7K-PNQ3" } }));
  const user_code = await begin();
  const team_id = site.people.teamId;
  keep("pair this device", await site.call("/desktop/pair", { as: cookie, headers: asked, form: { user_code } }));
  keep("pair this device, refused", await site.call("/desktop/pair/decision", { as: cookie, headers: asked, form: { user_code, decision: "approve", team_id, device_name: "a\u0007b" } }));
  keep("paired", await site.call("/desktop/pair/decision", { as: cookie, headers: asked, form: { user_code, decision: "approve", team_id } }));
  keep("not paired", await site.call("/desktop/pair/decision", { as: cookie, headers: asked, form: { user_code: await begin(), decision: "refuse" } }));
  keep("one moment", await site.call("/desktop/pair", { headers: { ...asked, "sec-fetch-site": "cross-site" } }));
}

async function collect(language: Language): Promise<void> {
  const asked = { accept: "text/html,application/xhtml+xml", "accept-language": `${language}-XX,fr;q=0.5` };
  const reader: Reader = { language, asked, own: { "sec-fetch-site": "same-origin", ...asked }, keep: (name, answer) => void pages.set(`${name} (${language})`, answer) };
  await beforeSetUp(reader);
  const site = await opened();
  await signingIn(site, reader);
  await invited(site, reader);
  await pairing(site, reader);
  const { cookie } = await site.credentials();
  reader.keep("overview", await site.call("/", { as: cookie, headers: asked }));
  site.license({ state: "clock_anomaly" });
  reader.keep("overview, shut", await site.call("/", { as: cookie, headers: asked }));
  reader.keep("refusal", await site.call("/nothing", { headers: asked }));
  reader.keep("refusal of a method", await site.call("/sign-in", { method: "DELETE", headers: asked }));
}

let site: TestRoles;
const asked = { accept: "text/html,application/xhtml+xml" } as const;
const own = { "sec-fetch-site": "same-origin", ...asked } as const;

beforeAll(async () => {
  for (const language of languages) await collect(language);
  site = await opened();
}, 60_000);
afterAll(async () => {
  for (const each of sites) await each.close();
});

const statuses = [
  ["not set up", 200],
  ["set up", 200],
  ["set up, refused", 400],
  ["set up, gone", 410],
  ["already set up", 410],
  ["sign in", 200],
  ["sign in, refused", 401],
  ["second step", 200],
  ["second step, refused", 401],
  ["overview", 200],
  ["overview, shut", 200],
  ["refusal", 404],
  ["refusal of a method", 405],
  ["invitation", 200],
  ["invitation, not signed in", 401],
  ["invitation, for another", 403],
  ["invitation, refused", 400],
  ["declined", 200],
  ["invitation, gone", 410],
  ["pair a device", 200],
  ["pair a device, refused", 404],
  ["pair this device", 200],
  ["pair this device, refused", 400],
  ["paired", 200],
  ["not paired", 200],
  ["one moment", 200],
] as const;
const shown = languages.flatMap((language) => statuses.map(([name, status]) => [`${name} (${language})`, language, status] as const));

function page(name: string): Answer {
  const found = pages.get(name);
  if (found === undefined) throw new Error(`there is no page ${name}`);
  return found;
}

test("each page has the status of what it says", () => {
  expect(shown.map(([name]) => [name, page(name).status])).toEqual(shown.map(([name, , status]) => [name, status]));
});

const isApp = (name: string) => name.startsWith("overview");

describe.each(shown)("the page %s", (name, language) => {
  test("forbids scripts, frames, foreign parts and being kept", () => {
    const { headers } = page(name);
    const policy = headers.get("content-security-policy") ?? "";
    for (const part of ["default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"]) expect(policy).toContain(part);
    // The dashboard's own script, from here; every other page has none.
    expect(policy.replace("script-src 'self'; connect-src 'self'; ", isApp(name) ? "" : "script-src")).not.toMatch(/script-src|unsafe|\*|https?:/);
    expect([headers.get("cache-control"), headers.get("x-content-type-options"), headers.get("x-frame-options"), headers.get("content-type")]).toEqual(["no-store", "nosniff", "DENY", "text/html; charset=utf-8"]);
    expect(headers.get("referrer-policy")).toBe("same-origin");
  });

  test("has no script, no inline style, nothing from elsewhere, and at most 40 KB", () => {
    const { text } = page(name);
    const script = /<script type="module" src="\/app\.js\?v=[\w-]{16}"><\/script>/;
    expect(script.test(text)).toBe(isApp(name));
    expect(text.replace(script, "")).not.toMatch(/<script|<iframe|<object|javascript:|\son[a-z]+=|\sstyle=|<style/i);
    expect(text).not.toMatch(/(?:src|href|action)="(?!#|\/(?!\/))/);
    expect(Buffer.byteLength(text) + styleSheet.length).toBeLessThanOrEqual(40_000);
  });

  test("has a language, a title, one heading of the first rank and one main part", () => {
    const { text } = page(name);
    expect(text).toStartWith(`<!doctype html>\n<html lang="${language}">`);
    expect(text).toMatch(/<title>[^<]+ · (?:Cyberun|Test site)<\/title>/);
    expect([text.match(/<h1[ >]/g)?.length, text.match(/<main[ >]/g)?.length]).toEqual([1, 1]);
    expect(text).not.toMatch(/undefined|\[object|NaN/);
  });

  test("has an id only once, a label for each field and a text for each description", () => {
    const { text } = page(name);
    const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id ?? "");
    expect(ids).toEqual([...new Set(ids)]);
    for (const [, id] of text.matchAll(/<input id="([^"]+)"/g)) expect(text).toContain(`<label for="${id}">`);
    for (const [, id] of text.matchAll(/aria-(?:describedby|labelledby)="([^"]+)"/g)) expect(ids).toContain(id ?? "");
    for (const [, id] of text.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(id ?? "");
  });

  test("never fills in a password", () => {
    expect(page(name).text).not.toMatch(/type="password"[^>]*value="[^"]+"/);
    expect(page(name).text).not.toContain("wrong password");
  });
});

test.each(statuses)("the page %s says everything in German, and every word of it is another than in English", (name) => {
  const wordsOf = (language: Language) => page(`${name} (${language})`).text.replace(/^[\s\S]*<main>|<code>[\s\S]*?<\/code>/g, "");
  expect(wordsOf("de")).not.toContain('lang="en"');
  // Sentences, labels and buttons; what people are called, and keys of the API, are the same everywhere.
  const texts = (language: Language) => [...wordsOf(language).matchAll(/>([^<>]{12,})</g)].map(([, text = ""]) => text.trim()).filter((text) => !/^\S*@\S*$|^[a-z_]+$|^[\d:, UTC-]+$|^Ada Lovelace/.test(text));
  expect(texts("de").filter((text) => texts("en").includes(text))).toEqual([]);
  expect(texts("de").length).toBeGreaterThan(0);
});

test("what has no German words stays English and says so", () => {
  const fault = new Fault("conflict", "something is so", { hint: "Do that." });
  const frame = { deploymentName: "x", language: "de", hasLogo: false } as const;
  expect(refusalWithStart(frame, fault).text).toContain('<span lang="en"><strong>Something is so.</strong> Do that.</span>');
  expect(refusalWithStart({ ...frame, language: "en" }, fault).text).toContain('id="error"><strong>Something is so.</strong> Do that.</p>');
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

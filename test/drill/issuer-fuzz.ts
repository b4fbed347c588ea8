/**
 * Fuzz drill of the issuer: seeded random requests at every one of its doors, of all methods, content types, parameters, odd
 * bytes, sizes and malformed credentials, with good ones strewn in so that the deeper checks are reached.
 *
 * A violation is an answer of 5xx, a redirect to an address that nobody registered, a refusal at an endpoint for programs that is no
 * OAuth error, or a server that does not answer afterwards.
 */
import { oauthErrors } from "../../src/oidc/oauth-error.ts";
import { parameterNames } from "../../src/oidc/authorization/parameters.ts";
import { endpoints, oauthPrefix } from "../../src/oidc/endpoints.ts";
import { createClientKey, signAssertion, signProof } from "../support/client-assertion.ts";
import { CHALLENGE, REDIRECT, startFlow, VERIFIER } from "../support/code-flow.ts";
import { basic } from "../support/oauth.ts";
import { addClient, addService } from "../support/oidc-client.ts";
import { rawRequest, sendRaw } from "../support/raw-http.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";
import { testServices } from "../support/services.ts";
import type { DrillReport } from "./report.ts";

export interface FuzzReport extends DrillReport {
  readonly violations: readonly string[];
  readonly facts: { readonly seed: string; readonly doors: number; readonly statuses: Readonly<Record<string, number>> };
}

export const rounds = 60_000;
const VIOLATIONS_MAX = 50;
/** People look at these, so their refusals are pages. */
const pages: readonly string[] = [endpoints.authorization, endpoints.end_session, `${endpoints.end_session}/confirm`, "/oauth/device"];

type Roll = (below: number) => number;

interface Target {
  readonly site: TestRoles;
  readonly doors: readonly { readonly method: string; readonly path: string }[];
  /** Values that open something, so that not everything ends at the first check. */
  readonly good: readonly string[];
  readonly credentials: readonly string[];
}

const odd: readonly string[] = ["", " ", "\u0000", "\r\nset-cookie: a=b", "é", "😀", "\u202e", "\ufeff", "\ud800", "__proto__", "constructor", "null", "undefined", "NaN", "-1", "1e309", "' or 1=1 --", "../../etc/passwd", "%", "%00", "%ff", "%zz", "<script>", "javascript:alert(1)", "https://evil.example/cb", "//evil.example", "{}", "[]", "[[[[", "{\"a\":{}}", "x".repeat(300), "x".repeat(5_000), "a b c", "openid email", "code token", "none login", "eyJhbGciOiJub25lIn0.e30.", "a.b.c", "...", "urn:ietf:params:oauth:request_uri:x"];
const grantNames = ["grant_type", "code", "code_verifier", "refresh_token", "client_secret", "client_assertion", "client_assertion_type", "token", "token_type_hint", "device_code", "user_code", "resource", "access_token", "decision", "seen_by", "email_address", "user_password", "step_token", "post_logout_redirect_uri", "answer", "handle", "subject_token", "audience"];
const grantTypes = ["authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange", "password"];
const methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
const contentTypes = ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8", "application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=utf-16", "", ";", "application/json; charset=x"];
const otherHeaders = ["Origin: null", "Origin: https://evil.example", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site", "Accept: text/html", "Accept-Language: de,\xff;q=2", "X-Forwarded-Host: evil.example", "Cookie: cyberun-issuer=x; cyberun-browser=y", `Cookie: ${"c=d;".repeat(500)}`, "Expect: 100-continue", "Range: bytes=0-", "If-None-Match: *", "Content-Encoding: gzip"];

function pick<T>(roll: Roll, from: readonly T[]): T {
  const found = from[roll(from.length)];
  if (found === undefined) throw new Error("there is nothing to pick from");
  return found;
}

function noise(roll: Roll): string {
  return Array.from({ length: roll(40) }, () => String.fromCharCode(roll(roll(2) === 0 ? 128 : 0xffff))).join("");
}

/** A good value, or one that was one: cut, changed, doubled. */
function valueOf(roll: Roll, { good }: Target): string {
  const kind = roll(10);
  if (kind < 3) return pick(roll, good);
  if (kind < 5) return pick(roll, odd);
  if (kind === 5) return pick(roll, grantTypes);
  if (kind === 6) return noise(roll);
  const value = pick(roll, good);
  const at = roll(value.length + 1);
  return kind === 7 ? value.slice(0, at) : kind === 8 ? `${value.slice(0, at)}${pick(roll, odd).slice(0, 3)}${value.slice(at + 1)}` : `${value}${value}`;
}

function encoded(roll: Roll, text: string): string {
  // Now and then as it is, which no form is.
  if (roll(12) === 0) return text.replace(/[\r\n\u0000]/g, "?");
  return encodeURIComponent(text.toWellFormed());
}

function parameters(roll: Roll, target: Target): string {
  const names = [...parameterNames, ...grantNames];
  const base = roll(2) === 0 ? [] : pick(roll, target.credentials).split("&");
  const more = Array.from({ length: roll(8) }, () => `${roll(15) === 0 ? encoded(roll, pick(roll, odd)) : pick(roll, names)}=${encoded(roll, valueOf(roll, target))}`);
  const all = [...base, ...more];
  // Repeated names are a case of their own.
  return (roll(10) === 0 ? [...all, ...all.slice(0, 2)] : all).join("&");
}

function bodyOf(roll: Roll, target: Target): string {
  switch (roll(8)) {
    case 0:
      return JSON.stringify({ [pick(roll, grantNames)]: valueOf(roll, target), redirect_uris: [valueOf(roll, target)], jwks: roll(2) === 0 ? {} : { keys: [{ kty: pick(roll, odd) }] } });
    case 1:
      return Buffer.from(noise(roll)).toString("latin1");
    case 2:
      return pick(roll, ["{", "[".repeat(2_000), "a".repeat(40_000), "&&&&", "=&=", "%&%=%"]);
    default:
      return parameters(roll, target);
  }
}

function authorizationOf(roll: Roll, target: Target): readonly string[] {
  const value = valueOf(roll, target).replace(/[\r\n\u0000]/g, "");
  switch (roll(7)) {
    case 0:
      return [`Authorization: Bearer ${value}`];
    case 1:
      return [`Authorization: Basic ${Buffer.from(`${value}:${valueOf(roll, target)}`).toString("base64")}`];
    case 2:
      return [`Authorization: ${value}`];
    case 3:
      return [`DPoP: ${value}`, `Authorization: DPoP ${value}`];
    case 4:
      return target.good.filter((each) => each.startsWith("Basic ")).slice(0, 1).map((each) => `Authorization: ${each}`);
    default:
      return [];
  }
}

function requestOf(roll: Roll, target: Target): string {
  const door = pick(roll, target.doors);
  const method = roll(6) === 0 ? pick(roll, methods) : door.method;
  const filled = door.path.replace(/:[a-z_]+/g, () => encodeURIComponent(valueOf(roll, target).toWellFormed()).slice(0, 300) || "x");
  const query = roll(3) === 0 || (method === "GET" && roll(3) > 0) ? `?${parameters(roll, target)}` : "";
  // A request line cannot have white space; everything else may be tried.
  const path = `${filled}${query}`.replace(/[\s\u0000-\u0020]/g, "%20").slice(0, 14_000);
  const hasBody = method !== "GET" && method !== "HEAD" && roll(8) > 0;
  const headers = [...(hasBody ? [`Content-Type: ${roll(4) === 0 ? pick(roll, contentTypes) : "application/x-www-form-urlencoded"}`] : []), ...authorizationOf(roll, target), ...(roll(3) === 0 ? [pick(roll, otherHeaders)] : [])];
  const clean = headers.map((header) => header.slice(0, 8_000));
  return rawRequest(target.site.urls.issuer, { method, path: Buffer.from(path).toString("latin1"), headers: clean, body: hasBody ? bodyOf(roll, target) : "" });
}

/** What clients registered, and paths of this very site. */
const registered: readonly RegExp[] = [/^https:\/\/app\.example\/cb(?:[?]|$)/, /^https:\/\/app\.example\/bye(?:[?]|$)/, /^http:\/\/127\.0\.0\.1:\d{1,5}\/native(?:[?]|$)/, /^\/(?![\/\\])/];

function isRefusal(body: string): boolean {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === "object" && parsed !== null && "error" in parsed && typeof parsed.error === "string" && Object.hasOwn(oauthErrors, parsed.error);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** What is wrong with an answer; undefined for a good one, and for a connection that was closed on what is no HTTP. */
function problemOf(request: string, status: number, text: string, issuer: string): string | undefined {
  if (status >= 500) return `${status}`;
  const location = /^location: (.*?)\r$/im.exec(text)?.[1];
  const path = location?.startsWith(issuer) === true ? location.slice(issuer.length) : location;
  if (path !== undefined && !registered.some((pattern) => pattern.test(path))) return `${status} to ${path.slice(0, 100)}`;
  const [, asked = ""] = /^\S+ ([^ ?]*)/.exec(request) ?? [];
  const [head = "", body = ""] = text.split("\r\n\r\n");
  if (status < 400 || !asked.startsWith(oauthPrefix) || pages.includes(asked) || request.startsWith("HEAD ")) return undefined;
  if (/transfer-encoding: chunked/i.test(head)) return undefined;
  return isRefusal(body) || body === "" ? undefined : `${status} that is no OAuth error: ${body.slice(0, 100)}`;
}

async function openTarget(site: TestRoles): Promise<Target> {
  const flow = await startFlow(site, { metadata: { post_logout_redirect_uris: ["https://app.example/bye"], resources: ["https://api.example"] } });
  const native = await addClient(site.gate, { token_endpoint_auth_method: "none", redirect_uris: ["http://127.0.0.1/native"], grant_types: ["authorization_code", "refresh_token"] });
  const service = await addService(site.gate, { token_endpoint_auth_method: "client_secret_post" });
  const key = createClientKey();
  const now = Math.floor(site.gate.services.clock.now() / 1_000);
  const tokens = await flow.tokens({ scope: "openid email offline_access" });
  const held = ["access_token", "refresh_token", "id_token"].map((name) => String(tokens[name]));
  const signed = [signAssertion(key, { clientId: flow.client.id, audience: site.urls.issuer, now }), signProof(key, { url: `${site.urls.issuer}/oauth/token`, now })];
  const own = [flow.client.id, flow.client.secret, native.id, service.id, service.secret, await flow.code(), flow.session.secret, basic(flow.client).authorization];
  const request = `client_id=${flow.client.id}&redirect_uri=${encodeURIComponent(REDIRECT)}&response_type=code&scope=openid&code_challenge=${CHALLENGE}&code_challenge_method=S256`;
  const credentials = [request, `${request}&prompt=none`, request.replace(flow.client.id, native.id).replace(encodeURIComponent(REDIRECT), encodeURIComponent("http://127.0.0.1:4711/native")), `client_id=${service.id}&client_secret=${service.secret}&grant_type=client_credentials`, `client_id=${native.id}&grant_type=refresh_token`, `id_token_hint=${held[2]}&post_logout_redirect_uri=${encodeURIComponent("https://app.example/bye")}`];
  const doors = site.apps.issuer.routes.filter(({ method }) => methods.includes(method)).map(({ method, path }) => ({ method, path }));
  return { site, doors, good: [...held, ...signed, ...own, REDIRECT, VERIFIER, CHALLENGE, site.urls.issuer, "openid", "code", "S256", "https://api.example"], credentials };
}

export async function drill(count: number, seed = "issuer-fuzz"): Promise<FuzzReport> {
  // With everything that a door may need, so that none says that it is unavailable.
  await using site = await startRoles({ settings: { hasMailServer: true } });
  const target = await openTarget(site);
  const { random } = testServices({ seed });
  const roll: Roll = (below) => Math.floor(random.fraction() * below);
  const violations: string[] = [];
  const statuses: Record<string, number> = {};
  for (let round = 0; round < count && violations.length < VIOLATIONS_MAX; round += 1) {
    const request = requestOf(roll, target);
    const { status, text } = await sendRaw(site.urls.issuer, request);
    statuses[status] = (statuses[status] ?? 0) + 1;
    const problem = problemOf(request, status, text, site.urls.issuer);
    if (problem !== undefined) violations.push(`round ${round}: ${problem} after ${request.slice(0, 300)}`);
  }
  const alive = await site.call("/healthz", { role: "issuer" });
  if (alive.status !== 200) violations.push(`afterwards /healthz answered ${alive.status}`);
  violations.push(...site.logged.filter((line) => line.includes("request.failed")).slice(0, VIOLATIONS_MAX));
  return { name: "issuer fuzz", rounds: count, violations, facts: { seed, doors: target.doors.length, statuses } };
}

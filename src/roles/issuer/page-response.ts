/**
 * Pages as answers: the policy of each, the language, and refusals that people can read.
 *
 * Rule: what a policy opens is named for the one page that needs it: the client's logo, and where a form may lead.
 */
import { createHash } from "node:crypto";
import { type Html, pageHeaders, pageResponse } from "../../dashboard/html.ts";
import { refusalPage } from "../../dashboard/pages.ts";
import { frameOfRefusal } from "../../dashboard/visit-frame.ts";
import { wordsIn } from "../../dashboard/words.ts";
import { Fault } from "../../fault.ts";
import type { Gate } from "../../gate/operation.ts";
import { faultHeaders } from "../../http/respond.ts";
import { type AuthorizationResponse, locationOf } from "../../oidc/authorization/response.ts";
import { formPostPage, SUBMIT_SCRIPT } from "./pages/form-post.ts";
import type { Frame } from "../../dashboard/frame.ts";

/** Beyond what every page may do. */
export interface Opening {
  /** Where a form of the page may lead, by way of redirects too. */
  readonly formAction?: string;
  readonly image?: string | undefined;
  readonly script?: string;
  /** The script for passkeys, which is served from here. */
  readonly hasPasskeys?: boolean;
}

function scriptsOf({ script, hasPasskeys }: Opening): string {
  if (script !== undefined) return ` script-src 'sha256-${createHash("sha256").update(script).digest("base64")}';`;
  return hasPasskeys === true ? " script-src 'self';" : "";
}

function policyOf(opening: Opening): string {
  const { formAction, image } = opening;
  const scripts = scriptsOf(opening);
  return `default-src 'none';${scripts} style-src 'self'; img-src 'self'${image === undefined ? "" : ` ${image}`}; form-action ${formAction ?? "'self'"}; base-uri 'none'; frame-ancestors 'none'`;
}

/** The origin, or the scheme of an address that has none: what a policy names. */
function sourceOf(uri: string): string {
  const { origin, protocol } = new URL(uri);
  return origin === "null" ? protocol : origin;
}

/** What the policy of a page with the client's logo names. */
export function imageOf(logoUri: string | undefined): string | undefined {
  return logoUri === undefined ? undefined : sourceOf(logoUri);
}

/**
 * The policy of a page whose form may end at the client. Browsers hold a form's redirects against it, and many clients
 * send the browser on to another https site of theirs, so that much is open beside the client's own address. Upstream
 * providers are https too, but for those on this host.
 */
export function towards(redirectUri: string, logoUri: string | undefined, plainOrigins: readonly string[] = []): Opening {
  return { formAction: ["'self'", sourceOf(redirectUri), "https:", ...new Set(plainOrigins)].join(" "), image: imageOf(logoUri) };
}

/** The page with its policy, and a cookie if there is one to set. */
export function respond(page: Html, opening: Opening = {}, cookies: readonly string[] = []): Response {
  return withCookies(pageResponse(page, 200, { "content-security-policy": policyOf(opening) }), cookies);
}

export function withCookies(response: Response, cookies: readonly string[]): Response {
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  return response;
}

export function redirectTo(location: string): Response {
  return new Response(null, { status: 303, headers: { ...pageHeaders, location } });
}

/** Brings the answer to the client. */
export function answerResponse(frame: Frame, response: AuthorizationResponse): Response {
  if (response.responseMode === "query") return redirectTo(locationOf(response));
  const page = formPostPage(frame, response);
  return respond(page, { formAction: `${sourceOf(response.redirectUri)} https:`, script: SUBMIT_SCRIPT });
}

/** Runs `work`; its fault is shown on the page that was filled in. */
export async function orAgain(work: () => Promise<Response>, page: (fault: Fault) => Html): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return pageResponse(page(error), error.status, faultHeaders(error));
  }
}

/** The refusal as a page with a way back. */
export function respondRefusal(frame: Frame, fault: Fault, back: string): Response {
  return pageResponse(refusalPage(frame, { fault, back: { to: back, text: wordsIn(frame.language).startAgain } }), fault.status, faultHeaders(fault));
}

/** Runs `work`; its fault is a page, because people are looking. */
export async function orRefusalPage(gate: Gate, request: Request, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return pageResponse(refusalPage(await frameOfRefusal(gate, request), { fault: error }), error.status, faultHeaders(error));
  }
}

/** Whether `ask` is refused, where a page only shows or hides something by it. */
export async function isRefused(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return false;
  } catch (error) {
    if (error instanceof Fault) return true;
    throw error;
  }
}

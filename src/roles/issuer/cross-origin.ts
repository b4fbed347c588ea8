/**
 * Requests that a web page of another origin sends from a browser (CORS, Fetch Standard section 3.2).
 *
 *     public documents          any origin
 *     endpoints for programs    origins of registered redirect URIs, by name
 *     everything else           none
 *
 * Rule: never with cookies, and never `null`, which every sandboxed frame and file is. This opens nothing by itself: it lets
 * a page read the answer to a request that anybody can send.
 */
import type { Gate } from "../../gate/operation.ts";
import { plainHeaders } from "../../http/respond.ts";
import type { App } from "../../http/listener.ts";
import { type ClientOrigins, createClientOrigins } from "../../oidc/clients/client-origins.ts";
import { endpoints } from "../../oidc/endpoints.ts";
import { publicDocumentPaths } from "./public-documents.ts";

/** What a page may use at the endpoints for programs. */
const methodsAt: Readonly<Record<string, string>> = {
  [endpoints.token]: "POST",
  [endpoints.userinfo]: "GET, POST",
  [endpoints.revocation]: "POST",
  [endpoints.device_authorization]: "POST",
  [endpoints.pushed_authorization_request]: "POST",
};
const REQUEST_HEADERS = "authorization, content-type, dpop";
const EXPOSED_HEADERS = "www-authenticate, dpop-nonce, retry-after";
/** Browsers keep an answer to a preflight for two hours at most. */
const PREFLIGHT_SECONDS = 600;

async function allowedOrigin(origins: ClientOrigins, path: string, origin: string): Promise<string | undefined> {
  if (publicDocumentPaths.includes(path)) return "*";
  if (!Object.hasOwn(methodsAt, path)) return undefined;
  return (await origins.isKnown(origin)) ? origin : undefined;
}

function preflightResponse(path: string, allowed: string | undefined): Response {
  const headers = { ...plainHeaders, vary: "origin" };
  if (allowed === undefined) return new Response(null, { status: 403, headers });
  return new Response(null, {
    status: 204,
    headers: {
      ...headers,
      "access-control-allow-origin": allowed,
      "access-control-allow-methods": methodsAt[path] ?? "GET",
      "access-control-allow-headers": REQUEST_HEADERS,
      "access-control-max-age": String(PREFLIGHT_SECONDS),
    },
  });
}

/** Adds what browsers ask for to the answers of `app`, and answers their preflights. */
export function addCrossOrigin(app: App, gate: Gate): void {
  const origins = createClientOrigins(gate);
  app.onRequest(async ({ request, set }) => {
    const path = new URL(request.url).pathname;
    if (Object.hasOwn(methodsAt, path)) set.headers["vary"] = "origin";
    const origin = request.headers.get("origin");
    if (origin === null) return undefined;
    const allowed = await allowedOrigin(origins, path, origin);
    if (request.method === "OPTIONS" && request.headers.has("access-control-request-method")) return preflightResponse(path, allowed);
    if (allowed === undefined || allowed === "*") return undefined;
    set.headers["access-control-allow-origin"] = allowed;
    set.headers["access-control-expose-headers"] = EXPOSED_HEADERS;
    return undefined;
  });
}

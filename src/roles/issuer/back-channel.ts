/** From HTTP to what endpoints for programs look at, and back. The body is read here, because no framework may read it more loosely. */
import { plainHeaders } from "../../http/respond.ts";
import type { BackChannelRequest } from "../../oidc/back-channel.ts";

/** What follows the path, with its question mark; a request's address is absolute and in its one form already. */
function searchOf(url: string): string {
  const at = url.indexOf("?");
  return at < 0 ? "" : url.slice(at);
}

export async function backChannelOf(request: Request): Promise<BackChannelRequest> {
  return {
    method: request.method,
    search: searchOf(request.url),
    contentType: request.headers.get("content-type") ?? undefined,
    authorization: request.headers.get("authorization") ?? undefined,
    dpop: request.headers.get("dpop") ?? undefined,
    body: await request.text(),
  };
}

/** An answer with secrets in it: nobody keeps it (RFC 6749 section 5.1). */
export function secretJson(body: object, status = 200): Response {
  return Response.json(body, { status, headers: { ...plainHeaders, "cache-control": "no-store", pragma: "no-cache" } });
}

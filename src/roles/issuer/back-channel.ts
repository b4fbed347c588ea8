/** From HTTP to what endpoints for programs look at, and back. The body is read here, because no framework may read it more loosely. */
import { plainHeaders } from "../../http/respond.ts";
import type { BackChannelRequest } from "../../oidc/back-channel.ts";

export async function backChannelOf(request: Request): Promise<BackChannelRequest> {
  return {
    method: request.method,
    search: new URL(request.url).search,
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

/**
 * What anybody may read and keep: discovery and the JWK Set, made once and served from memory until they change.
 */
import { createHash } from "node:crypto";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { plainHeaders } from "../../http/respond.ts";
import { AUTHORIZATION_SERVER_PATH, DISCOVERY_PATH, discoveryOf, JWKS_PATH } from "../../oidc/discovery.ts";
import { listPublicKeys } from "../../oidc/public-keys.ts";
import { JWKS_CACHE_SECONDS } from "../../oidc/signing-keys.ts";
import { grants, type IssuerSite } from "../../oidc/token-endpoint.ts";

export const publicDocumentPaths: readonly string[] = [DISCOVERY_PATH, AUTHORIZATION_SERVER_PATH, JWKS_PATH];

/** A document as it is sent. */
interface Document {
  readonly of: unknown;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

function documentOf(value: unknown): Document {
  const body = JSON.stringify(value);
  const etag = `"${createHash("sha256").update(body).digest("base64url")}"`;
  return {
    of: value,
    body,
    headers: {
      ...plainHeaders,
      "content-type": "application/json;charset=utf-8",
      "cache-control": `public, max-age=${JWKS_CACHE_SECONDS}`,
      // Other origins may read it (OpenID Connect Discovery 1.0 section 4).
      "access-control-allow-origin": "*",
      etag,
    },
  };
}

/** RFC 9110 section 13.1.2: a list of tags, each perhaps weak, or anything at all. */
function isKnownTo(request: Request, { headers }: Document): boolean {
  const known = request.headers.get("if-none-match");
  if (known === null) return false;
  const tags = known.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(headers["etag"] ?? "");
}

function respond(request: Request, document: Document): Response {
  if (isKnownTo(request, document)) return new Response(null, { status: 304, headers: document.headers });
  return new Response(document.body, { headers: document.headers });
}

function discoveryDocument({ settings }: Gate): () => Document {
  let kept: Document | undefined;
  let issuer = "";
  return () => {
    if (kept !== undefined && issuer === settings.issuerUrl) return kept;
    issuer = settings.issuerUrl;
    kept = documentOf(discoveryOf(issuer, { grants }));
    return kept;
  };
}

/** Adds the documents under their well-known addresses. */
export function addPublicDocuments(app: App, { gate, keyring }: IssuerSite): void {
  const discovery = discoveryDocument(gate);
  app.get(DISCOVERY_PATH, ({ request }) => respond(request, discovery()));
  app.get(AUTHORIZATION_SERVER_PATH, ({ request }) => respond(request, discovery()));
  let keys: Document | undefined;
  app.get(
    JWKS_PATH,
    async ({ request, caller }) => {
      const value = await listPublicKeys(gate, caller, { keyring });
      if (keys?.of !== value) keys = documentOf(value);
      return respond(request, keys);
    },
    door("signing_key.list_public"),
  );
}

/**
 * A stand-in for an S3-compatible store: signatures are verified (AWS Signature Version 4), objects lie on the disk, uploads in
 * parts become objects when they are completed.
 *
 *     using store = s3Store();
 *     store.keys()   store.isDown = true
 */
import { createHash, createHmac } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const BUCKET = "files";
export const ACCESS_KEY_ID = "AKTEST";
export const SECRET = "s3cr3t-of-the-store";

export interface S3Store extends Disposable {
  readonly url: string;
  isDown: boolean;
  keys(): readonly string[];
  bytes(key: string): Buffer;
  put(key: string, bytes: Uint8Array): void;
  /** Requests whose signature was wrong. */
  readonly refused: readonly string[];
}

const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
const encoded = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);

/** Whether the request is signed with the secret (AWS General Reference, Signature Version 4). */
function isSigned(request: Request): boolean {
  const found = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(request.headers.get("authorization") ?? "");
  const [, id, day = "", region = "", names = "", signature] = found ?? [];
  if (id !== ACCESS_KEY_ID) return false;
  const url = new URL(request.url);
  const query = [...url.searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).toSorted().join("&");
  const headers = names.split(";").map((name) => `${name}:${(request.headers.get(name) ?? "").trim()}\n`).join("");
  const canonical = [request.method, url.pathname, query, headers, names, request.headers.get("x-amz-content-sha256") ?? ""].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", request.headers.get("x-amz-date"), `${day}/${region}/s3/aws4_request`, createHash("sha256").update(canonical).digest("hex")].join("\n");
  const key = hmac(hmac(hmac(hmac(`AWS4${SECRET}`, day), region), "s3"), "aws4_request");
  return hmac(key, toSign).toString("hex") === signature;
}

const xml = (body: string, status = 200) => new Response(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`, { status, headers: { "content-type": "application/xml" } });
const error = (code: string, status: number) => xml(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`, status);

export function s3Store(): S3Store {
  const folder = mkdtempSync(join(tmpdir(), "cyberun-s3-"));
  const pathOf = (key: string) => join(folder, encodeURIComponent(key));
  const parts = new Map<string, Map<number, Buffer>>();
  const refused: string[] = [];
  const keys = () => readdirSync(folder).map(decodeURIComponent).toSorted();
  const list = (url: URL) => {
    const [prefix, after, max] = [url.searchParams.get("prefix") ?? "", url.searchParams.get("start-after") ?? "", Number(url.searchParams.get("max-keys") ?? "1000")];
    const all = keys().filter((key) => key.startsWith(prefix) && key > after);
    const shown = all.slice(0, Math.min(max, 2));
    const contents = shown.map((key) => `<Contents><Key>${key}</Key><LastModified>${statSync(pathOf(key)).mtime.toISOString()}</LastModified><Size>${statSync(pathOf(key)).size}</Size></Contents>`).join("");
    return xml(`<ListBucketResult><Name>${BUCKET}</Name><KeyCount>${shown.length}</KeyCount><MaxKeys>2</MaxKeys><IsTruncated>${shown.length < all.length}</IsTruncated>${contents}</ListBucketResult>`);
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    async fetch(request) {
      const url = new URL(request.url);
      const key = decodeURIComponent(url.pathname.slice(BUCKET.length + 2));
      if (store.isDown) return error("SlowDown", 503);
      if (!isSigned(request)) {
        refused.push(`${request.method} ${url.pathname}`);
        return error("SignatureDoesNotMatch", 403);
      }
      if (!url.pathname.startsWith(`/${BUCKET}/`)) return error("NoSuchBucket", 404);
      const uploadId = url.searchParams.get("uploadId");
      switch (request.method) {
        case "PUT": {
          const bytes = Buffer.from(await request.arrayBuffer());
          if (uploadId === null) writeFileSync(pathOf(key), bytes);
          else parts.get(uploadId)?.set(Number(url.searchParams.get("partNumber")), bytes);
          return new Response(null, { headers: { etag: `"${createHash("md5").update(bytes).digest("hex")}"` } });
        }
        case "POST": {
          if (uploadId === null) {
            const id = crypto.randomUUID();
            parts.set(id, new Map());
            return xml(`<InitiateMultipartUploadResult><Bucket>${BUCKET}</Bucket><Key>${key}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
          }
          const sent = [...(parts.get(uploadId) ?? [])].toSorted(([a], [b]) => a - b).map(([, bytes]) => bytes);
          writeFileSync(pathOf(key), Buffer.concat(sent));
          return xml(`<CompleteMultipartUploadResult><Key>${key}</Key><ETag>"x"</ETag></CompleteMultipartUploadResult>`);
        }
        case "DELETE":
          rmSync(pathOf(key), { force: true });
          return new Response(null, { status: 204 });
        default:
          if (key === "") return list(url);
          if (!keys().includes(key)) return error("NoSuchKey", 404);
          return new Response(request.method === "HEAD" ? null : readFileSync(pathOf(key)), { headers: { "content-length": String(statSync(pathOf(key)).size), "last-modified": statSync(pathOf(key)).mtime.toUTCString(), etag: '"x"' } });
      }
    },
  });
  const store: S3Store = {
    url: `http://127.0.0.1:${server.port}`,
    isDown: false,
    refused,
    keys,
    bytes: (key) => readFileSync(pathOf(key)),
    put: (key, bytes) => writeFileSync(pathOf(key), bytes),
    [Symbol.dispose]() {
      void server.stop(true);
      rmSync(folder, { recursive: true });
    },
  };
  return store;
}

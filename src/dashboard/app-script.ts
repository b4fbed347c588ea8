/**
 * The dashboard's script as it is served: from inside the executable, or made from the sources where they are run as they are. Compressed
 * once, and named by its content, so that a browser keeps it for as long as it is the same.
 */
import { createHash } from "node:crypto";
import { buildApp } from "./app-build.ts";

export const SCRIPT_PATH = "/app.js";
const YEAR_SECONDS = 31_536_000;
const NAME_CHARACTERS = 16;

export interface AppScript {
  /** Its address with the name of its content. */
  readonly url: string;
  response(request: Request): Response;
}

/** The script, compressed. */
async function packedScript(): Promise<Uint8Array<ArrayBuffer>> {
  if (!Bun.isStandaloneExecutable) return Bun.gzipSync(Buffer.from(await buildApp()), { level: 9 });
  // Put there by the build (build/embedded-app.ts); a checkout has no such file.
  const { default: packed } = await import("../../embedded-app/app.gz", { with: { type: "file" } });
  return await Bun.file(packed).bytes();
}

function served(small: Uint8Array<ArrayBuffer>): AppScript {
  const plain = Bun.gunzipSync(small);
  const name = createHash("sha256").update(plain).digest("base64url").slice(0, NAME_CHARACTERS);
  const headers = { "content-type": "text/javascript; charset=utf-8", "x-content-type-options": "nosniff", vary: "accept-encoding" };
  return {
    url: `${SCRIPT_PATH}?v=${name}`,
    response(request) {
      const isNamed = new URL(request.url).searchParams.get("v") === name;
      const kept = { ...headers, "cache-control": isNamed ? `public, max-age=${YEAR_SECONDS}, immutable` : "no-cache" };
      const takesGzip = /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
      return takesGzip ? new Response(small, { headers: { ...kept, "content-encoding": "gzip" } }) : new Response(plain, { headers: kept });
    },
  };
}

let made: Promise<AppScript> | undefined;

/** Made with the first call: a start does not pay for it. */
export function appScript(): Promise<AppScript> {
  made ??= packedScript().then(served);
  return made;
}

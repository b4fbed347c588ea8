/**
 * The raw loop of a hot renewal: the system's notice of a new file, one signature check, one push to one client, and
 * the client's question what is new. Four signatures of a handshake, the store and every check of a license are left out.
 *
 *     GET /metrics     cyberun_license_sequence as the file says it
 *     GET /client      the same as the client knows it
 */
import { createPublicKey, verify } from "node:crypto";
import { readFileSync, watch, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";

const [readyFile = "", licenseFile = "", publicX = ""] = process.argv.slice(2);
const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicX }, format: "jwk" });

function sequenceIn(path: string): number | undefined {
  const [header = "", payload = "", signature = ""] = readFileSync(path, "utf8").trim().split(".");
  const isSigned = verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url"));
  return isSigned ? JSON.parse(Buffer.from(payload, "base64url").toString()).sequence : undefined;
}

let serverSequence = sequenceIn(licenseFile);
let clientSequence = serverSequence;
const streams = new Set<ReadableStreamDefaultController<string>>();

const exposition = (sequence: number | undefined) => new Response(`cyberun_license_sequence ${sequence}\n`);
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  development: false,
  idleTimeout: 0,
  routes: {
    "/metrics": () => exposition(serverSequence),
    "/client": () => exposition(clientSequence),
    "/changes": () => new Response(new ReadableStream<string>({ start: (controller) => void streams.add(controller) }), { headers: { "content-type": "text/event-stream" } }),
  },
});

watch(dirname(licenseFile), (_event, name) => {
  if (name !== basename(licenseFile)) return;
  serverSequence = sequenceIn(licenseFile) ?? serverSequence;
  for (const stream of streams) stream.enqueue("event: changed\ndata: {}\n\n");
});

/** The client: at every push it asks for what is new. */
async function follow(): Promise<void> {
  const { body } = await fetch(new URL("/changes", server.url));
  for await (const _chunk of body ?? []) {
    const text = await (await fetch(new URL("/metrics", server.url))).text();
    clientSequence = Number(text.trim().split(" ")[1]);
  }
}

void follow();
writeFileSync(readyFile, JSON.stringify({ url: server.url.origin }));

/**
 * A License Server made of the protocol alone: real HTTP on a real socket, a real instance key, no store, no license
 * rules. It says whatever a test wants said, true or not, signed or not.
 *
 *     const server = startDouble({ services, vendor });
 *     server.lease = (honest) => ({ ...honest, role: "issuer" });
 *     server.answer = (path) => (path === "/v1/leases" ? new Response("<html>", { status: 502 }) : undefined);
 */
import { createHash } from "node:crypto";
import { encodeBase64url } from "../../src/crypto/base64url.ts";
import { publicX, type SigningKey, signingKeyFromSeed, thumbprint } from "../../src/crypto/jws.ts";
import { type License, LicenseError, readLicense } from "../../src/license/document.ts";
import { type ChallengeRequest, type Lease, type Proof, signLease, verifyProof } from "../../src/license/lease.ts";
import type { ChallengeFor } from "../../src/license/server/challenges.ts";
import type { Services } from "../../src/services.ts";
import type { TestVendor } from "./license.ts";

export interface DoubleOptions {
  readonly services: Services;
  readonly vendor: TestVendor;
  /** Two names give two instance keys. */
  readonly name?: string;
}

/** What a lease is the answer to. */
export interface Asked {
  readonly proof: Proof;
  readonly challenge: ChallengeFor;
}

export interface LicenseServerDouble {
  readonly address: string;
  readonly seed: Uint8Array;
  readonly key: SigningKey;
  /** Every path asked for, in order. */
  readonly paths: string[];
  readonly proofs: Proof[];
  /** Every lease given, as it was sent. */
  readonly leases: string[];
  /** Files handed in. */
  readonly installed: string[];
  /** The license file; empty when there is none. */
  license: string;
  state: Lease["state"];
  epoch: number;
  counter: number;
  /** For how many seconds the challenge of the renewal is good that goes along with a lease; 0 for none, so that each exchange shows all of itself. */
  nextSeconds: number;
  /** Seconds by which its clock is off. */
  clockOffSeconds: number;
  /** Changes a lease before it is signed. */
  lease: (honest: Lease, asked: Asked) => Lease;
  /** Changes the signed text. */
  signed: (message: string, asked: Asked) => string;
  /** Answers in place of the double, where it gives a response. */
  answer: (path: string, request: Request) => Response | undefined | Promise<Response | undefined>;
  signWith: SigningKey;
  /** Streams that are open now. */
  streams(): number;
  /** Sends raw text into every open stream. */
  send(text: string): void;
  /** Forgets every challenge, as a start does. */
  forget(): void;
  /** The event a real one sends. */
  push(): void;
  /** Ends every stream. */
  hangUp(): void;
  stop(): Promise<void>;
}

/** The event of a real one, which is also how a stream begins. */
const CHANGED = 'event: changed\ndata: {"sequence_of_change":1,"state":"ok"}\n\n';

const json = (body: unknown, status = 200) => Response.json(body, { status });
const refused = (code: string, status: number) => json({ error_code: code, error_message: `refused as ${code}`, hint: "ask the double" }, status);

function licenseIn(file: string, vendor: TestVendor): License | undefined {
  try {
    return readLicense(Buffer.from(file), vendor.trusted);
  } catch (error) {
    if (error instanceof LicenseError) return undefined;
    throw error;
  }
}

function honestLease(double: LicenseServerDouble, { services, vendor }: DoubleOptions, { proof }: Asked): Lease {
  const now = Math.floor(services.clock.now() / 1_000) + double.clockOffSeconds;
  const license = licenseIn(double.license, vendor);
  const isOpen = license !== undefined && (double.state === "ok" || double.state === "expiring");
  const none = { global: {}, account: {}, team: {} };
  return {
    format: 1,
    lease_id: services.random.uuid(),
    role: proof.role,
    client: thumbprint(proof.client_key),
    client_nonce: proof.client_nonce,
    server_nonce: proof.server_nonce,
    epoch: double.epoch,
    counter: ++double.counter,
    issued_at: now,
    expires_at: Math.min(now + (license?.lease_seconds ?? 60), license?.expires_at ?? Infinity),
    state: license === undefined ? "missing" : double.state,
    since: 0,
    reason: isOpen ? "" : `the double says ${double.state}`,
    license: double.license,
    activated_at: license?.activation === undefined ? 0 : now,
    features: isOpen ? license.features : none,
    quotas: isOpen ? license.quotas : none,
  };
}

export function startDouble(options: DoubleOptions): LicenseServerDouble {
  const { vendor, name = "double" } = options;
  const seed = new Uint8Array(createHash("sha256").update(name).digest());
  const key = signingKeyFromSeed(seed);
  const challenges = new Map<string, ChallengeFor>();
  const streams = new Set<ReadableStreamDefaultController<Uint8Array>>();

  function challengeFor(asked: ChallengeFor): string {
    const server_nonce = encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));
    challenges.set(server_nonce, asked);
    return server_nonce;
  }

  async function challenge(request: Request): Promise<Response> {
    const asked: ChallengeRequest = JSON.parse(await request.text());
    const server_nonce = challengeFor(asked);
    return json({ server_nonce, instance_key: publicX(key.publicKey), epoch: double.epoch, expires_in: 30 });
  }

  async function take(request: Request): Promise<{ asked: Asked; body: { proof: string; license?: string } } | undefined> {
    const body: { proof: string; license?: string } = JSON.parse(await request.text());
    const payload: { server_nonce: string } = JSON.parse(Buffer.from(body.proof.split(".")[1] ?? "", "base64url").toString());
    const known = challenges.get(payload.server_nonce);
    if (known === undefined) return undefined;
    challenges.delete(payload.server_nonce);
    const proof = verifyProof(body.proof, known.client_key);
    double.proofs.push(proof);
    return { asked: { proof, challenge: known }, body };
  }

  async function lease(request: Request): Promise<Response> {
    const taken = await take(request);
    if (taken === undefined) return refused("handshake_refused", 403);
    const { asked } = taken;
    const message = double.signed(signLease(double.signWith, double.lease(honestLease(double, options, asked), asked)), asked);
    double.leases.push(message);
    const { client_key, role } = asked.challenge;
    const next = double.nextSeconds > 0 ? { next: { server_nonce: challengeFor({ client_key, role }), expires_in: double.nextSeconds } } : {};
    return json({ lease: message, changes_ticket: "ticket", ...next });
  }

  async function command(path: string, request: Request): Promise<Response> {
    const taken = await take(request);
    const purpose = path === "/v1/reload" ? "reload" : "install";
    if (taken?.asked.proof.purpose !== purpose) return refused("handshake_refused", 403);
    if (taken.body.license !== undefined) double.installed.push(taken.body.license);
    return json({ state: double.state });
  }

  function changes(request: Request): Response {
    if (request.headers.get("authorization") !== "Bearer ticket") return refused("unauthenticated", 401);
    let open: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        open = controller;
        streams.add(controller);
        controller.enqueue(Buffer.from(CHANGED));
      },
      cancel: () => void streams.delete(open),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    idleTimeout: 0,
    async fetch(request) {
      const path = new URL(request.url).pathname;
      double.paths.push(path);
      const other = await double.answer(path, request);
      if (other !== undefined) return other;
      if (path === "/v1/challenges") return await challenge(request);
      if (path === "/v1/leases") return await lease(request);
      if (path === "/v1/changes") return changes(request);
      return await command(path, request);
    },
  });

  const send = (text: string) => {
    for (const stream of streams) stream.enqueue(Buffer.from(text, "latin1"));
  };

  const double: LicenseServerDouble = {
    address: `http://127.0.0.1:${server.port}`,
    seed,
    key,
    paths: [],
    proofs: [],
    leases: [],
    installed: [],
    license: vendor.sign(),
    state: "ok",
    epoch: 1,
    counter: 0,
    nextSeconds: 0,
    clockOffSeconds: 0,
    lease: (honest) => honest,
    signed: (message) => message,
    answer: () => undefined,
    signWith: key,
    streams: () => streams.size,
    send,
    forget: () => challenges.clear(),
    push: () => send(CHANGED),
    hangUp() {
      for (const stream of streams) stream.close();
      streams.clear();
    },
    stop: () => server.stop(true),
  };
  return double;
}


/** Rate limits: the arithmetic of a bucket, its bounds, and what callers see on real sockets. */
import { afterEach, describe, expect, test } from "bun:test";
import { t } from "elysia";
import type { Caller } from "../../src/gate/caller.ts";
import { Fault } from "../../src/fault.ts";
import { door } from "../../src/http/door.ts";
import { createApp, listen, type Listener } from "../../src/http/listener.ts";
import { Buckets, BUCKETS_MAX, RateLimits } from "../../src/http/rate-limits.ts";
import { createLog } from "../../src/log.ts";
import type { RateLimitSettings, TrustedProxies } from "../../src/settings.ts";
import { findNetwork } from "../../src/cidr.ts";
import { testServices } from "../support/services.ts";

const MINUTE_MS = 60_000;

describe("a bucket", () => {
  test("admits its quota at once and no more; the next is due after one interval", () => {
    const buckets = new Buckets(7);
    const taken = Array.from({ length: 8 }, () => buckets.take("a", 1_000));
    expect(taken.map(({ isOver }) => isOver)).toEqual([false, false, false, false, false, false, false, true]);
    expect(taken.map(({ remaining }) => remaining)).toEqual([6, 5, 4, 3, 2, 1, 0, 0]);
    expect(Math.ceil(taken.at(-1)?.waitMs ?? 0)).toBe(Math.ceil(MINUTE_MS / 7));
    expect(buckets.take("a", 1_000 + MINUTE_MS / 7 + 1).isOver).toBe(false);
    expect(buckets.take("a", 1_000 + MINUTE_MS / 7 + 2).isOver).toBe(true);
  });

  test("never admits more than twice its quota within any minute, and at least its quota, whatever the pattern", () => {
    for (const quota of [1, 3, 60, 1_000]) {
      const buckets = new Buckets(quota);
      const admitted: number[] = [];
      for (let ms = 0; ms < 5 * MINUTE_MS; ms += 50) {
        const tries = ms % 7_000 < 200 ? 400 : 1;
        for (let number = 0; number < tries; number++) if (!buckets.take("a", ms).isOver) admitted.push(ms);
      }
      for (let from = 0; from <= 4 * MINUTE_MS; from += 10_000) {
        const within = admitted.filter((ms) => ms >= from && ms < from + MINUTE_MS).length;
        expect(within).toBeLessThanOrEqual(2 * quota);
        expect(within).toBeGreaterThanOrEqual(Math.floor(quota * 0.9));
      }
    }
  });

  test("of one key says nothing of another's", () => {
    const buckets = new Buckets(1);
    expect(["a", "b", "a", "b"].map((key) => buckets.take(key, 0).isOver)).toEqual([false, false, true, true]);
  });

  test("is remembered for a minute, over the turn of generations, and then it is full anyway", () => {
    const buckets = new Buckets(2);
    buckets.take("a", 59_000);
    buckets.take("a", 59_000);
    expect(buckets.take("a", 61_000).isOver).toBe(true);
    expect(buckets.take("a", 59_000 + MINUTE_MS + 1).remaining).toBe(1);
  });

  test("refused attempts cost nothing, so that whoever waits is admitted", () => {
    const buckets = new Buckets(1);
    buckets.take("a", 0);
    for (let ms = 0; ms < MINUTE_MS - 100; ms += 100) expect(buckets.take("a", ms).isOver).toBe(true);
    expect(buckets.take("a", MINUTE_MS + 60).isOver).toBe(false);
  });

  test("is one of a bounded number", () => {
    const buckets = new Buckets(10);
    for (let number = 0; number < 3 * BUCKETS_MAX; number++) buckets.take(`source ${number}`, 0);
    expect(buckets.size).toBeLessThanOrEqual(BUCKETS_MAX);
  });
});

const listeners: Listener[] = [];
afterEach(async () => void (await Promise.all(listeners.splice(0).map((listener) => listener.stop()))));

const ID = "00000000-0000-7000-8000-00000000000f";
const integration = (credentialId: string, address: string | undefined): Caller => ({ kind: "integration", credentialId, teamId: ID, address });

interface SiteOptions {
  readonly limits?: Partial<RateLimitSettings>;
  readonly proxies?: TrustedProxies;
}

function site({ limits = {}, proxies }: SiteOptions = {}) {
  const services = testServices();
  const app = createApp({
    role: "api",
    services,
    log: createLog(services.clock, "error", () => {}),
    limits: new RateLimits({ source: 0, credential: 0, stranger: 0, ...limits }, services.clock),
    ...(proxies === undefined ? {} : { proxies }),
    async authenticate(request, address) {
      const key = request.headers.get("authorization");
      if (key === "bad") throw new Fault("unauthenticated", "The credential is not good.");
      return key === null ? { kind: "anonymous", address } : integration(key, address);
    },
  });
  app.get("/healthz", ({ caller }) => ({ address: caller.address ?? null }));
  app.post("/healthz", () => new Response("made", { status: 201 }));
  app.get("/readyz", () => ({ ok: true }), { ...door("workflow.list_runtime", "none"), query: t.Object({}) });
  const listener = listen(app, { hostname: "127.0.0.1", port: 0 }, services);
  listeners.push(listener);
  const ask = (init: RequestInit & { readonly path?: string } = {}) => fetch(`${listener.url}${init.path ?? "/healthz"}`, init);
  return { services, ask };
}

async function statuses(count: number, ask: () => Promise<Response>): Promise<readonly number[]> {
  const all: number[] = [];
  for (let number = 0; number < count; number++) all.push((await ask()).status);
  return all;
}

describe("on the wire", () => {
  test("an answer tells what is left, a refusal when to come back, and waiting helps", async () => {
    const { ask, services } = site({ limits: { source: 2 } });
    const first = await ask();
    expect([first.status, first.headers.get("ratelimit"), first.headers.get("ratelimit-policy"), first.headers.get("retry-after")]).toEqual([200, '"source";r=1;t=30', '"source";q=2;w=60', null]);
    await ask();
    const refused = await ask();
    expect([refused.status, refused.headers.get("ratelimit"), refused.headers.get("retry-after")]).toEqual([429, '"source";r=0;t=60', "30"]);
    expect(await refused.json()).toEqual({
      error_message: "There were too many requests from this address: more than 2 a minute.",
      error_code: "rate_limited",
      hint: "Try again in 30 seconds, and spread requests out; the headers RateLimit and RateLimit-Policy tell how many are left.",
      details: { policy: "source", limit: 2, window_seconds: 60 },
    });
    services.clock.advance(30_000);
    expect((await ask()).status).toBe(200);
  });

  test("a handler's own Response and every refusal carry the headers too", async () => {
    const { ask } = site({ limits: { source: 10 } });
    expect((await ask({ method: "POST" })).headers.get("ratelimit")).toBe('"source";r=9;t=6');
    expect((await ask({ path: "/nowhere" })).headers.get("ratelimit")).toBe('"source";r=8;t=12');
    expect((await ask({ path: "/readyz" })).headers.get("ratelimit")).toBe('"source";r=7;t=18');
  });

  test("each credential has its own, whatever address it comes from", async () => {
    const { ask } = site({ limits: { credential: 2 } });
    expect(await statuses(3, () => ask({ headers: { authorization: "a" } }))).toEqual([200, 200, 429]);
    const other = await ask({ headers: { authorization: "b" } });
    expect([other.status, other.headers.get("ratelimit-policy")]).toEqual([200, '"credential";q=2;w=60']);
  });

  test("strangers are limited in what changes something, and not in what they read", async () => {
    const { ask } = site({ limits: { stranger: 2 } });
    expect(await statuses(5, () => ask())).toEqual([200, 200, 200, 200, 200]);
    expect(await statuses(3, () => ask({ method: "POST" }))).toEqual([201, 201, 429]);
    // A good credential from the same address is not held up by it.
    expect((await ask({ method: "POST", headers: { authorization: "a" } })).status).toBe(201);
  });

  test("guesses at credentials count, and then a guess is not even told that it is wrong", async () => {
    const { ask } = site({ limits: { stranger: 2 } });
    expect(await statuses(4, () => ask({ headers: { authorization: "bad" } }))).toEqual([401, 401, 429, 429]);
  });

  test("two policies stand side by side in one header", async () => {
    const { ask } = site({ limits: { source: 100, credential: 10 } });
    const { headers } = await ask({ headers: { authorization: "a" } });
    expect([headers.get("ratelimit"), headers.get("ratelimit-policy")]).toEqual(['"source";r=99;t=1, "credential";r=9;t=6', '"source";q=100;w=60, "credential";q=10;w=60']);
  });

  test("0 is off: no limit and no header", async () => {
    const { ask } = site();
    const { headers, status } = await ask({ method: "POST" });
    expect([status, headers.get("ratelimit"), headers.get("ratelimit-policy")]).toEqual([201, null, null]);
  });

  test("loopback is limited like every other source, and a forged header changes nothing", async () => {
    const { ask } = site({ limits: { source: 2 } });
    let number = 0;
    const forge = () => ask({ headers: { "x-forwarded-for": `192.0.2.${number++}`, forwarded: `for=192.0.2.${number}`, "x-real-ip": "192.0.2.9" } });
    expect(await statuses(3, forge)).toEqual([200, 200, 429]);
  });

  test("behind a trusted proxy each client is its own source, by the address that the proxy saw", async () => {
    const networks = [findNetwork("127.0.0.0/8")].flatMap((network) => network ?? []);
    const { ask } = site({ limits: { source: 1 }, proxies: { networks, header: "x-forwarded-for" } });
    const from = (address: string) => ask({ headers: { "x-forwarded-for": `203.0.113.66, ${address}` } });
    expect(await (await from("192.0.2.1")).json()).toEqual({ address: "192.0.2.1" });
    expect([(await from("192.0.2.1")).status, (await from("192.0.2.2")).status]).toEqual([429, 200]);
    expect([(await from("2001:db8::1")).status, (await from("2001:db8::2")).status, (await from("2001:db8:0:1::1")).status]).toEqual([200, 429, 200]);
  });
});

/**
 * Rate limits: so many requests a minute for each source, for each credential, and for each source that nobody has
 * signed in at. The answers tell the state in `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
 *
 *     source       every request, by address (IPv6 by network of 64 bits)
 *     credential   every request with a good credential
 *     stranger     by address: requests that change something and come from nobody, and credentials that are no good
 *
 * A bucket is one number, the instant at which it is full again (the generic cell rate algorithm): it refills steadily, and
 * a full one is worth a minute's requests at once. Buckets live in memory, each process has its own, and a restart begins anew.
 */
import { sourceOf } from "../cidr.ts";
import { Fault } from "../fault.ts";
import type { Caller } from "../gate/caller.ts";
import type { Clock } from "../services.ts";
import type { RateLimitSettings } from "../settings.ts";

type PolicyName = keyof RateLimitSettings;

const MINUTE_MS = 60_000;
/** Sources or credentials that one policy tells apart. Beyond, those that were quiet longest are forgotten first. */
export const BUCKETS_MAX = 100_000;

/** What a request left of a bucket. */
interface Left {
  readonly isOver: boolean;
  readonly remaining: number;
  /** Milliseconds until one more is admitted; 0 when it is now. */
  readonly waitMs: number;
  readonly fullInMs: number;
}

export class Buckets {
  readonly #quota: number;
  readonly #intervalMs: number;
  /** Key → when its bucket is full again. A generation lasts a minute, within which an untouched bucket fills. */
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  #turnsAtMs = 0;

  constructor(quota: number) {
    this.#quota = quota;
    this.#intervalMs = MINUTE_MS / quota;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Takes one from the bucket of `key`, unless it is empty. */
  take(key: string, nowMs: number): Left {
    if (nowMs >= this.#turnsAtMs || this.#young.size >= BUCKETS_MAX / 2) this.#turn(nowMs);
    const fullAt = Math.max(this.#young.get(key) ?? this.#old.get(key) ?? 0, nowMs);
    const after = fullAt + this.#intervalMs;
    // A thousandth of a request: sums of fractions must not refuse the last one of the quota.
    const overMs = after - nowMs - MINUTE_MS;
    const isOver = overMs > this.#intervalMs / 1_000;
    const end = isOver ? fullAt : after;
    this.#young.set(key, end);
    const remaining = Math.max(0, Math.floor((MINUTE_MS - (end - nowMs)) / this.#intervalMs + 0.001));
    return { isOver, remaining: Math.min(remaining, this.#quota), waitMs: isOver ? overMs : 0, fullInMs: end - nowMs };
  }

  #turn(nowMs: number): void {
    // Two minutes without a look: everything is full again.
    this.#old = nowMs - this.#turnsAtMs >= MINUTE_MS ? new Map() : this.#young;
    this.#young = new Map();
    this.#turnsAtMs = nowMs + MINUTE_MS;
  }
}

interface Policy {
  readonly name: PolicyName;
  readonly quota: number;
  readonly buckets: Buckets;
  /** The policy as its header tells it. */
  readonly text: string;
}

const whose: Readonly<Record<PolicyName, string>> = {
  source: "this address",
  credential: "this credential",
  stranger: "this address without a good credential",
};

function refusal({ name, quota }: Policy, waitMs: number): Fault {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
  return new Fault("rate_limited", `There were too many requests from ${whose[name]}: more than ${quota} a minute.`, {
    hint: `Try again in ${seconds} seconds, and spread requests out; the headers RateLimit and RateLimit-Policy tell how many are left.`,
    details: { policy: name, limit: quota, window_seconds: MINUTE_MS / 1_000 },
    retryAfterSeconds: seconds,
  });
}

/** The headers that a request's answer carries. */
export interface RateHeaders {
  readonly ratelimit: string;
  readonly "ratelimit-policy": string;
}

/** What a request took. */
interface Spent {
  readonly policy: Policy;
  readonly left: Left;
  /** What it took before. */
  readonly before: Spent | undefined;
}

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

function credentialOf(caller: Caller): string | undefined {
  if (caller.kind === "user") return caller.sessionId;
  return "credentialId" in caller ? caller.credentialId : undefined;
}

function stateOf({ policy, left }: Spent): string {
  return `"${policy.name}";r=${left.remaining};t=${Math.ceil(left.fullInMs / 1_000)}`;
}

export class RateLimits {
  readonly #clock: Clock;
  readonly #policies: Readonly<Record<PolicyName, Policy | undefined>>;
  readonly #spent = new WeakMap<Request, Spent>();
  readonly #sources = new Sources();

  constructor(settings: RateLimitSettings, clock: Clock) {
    this.#clock = clock;
    const policy = (name: PolicyName): Policy | undefined => {
      const quota = settings[name];
      return quota === 0 ? undefined : { name, quota, buckets: new Buckets(quota), text: `"${name}";q=${quota};w=${MINUTE_MS / 1_000}` };
    };
    this.#policies = { source: policy("source"), credential: policy("credential"), stranger: policy("stranger") };
  }

  /** Before anything is done for the request. Throws Fault `rate_limited`. */
  admitSource(request: Request, address: string | undefined): void {
    this.#take(this.#policies.source, request, this.#sources.of(address));
  }

  /** When it is known who asks. Throws Fault `rate_limited`. */
  admitCaller(request: Request, caller: Caller): void {
    const credential = credentialOf(caller);
    if (credential !== undefined) this.#take(this.#policies.credential, request, credential);
    else if (!safeMethods.has(request.method)) this.#take(this.#policies.stranger, request, this.#sources.of(caller.address));
  }

  /** After a credential was found to be no good: guesses count too. Throws Fault `rate_limited`. */
  noteBadCredential(request: Request, address: string | undefined): void {
    this.#take(this.#policies.stranger, request, this.#sources.of(address));
  }

  headersOf(request: Request): RateHeaders | undefined {
    const spent = this.#spent.get(request);
    if (spent === undefined) return undefined;
    const { before, policy } = spent;
    if (before === undefined) return { ratelimit: stateOf(spent), "ratelimit-policy": policy.text };
    return { ratelimit: `${stateOf(before)}, ${stateOf(spent)}`, "ratelimit-policy": `${before.policy.text}, ${policy.text}` };
  }

  #take(policy: Policy | undefined, request: Request, key: string): void {
    if (policy === undefined) return;
    const left = policy.buckets.take(key, this.#clock.monotonic());
    this.#spent.set(request, { policy, left, before: this.#spent.get(request) });
    if (left.isOver) throw refusal(policy, left.waitMs);
  }
}

/** Sources that are known without working them out again. */
const SOURCES_MAX = 10_000;

class Sources {
  readonly #known = new Map<string, string>();

  /** Calls that crossed no socket are one source. An IPv4 address from a socket is in its one form already. */
  of(address: string | undefined): string {
    if (address === undefined) return "";
    return address.includes(":") ? (this.#known.get(address) ?? this.#learn(address)) : address;
  }

  #learn(address: string): string {
    if (this.#known.size >= SOURCES_MAX) this.#known.clear();
    const source = sourceOf(address);
    this.#known.set(address, source);
    return source;
  }
}

/**
 * The lease holder: the part of API server, gateway and issuer that gets, keeps and obeys leases.
 *
 *     round      every address in order → first answer that stands its checks → remembered → obeyed
 *     refresh    at half of the lease's life, at once on a push; after a failure again and again, ever slower
 *     grace      counted from the lease's issue by guarded time, kept in a file, so that no restart moves its end
 *
 * Rule: decides when to ask and what to remember. What an answer is worth is decided by pure functions (`grant.ts`,
 * `standing.ts`); that a value changes at the right second does not depend on any timer here
 * (`held-entitlements.ts`), timers only make it heard. A role never waits for a License Server to start.
 */
import { signingKeyFromSeed } from "../../crypto/jws.ts";
import { type DataDirectory, secretBytes } from "../../data-directory.ts";
import { Fault } from "../../fault.ts";
import type { Log } from "../../log.ts";
import type { Cancel, Services } from "../../services.ts";
import type { LicenseTestAnswer } from "../answers.ts";
import { ChangesReader } from "./changes-reader.ts";
import type { TrustedKey } from "../document.ts";
import { type Entitled, type Entitlements, licenseStates } from "../entitlements.ts";
import { LeaseError, type LeaseRefusal } from "./grant.ts";
import { HeldEntitlements } from "./held-entitlements.ts";
import type { LeaseRole } from "../lease.ts";
import { type Attempt, attemptLease, type Begun, type Client, type Knowledge, proveFile, proveReload } from "./attempt.ts";
import { LeaseMemory } from "./memory.ts";
import { leaseStateFile } from "./state-file.ts";
import { type Connection, NoAnswer, type NoAnswerKind, requestInstall, requestReload, requestTest } from "./license-client.ts";
import { readJoinTokens } from "./pins.ts";
import { pushDelayMs, refreshDelayMs, retryDelayMs } from "./refresh-schedule.ts";

/** How often the highest time seen is written: a kill loses at most so much of it. */
const SAVE_MS = 60_000;
/**
 * From a start, or a failure, until a License Server answers it is written so often: otherwise whoever kills a role every
 * minute and sets the clock back each time would serve on one lease for ever. A clock that stands still is watched too.
 */
const SAVE_URGENT_MS = 1_000;

export interface LeaseHolderOptions {
  readonly services: Services;
  readonly log: Log;
  readonly role: LeaseRole;
  /** Base URLs of License Servers, the preferred one first. */
  readonly addresses: readonly string[];
  readonly directory: DataDirectory;
  readonly trustedKeys: readonly TrustedKey[];
  readonly version: string;
  /** One join token, or several separated by commas. Needed until the first lease only. */
  readonly joinToken?: string | undefined;
}

/** What came of the last attempt at an address. */
export interface AddressResult {
  readonly address: string;
  readonly outcome: "untried" | "granted" | "denied" | "failed" | NoAnswerKind | LeaseRefusal;
  /** One sentence, when it was not a good lease. */
  readonly reason: string | undefined;
  /** Guarded time of the attempt, epoch milliseconds. */
  readonly atMs: number | undefined;
}

export interface LeaseHolderStatus {
  readonly role: LeaseRole;
  /** Thumbprint of the role's client key: what the License Server lists as a client. */
  readonly client: string;
  readonly entitlements: Entitlements;
  readonly addresses: readonly AddressResult[];
  /** Address of the License Server that answered last. */
  readonly server: string | undefined;
  /** Whether that server would be heard at once if something changed. */
  readonly isListening: boolean;
  readonly leaseAgeSeconds: number | undefined;
  /** Guarded time, epoch milliseconds; undefined while one is under way. */
  readonly nextRefreshAtMs: number | undefined;
  /** Epoch seconds. */
  readonly graceEndsAt: number | undefined;
}

type TimerName = "refresh" | "boundary" | "save" | "push";

interface Timer {
  readonly dueMonotonicMs: number;
  readonly cancel: Cancel;
}

function clientOf({ role, directory, trustedKeys, version, joinToken }: LeaseHolderOptions, seed: Uint8Array): Client {
  return { key: signingKeyFromSeed(seed), role, directory, trustedKeys, version, tokens: readJoinTokens(joinToken ?? "") };
}

/** Everything of the entitlements that a listener may want to act on; the end of the grace moves with each refresh. */
function gist({ state, reason, features, quotas, license }: Entitlements): string {
  return JSON.stringify({ state, reason, features, quotas, license });
}

function failureOf(cause: unknown): Pick<AddressResult, "outcome" | "reason"> {
  if (cause instanceof NoAnswer) return { outcome: cause.kind, reason: cause.message };
  if (cause instanceof LeaseError) return { outcome: cause.refusal, reason: cause.message };
  return { outcome: "failed", reason: "The attempt failed; the log says why." };
}

/** A license file is ASCII; anything else cannot travel in JSON byte for byte, and is no license anyway. */
function asText(file: Uint8Array): string {
  const text = Buffer.from(file).toString("latin1");
  if (/^[\x00-\x7f]+$/.test(text)) return text;
  const sentence = file.length === 0 ? "The file is empty." : "The file is not a license: it holds bytes that no license file has.";
  throw new Fault("invalid_license", sentence, {
    hint: "Take the file that the vendor sent, unchanged.",
  });
}

export class LeaseHolder implements Entitled {
  readonly #options: LeaseHolderOptions;
  readonly #client: Client;
  readonly #memory: LeaseMemory;
  readonly #held: HeldEntitlements;
  readonly #reader: ChangesReader;
  readonly #life = new AbortController();
  readonly #listeners = new Set<(entitlements: Entitlements) => void>();
  readonly #timers = new Map<TimerName, Timer>();
  readonly #results = new Map<string, AddressResult>();
  readonly #settled: Promise<void>;
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  #server: string | undefined;
  /** Taken by the next attempt, whatever becomes of it: its nonce serves once. */
  #begun: Begun | undefined;
  #failures = 0;
  #lastPushMs = -Infinity;
  #announced: string;
  #saveMs = 0;

  /** Throws Fault `unavailable` when the client key is damaged, `invalid_request` for a malformed join token. */
  constructor(options: LeaseHolderOptions) {
    const { services, log, role, directory } = options;
    const seed = secretBytes(directory.clientKey(role), services.random);
    this.#options = options;
    this.#client = clientOf(options, seed);
    this.#memory = new LeaseMemory(leaseStateFile(directory.leaseState(role), seed), this.#client.tokens, log);
    this.#held = new HeldEntitlements(services.clock, this.#memory.standing(this.#client), this.#memory.state.high_water_ms);
    this.#reader = new ChangesReader({ services, log, onChange: () => this.#pushed() });
    this.#announced = gist(this.#held.entitlements());
    this.#review();
    this.#settled = this.refresh();
  }

  entitlements(): Entitlements {
    return this.#held.entitlements();
  }

  /** Resolves when the first attempt is over, whatever came of it. */
  whenSettled(): Promise<void> {
    return this.#settled;
  }

  /** Asks for a lease now; resolves when a round that began after the call is over. Never rejects. */
  refresh(): Promise<void> {
    if (this.#life.signal.aborted) return Promise.resolve();
    if (this.#running === undefined) {
      this.#running = this.#round().finally(() => (this.#running = undefined));
      return this.#running;
    }
    this.#queued ??= this.#running.then(() => {
      this.#queued = undefined;
      return this.refresh();
    });
    return this.#queued;
  }

  /** Calls `listener` after every change; returns what takes it off again. */
  onChange(listener: (entitlements: Entitlements) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  status(): LeaseHolderStatus {
    const entitlements = this.entitlements();
    const { standing } = this.#held;
    return {
      role: this.#options.role,
      client: this.#client.key.kid,
      entitlements,
      addresses: this.#options.addresses.map(
        (address) => this.#results.get(address) ?? { address, outcome: "untried", reason: undefined, atMs: undefined },
      ),
      server: this.#server,
      isListening: this.#reader.isOpen,
      leaseAgeSeconds: standing.kind === "none" ? undefined : this.#held.now() - standing.lease.issued_at,
      nextRefreshAtMs: this.#nextRefreshAtMs(),
      graceEndsAt: entitlements.graceEndsAt,
    };
  }

  /** Has the License Server read its license file again, then refreshes. Throws its Fault, or `unavailable` when none answers. */
  async reload(): Promise<void> {
    await this.#ask(async (connection) => requestReload(connection, await proveReload(this.#client, connection, this.#knowledge())));
    await this.refresh();
  }

  /** Has the License Server replace its license by `file`, then refreshes. Throws its Fault, or `unavailable` when none answers. */
  async install(file: Uint8Array): Promise<void> {
    const text = asText(file);
    await this.#ask(async (connection) => {
      await requestInstall(connection, await proveFile(this.#client, connection, { ...this.#knowledge(), file, purpose: "install" }), text);
    });
    await this.refresh();
  }

  /** What the License Server says that installing `file` would do; a sentence for people, and nothing is decided by it. Throws as {@link install} does. */
  async test(file: Uint8Array): Promise<LicenseTestAnswer> {
    const text = asText(file);
    return await this.#ask(async (connection) => await requestTest(connection, await proveFile(this.#client, connection, { ...this.#knowledge(), file, purpose: "test" }), text));
  }

  /** Ends every request, stream and timer, and writes the highest time seen. */
  async stop(): Promise<void> {
    this.#life.abort();
    for (const { cancel } of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#listeners.clear();
    await this.#reader.stop();
    await this.#running;
    this.#memory.save(this.#held.nowMs());
  }

  #nextRefreshAtMs(): number | undefined {
    const dues = (["refresh", "push"] as const).flatMap((name) => this.#timers.get(name)?.dueMonotonicMs ?? []);
    return dues.length === 0 ? undefined : this.#held.nowMs() + Math.min(...dues) - this.#options.services.clock.monotonic();
  }

  #connection(address: string): Connection {
    return { services: this.#options.services, address, signal: this.#life.signal };
  }

  #knowledge(): Knowledge {
    const { pins, marks } = this.#memory.state;
    return { pins, marks, now: () => this.#held.now(), anomalousWall: () => this.#held.anomalousWall() };
  }

  /** One attempt at each address in turn, until one is answered. Never rejects. */
  async #round(): Promise<void> {
    this.#disarm("refresh");
    for (const address of this.#options.addresses) {
      const attempt = await this.#attempt(address);
      if (this.#life.signal.aborted) return;
      if (attempt !== undefined) return this.#accept(address, attempt);
    }
    this.#fail();
  }

  async #attempt(address: string): Promise<Attempt | undefined> {
    const begun = this.#begun;
    this.#begun = undefined;
    try {
      return await attemptLease(this.#client, this.#connection(address), { ...this.#knowledge(), begun });
    } catch (cause) {
      this.#note(address, cause);
      return undefined;
    }
  }

  /** Keeps and logs why an attempt failed; the same failure again is not logged again. */
  #note(address: string, cause: unknown): void {
    if (this.#life.signal.aborted) return;
    const { outcome, reason } = failureOf(cause);
    if (this.#results.get(address)?.reason !== reason) {
      const isBug = outcome === "failed";
      const fields = { role: this.#options.role, address, outcome, reason, ...(isBug && { cause }) };
      this.#options.log.write(isBug ? "error" : "warn", "lease.attempt_failed", fields);
    }
    this.#results.set(address, { address, outcome, reason, atMs: this.#held.nowMs() });
  }

  #accept(address: string, attempt: Attempt): void {
    const { answer, changesTicket } = attempt;
    const { lease } = answer;
    this.#memory.learn(attempt);
    this.#held.accept(answer);
    this.#memory.save(this.#held.nowMs());
    this.#failures = 0;
    this.#server = address;
    this.#begun = attempt.next;
    this.#results.set(address, { address, outcome: answer.kind, reason: lease.reason === "" ? undefined : lease.reason, atMs: this.#held.nowMs() });
    if (changesTicket !== undefined) this.#reader.follow(address, changesTicket);
    const isPreferred = address === this.#options.addresses[0];
    const delayMs = refreshDelayMs(lease, { fraction: this.#options.services.random.fraction(), isPreferred, isDenied: answer.kind === "denied" });
    this.#arm("refresh", delayMs, () => void this.refresh());
    this.#review();
  }

  #fail(): void {
    const [first] = this.#options.addresses;
    const reason = first === undefined ? "No License Server address is configured." : this.#results.get(first)?.reason;
    this.#held.explain(reason ?? "No License Server answers.");
    this.#failures += 1;
    const isShut = !licenseStates[this.entitlements().state].open;
    const delayMs = retryDelayMs(this.#failures, { fraction: this.#options.services.random.fraction(), isShut });
    this.#arm("refresh", delayMs, () => void this.refresh());
    this.#review();
  }

  /** A push says that something changed: refresh soon, spread among the roles, and not for every one of a flood. */
  #pushed(): void {
    if (this.#life.signal.aborted || this.#timers.has("push")) return;
    const { clock, random } = this.#options.services;
    this.#arm("push", pushDelayMs(clock.monotonic() - this.#lastPushMs, random.fraction()), () => {
      this.#lastPushMs = clock.monotonic();
      void this.refresh();
    });
  }

  /** Looks at the value anew, tells who wants to know, and comes back at the next instant that may change it. */
  #review(): void {
    const entitlements = this.#held.entitlements();
    const untilMs = this.#held.untilChangeMs();
    this.#disarm("boundary");
    if (Number.isFinite(untilMs)) this.#arm("boundary", Math.max(1, Math.ceil(untilMs)), () => this.#review());
    this.#saveEvery(this.#isTimeUrgent(entitlements) ? SAVE_URGENT_MS : SAVE_MS);
    const announced = gist(entitlements);
    if (announced === this.#announced) return;
    this.#announced = announced;
    this.#options.log.write("info", "lease.changed", { role: this.#options.role, state: entitlements.state, reason: entitlements.reason });
    for (const listener of this.#listeners) this.#tell(listener, entitlements);
  }

  /** A listener that fails is a bug of its own; it must keep neither the others nor the next lease from coming. */
  #tell(listener: (entitlements: Entitlements) => void, entitlements: Entitlements): void {
    try {
      listener(entitlements);
    } catch (cause) {
      this.#options.log.write("error", "lease.listener_failed", { role: this.#options.role, cause });
    }
  }

  #isTimeUrgent({ state }: Entitlements): boolean {
    const isAnswered = this.#server !== undefined && this.#failures === 0;
    return this.#held.isAnomalous || (licenseStates[state].open && !isAnswered);
  }

  #saveEvery(ms: number): void {
    if (this.#saveMs === ms && this.#timers.has("save")) return;
    this.#saveMs = ms;
    this.#arm("save", ms, () => {
      this.#memory.save(this.#held.nowMs());
      this.#review();
    });
  }

  #arm(name: TimerName, delayMs: number, task: () => void): void {
    this.#disarm(name);
    if (this.#life.signal.aborted) return;
    const { clock } = this.#options.services;
    const cancel = clock.after(delayMs, () => {
      this.#timers.delete(name);
      task();
    });
    this.#timers.set(name, { cancel, dueMonotonicMs: clock.monotonic() + delayMs });
  }

  #disarm(name: TimerName): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  /** Asks one License Server after the other until one speaks, for better or worse. */
  async #ask<Value>(task: (connection: Connection) => Promise<Value>): Promise<Value> {
    const addresses = new Set([...(this.#server === undefined ? [] : [this.#server]), ...this.#options.addresses]);
    let last: NoAnswer | undefined;
    for (const address of addresses) {
      try {
        return await task(this.#connection(address));
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        if (error.fault !== undefined) throw error.fault;
        last = error;
      }
    }
    throw new Fault("unavailable", last?.message ?? "No License Server address is configured.", {
      hint: "Start the License Server or correct CYBERUN_LICENSE_SERVER_ADDRESSES, then try again.",
      cause: last,
    });
  }
}

/** Starts to hold a lease for `role`. Returns at once; see {@link LeaseHolder.whenSettled}. */
export function startLeaseHolder(options: LeaseHolderOptions): LeaseHolder {
  return new LeaseHolder(options);
}

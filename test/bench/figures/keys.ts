/** What a key costs: the check alone, among a hundred thousand, and what it adds to a request. */
import { createHmac } from "node:crypto";
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { findCallerByKey } from "../../../src/credentials/authentication.ts";
import { createSealer, MASTER_KEY_BYTES, type Sealer } from "../../../src/crypto/sealing.ts";
import { createKey, keyPrefix } from "../../../src/crypto/tokens.ts";
import { type Gate, requireEntry } from "../../../src/gate/operation.ts";
import { Refusals } from "../../../src/gate/refusals.ts";
import { without } from "../../../src/license/entitlements.ts";
import { realServices } from "../../../src/services.ts";
import { defaultSettings } from "../../../src/settings.ts";
import { openSqliteStore } from "../../../src/store/sqlite.ts";
import type { Store } from "../../../src/store/store.ts";
import { foundTeam } from "../administrator.ts";
import { type Deployment, startDeployment } from "../deployment.ts";
import { atMost, type Bench, compared, type Figure } from "../figure.ts";
import { type Load, startLoad } from "../load/load.ts";
import { loadRounds, medianLatency } from "../load/rounds.ts";
import { column, contest } from "../rounds.ts";
import { median, type Percentiles, percentiles } from "../statistics.ts";
import { WORKFLOWS_PATH } from "./requests.ts";

const KEYS = 100_000;
const ROWS_AT_ONCE = 1_000;
const CHECKS = 20_000;
const ROUNDS = 7;
const CHECK_P99_MS_MAX = 0.1;
const ROUND_SECONDS = 1.2;
const ADDED_P50_MS_MAX = 0.3;

const services = realServices();

/** So many keys of one team, every other one narrowed by a scope; gives them in clear. */
async function fill(store: Store, sealer: Sealer): Promise<readonly string[]> {
  const keys = Array.from({ length: KEYS }, () => createKey("sk", services.random));
  const created_at = services.clock.now();
  await store.write(async (writer) => void (await writer.insert(writer.tables.teams).values({ id: "bench", display_name: "Bench", created_at })));
  for (let at = 0; at < KEYS; at += ROWS_AT_ONCE) {
    const rows = keys.slice(at, at + ROWS_AT_ONCE).map((key, index) => ({
      id: services.random.uuid(),
      kind: "integration",
      team_id: "bench",
      created_by: "bench",
      display_name: "bench",
      key_prefix: keyPrefix(key),
      digest: sealer.digest("credential-pepper", key),
      created_at,
      scopes: index % 2 === 0 ? '["workflows:read","tasks:read"]' : null,
    }));
    await store.write(async (writer) => void (await writer.insert(writer.tables.credentials).values(rows)));
  }
  return keys;
}

/** Latencies of single checks of keys at random, in milliseconds. */
async function timed(keys: readonly string[], check: (key: string) => Promise<void> | void): Promise<Percentiles> {
  const spentMs = new Float64Array(CHECKS);
  for (let done = 0; done < CHECKS; done += 1) {
    const key = keys[Math.floor(services.random.fraction() * keys.length)] ?? "";
    const startedAtMs = performance.now();
    await check(key);
    spentMs[done] = performance.now() - startedAtMs;
  }
  return percentiles(spentMs);
}

function ourCheck(gate: Gate): (key: string) => Promise<void> {
  return async (key) => {
    const caller = await findCallerByKey(gate, key, "127.0.0.1");
    if (caller === undefined) throw new Error("a good key was refused");
    requireEntry("workflow.list_runtime", caller);
  };
}

function rawCheck(database: Database, pepper: Uint8Array): (key: string) => void {
  const find = database.query("select id, team_id, scopes from credentials where digest = ?");
  return (key) => {
    const digest = createHmac("sha256", pepper).update(key).digest("base64url");
    find.get(digest);
  };
}

async function check(scratch: string): Promise<Figure> {
  const file = join(scratch, "keys.db");
  const store = await openSqliteStore({ file, clock: services.clock });
  const sealer = createSealer(services.random.bytes(MASTER_KEY_BYTES), services.random);
  const gate: Gate = { services, store, sealer, settings: defaultSettings, entitled: { entitlements: () => without("missing") }, refusals: new Refusals({ services, sealer, store }) };
  const keys = await fill(store, sealer);
  const database = new Database(file, { readonly: true });
  try {
    const [ours, raw] = [ourCheck(gate), rawCheck(database, services.random.bytes(32))];
    const pairs = await contest({ rounds: ROUNDS, warmUps: 2, ours: () => timed(keys, ours), raw: () => timed(keys, raw) });
    const middle = (key: "p50" | "p95" | "p99" | "max", whose: "ours" | "raw") => median(pairs.map((pair) => pair[whose][key]));
    const latency = (whose: "ours" | "raw"): Percentiles => ({ n: CHECKS * ROUNDS, p50: middle("p50", whose), p95: middle("p95", whose), p99: middle("p99", whose), max: middle("max", whose) });
    return {
      name: "key.check",
      title: `Check of an sk- key among ${KEYS.toLocaleString("en-US")}`,
      unit: "µs",
      rawLoop: "HMAC-SHA-256 and one prepared look-up in bun:sqlite in the same file, without await",
      ...compared(column(pairs, ({ p50 }) => p50 * 1_000)),
      latencyMs: { ours: latency("ours"), raw: latency("raw") },
      bars: [atMost("p99, ms", CHECK_P99_MS_MAX, middle("p99", "ours"))],
      notes: ["Ours: form and checksum, digest, look-up of the secret of now or the one before, expiry, revocation, networks, scopes, surface and scope of the operation. No cache, so a revocation is true at once."],
    };
  } finally {
    database.close();
    await store.close();
  }
}

interface Request {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Added {
  readonly name: string;
  readonly title: string;
  readonly ours: Request;
  readonly notes: readonly string[];
}

async function added({ addresses, process }: Deployment, load: Load, subject: Added): Promise<Figure> {
  const target = ({ path, headers }: Request) => ({
    pid: process.pid,
    run: () => load.run({ kind: "requests", url: new URL(path, addresses.api).href, headers, connections: 1, seconds: ROUND_SECONDS }),
  });
  const pairs = await loadRounds({ rounds: ROUNDS, warmUps: 1, ours: target(subject.ours), raw: target({ path: "/healthz", headers: {} }) });
  const latencyMs = medianLatency(pairs);
  return {
    name: subject.name,
    title: subject.title,
    unit: "requests/s",
    rawLoop: "the same server's /healthz without a credential, on the same connection",
    ...compared(column(pairs, ({ perSecond }) => perSecond)),
    latencyMs,
    bars: [atMost("p50 beyond that of the public route, ms", ADDED_P50_MS_MAX, latencyMs.ours.p50 - latencyMs.raw.p50)],
    notes: subject.notes,
  };
}

export const keyChecks: Bench = {
  name: "keys",
  title: "Keys",
  async measure({ dist, scratch }) {
    const figures = [await check(scratch)];
    await using deployment = await startDeployment({ executable: join(dist, "cyberun"), dataDir: join(scratch, "data") });
    const headers = { authorization: `Bearer ${await foundTeam(deployment)}` };
    await using load = startLoad();
    const authentication = { name: "key.authentication", title: "A public route with an sk- key, one connection", ours: { path: "/healthz", headers }, notes: ["What the key alone adds: the answer is the same."] };
    const gated = { name: "key.request", title: "A gated route with an sk- key, one connection", ours: { path: WORKFLOWS_PATH, headers }, notes: ["What key, gate, lease and a page of workflows add together."] };
    for (const subject of [authentication, gated]) figures.push(await added(deployment, load, subject));
    return figures;
  },
};

/** A new license file under full traffic: how soon the License Server and every client act on it, and what fails meanwhile. */
import { copyFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { foundTeam } from "../administrator.ts";
import { type Deployment, startDeployment } from "../deployment.ts";
import { atLeast, atMost, type Bench, compared, type Figure, type Place } from "../figure.ts";
import type { LoadResult } from "../load/jobs.ts";
import { type Load, startLoad } from "../load/load.ts";
import { until } from "../processes.ts";
import { type RawServer, startRaw } from "../raw/process.ts";
import { contest, column, type Pair } from "../rounds.ts";
import { median, type Percentiles } from "../statistics.ts";
import { throwAwayVendor, type Vendor } from "../vendor.ts";
import { startRawRequests, WORKFLOWS_PATH } from "./requests.ts";

const SWAPS = 8;
const REQUESTS_PER_SECOND = 500;
const CONNECTIONS = 16;
const SERVER_MS_MAX = 2_000;
const CLIENT_MS_MAX = 5_000;
const LOOK_MS = 5;
/** Requests go on for so long before the swap and after the last client has acted. */
const AROUND_MS = 250;

interface Swap {
  readonly serverMs: number;
  readonly clientsMs: number;
  readonly load: LoadResult;
}

/** Who is asked which sequence is in force, and under what load. */
interface Site {
  readonly licenseFile: string;
  readonly server: URL;
  readonly clients: readonly URL[];
  readonly requests: URL;
  readonly headers: Readonly<Record<string, string>>;
}

async function shownSequence(url: URL): Promise<number> {
  const response = await fetch(url);
  const [, sequence] = /(?:^cyberun_license_sequence |"sequence": ?)(\d+)/m.exec(await response.text()) ?? [];
  return Number(sequence ?? Number.NaN);
}

/** Milliseconds from `sinceMs` until `url` shows `sequence`. */
async function reached(url: URL, sequence: number, sinceMs: number): Promise<number> {
  return await until(`${url.href} to show sequence ${sequence}`, async () => ((await shownSequence(url)) === sequence ? performance.now() - sinceMs : undefined), LOOK_MS);
}

/** Replaces the file as a careful operator does: written beside it, then renamed. */
function install(file: string, licenseFile: string): void {
  copyFileSync(file, `${licenseFile}.new`);
  renameSync(`${licenseFile}.new`, licenseFile);
}

async function swap(load: Load, site: Site, { file, sequence }: { readonly file: string; readonly sequence: number }): Promise<Swap> {
  const job = load.start({ kind: "paced", url: site.requests.href, headers: site.headers, connections: CONNECTIONS, perSecond: REQUESTS_PER_SECOND });
  try {
    await Bun.sleep(AROUND_MS);
    const sinceMs = performance.now();
    install(file, site.licenseFile);
    const [serverMs, ...clientsMs] = await Promise.all([site.server, ...site.clients].map((url) => reached(url, sequence, sinceMs)));
    await Bun.sleep(AROUND_MS);
    job.stop();
    return { serverMs: serverMs ?? Number.NaN, clientsMs: Math.max(...clientsMs), load: await job.result };
  } finally {
    job.stop();
  }
}

function delayFigure(pairs: readonly Pair<Swap>[], what: { readonly name: string; readonly title: string; readonly limitMs: number }, value: (swap: Swap) => number): Figure {
  const numbers = compared(column(pairs, value));
  return {
    name: what.name,
    title: what.title,
    unit: "ms",
    rawLoop: "the system's notice of the file, one signature check, one event to one client, one question back",
    ...numbers,
    bars: [atMost("ms, slowest swap", what.limitMs, numbers.ours.max)],
    notes: [`From the rename until the License Server's status, or each client's metrics, show the new sequence, looked at every ${LOOK_MS} ms, while ${REQUESTS_PER_SECOND} gated requests a second go on.`],
  };
}

function percentilesOf(loads: readonly LoadResult[]): Percentiles {
  const middle = (key: "p50" | "p95" | "p99" | "max") => median(loads.map(({ latencyMs }) => latencyMs[key]));
  return { n: loads.reduce((sum, { calls }) => sum + calls, 0), p50: middle("p50"), p95: middle("p95"), p99: middle("p99"), max: middle("max") };
}

function requestsFigure(pairs: readonly Pair<Swap>[]): Figure {
  const ours = pairs.map((pair) => pair.ours.load);
  const sum = (value: (load: LoadResult) => number) => ours.reduce((total, load) => total + value(load), 0);
  const failures = ours.flatMap((load) => Object.keys(load.failures));
  return {
    name: "renewal.requests",
    title: `Gated requests at ${REQUESTS_PER_SECOND}/s across a swap, p99`,
    unit: "ms",
    rawLoop: "the raw loop of gated requests at the same pace, while the raw renewal goes on beside it",
    ...compared(column(pairs, ({ load }) => load.latencyMs.p99)),
    latencyMs: { ours: percentilesOf(ours), raw: percentilesOf(pairs.map((pair) => pair.raw.load)) },
    bars: [atMost("failed requests", 0, sum(({ failed }) => failed)), atLeast(`requests/s of the ${REQUESTS_PER_SECOND} that were due`, REQUESTS_PER_SECOND * 0.99, sum(({ calls }) => calls) / sum(({ seconds }) => seconds))],
    notes: [
      "A request counts from the moment it was due, whether or not a connection was free for it.",
      ...(failures.length === 0 ? [] : [`Failed with: ${[...new Set(failures)].join("; ")}`]),
    ],
  };
}

/** Licenses in order; each turns one feature on or off, so that its effect could be seen. */
async function signedLicenses(vendor: Vendor, count: number): Promise<readonly { readonly file: string; readonly sequence: number }[]> {
  const licenses: { file: string; sequence: number }[] = [];
  for (let sequence = 1; sequence <= count; sequence++) {
    licenses.push({ sequence, file: await vendor.sign(sequence, ["--feature", `team.webhooks=${sequence % 2 === 0 ? "off" : "on"}`]) });
  }
  return licenses;
}

function oursAt({ addresses }: Deployment, licenseFile: string, key: string): Site {
  return {
    licenseFile,
    server: new URL("/v1/status", addresses.license),
    clients: [addresses.api, addresses.gateway, addresses.issuer].map((address) => new URL("/metrics", address)),
    requests: new URL(WORKFLOWS_PATH, addresses.api),
    headers: { authorization: `Bearer ${key}` },
  };
}

function rawAt(watcher: RawServer, requests: RawServer, { licenseFile, headers }: Pick<Site, "licenseFile" | "headers">): Site {
  return { licenseFile, server: new URL("/metrics", watcher.url), clients: [new URL("/client", watcher.url)], requests: new URL("/workflows", requests.url), headers };
}

/** Swaps the next license in at each call. */
function swaps(load: Load, site: Site, licenses: readonly { readonly file: string; readonly sequence: number }[]): () => Promise<Swap> {
  let next = 0;
  return async () => {
    const license = licenses[next++];
    if (license === undefined) throw new Error("there are fewer licenses than swaps");
    return await swap(load, site, license);
  };
}

async function measure(place: Place): Promise<readonly Figure[]> {
  const vendor = await throwAwayVendor(join(place.dist, "cyberun-vendor"), place.scratch);
  const [first, ...rest] = await signedLicenses(vendor, SWAPS + 2);
  if (first === undefined) throw new Error("no license was signed");
  const licenseFile = join(place.scratch, "site.lic");
  const rawFile = join(place.scratch, "raw.lic");
  for (const path of [licenseFile, rawFile]) install(first.file, path);
  await using deployment = await startDeployment({ executable: vendor.executable, dataDir: join(place.scratch, "data"), license: licenseFile });
  const key = await foundTeam(deployment);
  await using watcher = await startRaw("watcher", place.scratch, [rawFile, vendor.publicX]);
  await using requests = await startRawRequests(place, key);
  await using load = startLoad();
  const ours = oursAt(deployment, licenseFile, key);
  const raw = rawAt(watcher, requests, { licenseFile: rawFile, headers: ours.headers });
  const pairs = await contest({ rounds: SWAPS, warmUps: 1, ours: swaps(load, ours, rest), raw: swaps(load, raw, rest) });
  return [
    delayFigure(pairs, { name: "renewal.server", title: "New license file to License Server", limitMs: SERVER_MS_MAX }, ({ serverMs }) => serverMs),
    delayFigure(pairs, { name: "renewal.clients", title: "New license file to the last client", limitMs: CLIENT_MS_MAX }, ({ clientsMs }) => clientsMs),
    requestsFigure(pairs),
  ];
}

export const hotRenewal: Bench = { name: "renewal", title: "Hot renewal", measure };

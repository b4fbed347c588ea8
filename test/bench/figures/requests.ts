/** Requests as scripts and verifiers send them: a gated call with an `sk-` key, and the issuer's two public documents. */
import { join } from "node:path";
import { foundTeam } from "../administrator.ts";
import { type Deployment, startDeployment } from "../deployment.ts";
import { atLeast, type Bench, compared, type Figure, type Place } from "../figure.ts";
import { type Load, startLoad } from "../load/load.ts";
import { loadRounds, medianLatency, processorNotes, type Target } from "../load/rounds.ts";
import { type RawServer, startRaw } from "../raw/process.ts";
import { column } from "../rounds.ts";

const CONNECTIONS = 32;
const ROUND_SECONDS = 1.2;
const ROUNDS = 5;
const DOCUMENTS_PER_SECOND_MIN = 10_000;

/** Gated requests in a row that are made with the key; also the key that the raw loop knows. */
export const WORKFLOWS_PATH = "/api/v1/r/workflows";

interface Subject {
  readonly name: string;
  readonly title: string;
  readonly rawLoop: string;
  readonly ours: string;
  readonly raw: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
  /** Requests per second that are promised. */
  readonly perSecondMin?: number;
}

interface Rig {
  readonly deployment: Deployment;
  readonly raw: RawServer;
  readonly load: Load;
}

async function throughput({ deployment, raw, load }: Rig, subject: Subject): Promise<Figure> {
  const target = (pid: number, url: string): Target => ({
    pid,
    run: () => load.run({ kind: "requests", url, headers: subject.headers, connections: CONNECTIONS, seconds: ROUND_SECONDS }),
  });
  const pairs = await loadRounds({
    rounds: ROUNDS,
    warmUps: 1,
    ours: target(deployment.process.pid, subject.ours),
    raw: target(raw.process.pid, subject.raw),
  });
  const rates = compared(column(pairs, ({ perSecond }) => perSecond));
  return {
    name: subject.name,
    title: subject.title,
    unit: "requests/s",
    rawLoop: subject.rawLoop,
    ...rates,
    latencyMs: medianLatency(pairs),
    bars: subject.perSecondMin === undefined ? [] : [atLeast("median of requests/s", subject.perSecondMin, rates.ours.median)],
    notes: [...subject.notes, ...processorNotes(pairs, "request")],
  };
}

function subjects({ deployment: { addresses }, raw }: Rig, key: string): readonly Subject[] {
  const fixed = { raw: new URL("/static", raw.url).href, headers: {}, perSecondMin: DOCUMENTS_PER_SECOND_MIN, rawLoop: "Bun.serve with one prepared Response of the same document", notes: [] };
  return [
    {
      name: "request.gated",
      title: `Gated request with an sk- key, ${CONNECTIONS} connections`,
      rawLoop: "Bun.serve: HMAC-SHA-256 of the key, two prepared look-ups in bun:sqlite, JSON; no license, no team rules, no list of pages",
      ours: new URL(WORKFLOWS_PATH, addresses.api).href,
      raw: new URL("/workflows", raw.url).href,
      headers: { authorization: `Bearer ${key}` },
      notes: ["Ours checks the key's form and its row, the operation's row, the lease, and reads one page of workflows in a transaction."],
    },
    { ...fixed, name: "request.discovery", title: `OpenID discovery, ${CONNECTIONS} connections`, ours: new URL("/.well-known/openid-configuration", addresses.issuer).href },
    { ...fixed, name: "request.jwks", title: `JWKS, ${CONNECTIONS} connections`, ours: new URL("/.well-known/jwks.json", addresses.issuer).href },
  ];
}

async function document(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the issuer answered ${response.status}`);
  return await response.text();
}

/** The raw loop of requests, which knows `key` and serves `content`. */
export function startRawRequests({ scratch }: Place, key: string, content = "{}"): Promise<RawServer> {
  return startRaw("request-server", scratch, [join(scratch, "raw.db"), key, content]);
}

export const requests: Bench = {
  name: "requests",
  title: "Requests",
  async measure(place) {
    await using deployment = await startDeployment({ executable: join(place.dist, "cyberun"), dataDir: join(place.scratch, "data") });
    const { issuer } = deployment.addresses;
    const key = await foundTeam(deployment);
    await using raw = await startRawRequests(place, key, await document(new URL("/.well-known/openid-configuration", issuer).href));
    await using load = startLoad();
    const rig = { deployment, raw, load };
    const figures: Figure[] = [];
    for (const subject of subjects(rig, key)) figures.push(await throughput(rig, subject));
    return figures;
  },
};

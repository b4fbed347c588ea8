/** Lease renewals over HTTP against the License Server of the compiled executable. */
import { join } from "node:path";
import { dataDirectory } from "../../../src/data-directory.ts";
import { startDeployment } from "../deployment.ts";
import { atLeast, atMost, type Bench, compared, type Figure } from "../figure.ts";
import { type Load, startLoad } from "../load/load.ts";
import { loadRounds, medianLatency, processorNotes, type Target } from "../load/rounds.ts";
import { column } from "../rounds.ts";
import { startRaw } from "../raw/process.ts";

const CLIENTS = 16;
const ROUND_SECONDS = 2.5;
const ROUNDS = 6;
const RENEWALS_PER_SECOND_MIN = 3_000;
const P99_MS_MAX = 25;
const RATIO_MIN = 0.4;

function renewals(load: Load, url: string, enrolSecret: string) {
  return () => load.run({ kind: "renewals", url, enrolSecret, clients: CLIENTS, seconds: ROUND_SECONDS });
}

async function figure(targets: { readonly ours: Target; readonly raw: Target }): Promise<Figure> {
  const pairs = await loadRounds({ rounds: ROUNDS, warmUps: 1, ...targets });
  const numbers = compared(column(pairs, ({ perSecond }) => perSecond));
  const latencyMs = medianLatency(pairs);
  return {
    name: "lease.renewals",
    title: `Lease renewals, ${CLIENTS} clients on ${CLIENTS} connections`,
    unit: "renewals/s",
    rawLoop: "Bun.serve with the same request: one verification, one lease row in a shared durable commit, one signature, JSON; no check of form, clock or enrolment",
    ...numbers,
    latencyMs,
    bars: [
      atLeast("renewals/s, median", RENEWALS_PER_SECOND_MIN, numbers.ours.median),
      atMost("p99 in ms", P99_MS_MAX, latencyMs.ours.p99),
      atLeast("ratio, median", RATIO_MIN, numbers.ratio.median),
    ],
    notes: [
      "One renewal is one request, as the roles of the product make it: a proof that answers the challenge which came with the lease before; one signature of the client, one verification, one durable commit with the ledger row, one signature of the server. Every client is enrolled with a key of its own.",
      "Three processes (server, raw loop, load generator) share the cores; the one that is not measured stands idle. The generator writes prepared requests to raw sockets and judges each client's last lease after the clock has stopped.",
      ...processorNotes(pairs, "renewal"),
    ],
  };
}

export const leaseRenewals: Bench = {
  name: "leases",
  title: "Lease renewals",
  async measure({ dist, scratch }) {
    const dataDir = join(scratch, "data");
    await using deployment = await startDeployment({ executable: join(dist, "cyberun"), dataDir });
    const license = dataDirectory(dataDir).licenseFile;
    await using raw = await startRaw("lease-server", scratch, [join(scratch, "raw.db"), license]);
    await using load = startLoad();
    const ours = renewals(load, deployment.addresses.license, dataDirectory(dataDir).enrolSecret);
    return [
      await figure({
        ours: { pid: deployment.process.pid, run: ours },
        raw: { pid: raw.process.pid, run: renewals(load, raw.url, "") },
      }),
    ];
  },
};

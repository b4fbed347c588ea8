/**
 * `npm run bench`: takes every figure beside its raw loop and writes `test-output/bench.json` and `test-output/bench.md`.
 *
 *     --only NAME,…    only these: start, leases, entitlement, renewal, store, requests, keys, sign-in, issuer, gateway,
 *                     back-pressure, backup
 *     --date DATE      the date in the report (default: now)
 *     --publish        put the figures into docs/performance.md as well; only with all of them
 *
 * Rule: tells, never judges. A bar that is not held is shown and the exit code stays 0; a figure that could not be taken
 * is named with the reason, and then the exit code is 1. What is measured is `dist/`, which is built first.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { backups } from "./figures/backup.ts";
import { backPressure } from "./figures/back-pressure.ts";
import { commandAnswers } from "./figures/commands.ts";
import { dashboardLoads } from "./figures/dashboard.ts";
import { entitlementCheck } from "./figures/entitlement.ts";
import { issuerTokens } from "./figures/issuer.ts";
import { keyChecks } from "./figures/keys.ts";
import { leaseRenewals } from "./figures/leases.ts";
import { gatewayLoad } from "./figures/gateway.ts";
import { mcpCalls } from "./figures/mcp.ts";
import { hotRenewal } from "./figures/renewal.ts";
import { requests } from "./figures/requests.ts";
import { passwordSignIn } from "./figures/sign-in.ts";
import { starts } from "./figures/start.ts";
import { storeWrites } from "./figures/store.ts";
import { type Bench, isMissing, isTaken, type Outcome } from "./figure.ts";
import { readMachine, readVersions, watchOthers } from "./machine.ts";
import { markdown, published, type Report } from "./report.ts";
import { shown } from "./table.ts";

const benches: readonly Bench[] = [starts, commandAnswers, leaseRenewals, entitlementCheck, hotRenewal, storeWrites, requests, keyChecks, passwordSignIn, issuerTokens, gatewayLoad, backPressure, mcpCalls, dashboardLoads, backups];

const root = dirname(dirname(import.meta.dir));
const dist = join(root, "dist");
const output = join(root, "test-output");
const page = join(root, "docs", "performance.md");
const scratches = join(output, "scratch");

function say(line: string): void {
  console.log(`cyberun: ${line}`);
}

function chosen(only: string | undefined): readonly Bench[] {
  if (only === undefined) return benches;
  const names = only.split(",");
  const known = benches.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`there is no figure ${unknown.join(", ")}; there are ${known.join(", ")}`);
  return benches.filter(({ name }) => names.includes(name));
}

function tell(outcome: Outcome): void {
  if (isMissing(outcome)) return say(`  ${outcome.title}: not taken: ${outcome.missing}`);
  const { title, unit, ours, ratio, bars } = outcome;
  const beside = ratio === undefined ? "" : `, ${shown(ratio.median)} of raw`;
  const missed = bars.filter(({ held }) => !held).map(({ demand }) => `; not held: ${demand}`);
  say(`  ${title}: ${shown(ours.median)} ${unit}${beside}${missed.join("")}`);
}

/** Each bench has a folder of its own on the disk of the checkout, not in memory: flushes are part of the figures. */
async function take(bench: Bench): Promise<readonly Outcome[]> {
  const scratch = mkdtempSync(join(scratches, "bench-"));
  say(bench.title);
  try {
    return await bench.measure({ dist, scratch, say });
  } catch (error) {
    return [{ name: bench.name, title: bench.title, missing: error instanceof Error ? error.message : String(error) }];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function report(wanted: readonly Bench[], date: string): Promise<Report> {
  const startedAtMs = performance.now();
  const machine = readMachine(output);
  const othersSince = watchOthers();
  const figures: Outcome[] = [];
  for (const bench of wanted) {
    const outcomes = await take(bench);
    outcomes.forEach(tell);
    figures.push(...outcomes);
  }
  const versions = readVersions(join(dist, "cyberun"));
  const tookSeconds = (performance.now() - startedAtMs) / 1_000;
  return { date, tookSeconds, othersShare: othersSince(), machine, versions, figures };
}

const { values } = parseArgs({ options: { only: { type: "string" }, date: { type: "string" }, publish: { type: "boolean" } } });
if (values.publish === true && values.only !== undefined) throw new Error("--publish goes with all figures, not with --only");
if (!existsSync(join(dist, "cyberun"))) throw new Error("dist/cyberun is not there: npm run build makes it, npm run bench does so by itself");
rmSync(scratches, { recursive: true, force: true });
mkdirSync(scratches, { recursive: true });
const made = await report(chosen(values.only), values.date ?? new Date().toISOString());
writeFileSync(join(output, "bench.json"), `${JSON.stringify(made, null, 2)}\n`);
writeFileSync(join(output, "bench.md"), markdown(made));
if (values.publish === true) writeFileSync(page, published(readFileSync(page, "utf8"), made));
say("wrote test-output/bench.json and test-output/bench.md");
process.exitCode = made.figures.every(isTaken) ? 0 : 1;

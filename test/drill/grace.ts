/**
 * Tries to get more out of a lease than its grace: roles without a License Server are stopped, killed and started again,
 * their clocks set forward and back, their state put back to an older copy, from a fixed seed.
 *
 * Two promises are watched. While the clock is never set back, the state is the exact one at every step. Whatever is
 * done, the time in which a role served after its lease was issued adds up to the grace, the vendor's clock tolerance and
 * one second for each kill, at most.
 */
import { copyFileSync, readFileSync } from "node:fs";
import type { LeaseHolder } from "../../src/license/holder/lease-holder.ts";
import { licenseStates } from "../../src/license/entitlements.ts";
import { type LeaseSite, leaseSite } from "../support/lease-site.ts";
import type { LicenseServerDouble } from "../support/license-server-double.ts";
import { seeded } from "./license-fuzz.ts";

/** The long form. */
export const rounds = 300;

const SECOND = 1_000;
const HOUR = 3_600_000;
const STEPS = 40;
const START_AT = 1_767_225_600;

/** What the license says, and how large the deeds are beside it. All in milliseconds. */
interface Scale {
  readonly lease: number;
  readonly grace: number;
  readonly tolerance: number;
  readonly run: number;
  readonly down: number;
  readonly step: number;
}

/** The grace of every real license; the walk takes it in strides. */
const exact: Scale = { lease: 300_000, grace: 86_400_000, tolerance: 90_000, run: 20_000, down: 2 * HOUR, step: HOUR };
/** A grace so short that serving for longer than it is easy, if any trick worked. */
const tricky: Scale = { lease: 30_000, grace: 120_000, tolerance: 5_000, run: 10_000, down: 20_000, step: 0 };

export interface GraceReport {
  readonly name: "grace";
  readonly rounds: number;
  readonly violations: readonly string[];
  readonly facts: Readonly<Record<string, unknown>>;
}

interface Walked {
  readonly violation?: string;
  /** Time served, as a share of the most that may be, where tricks were played: near 1 shows that the limit was reached for. */
  readonly share?: number;
}

type Random = () => number;

/** One role and what has been done to it. */
interface Walk {
  readonly site: LeaseSite;
  readonly server: LicenseServerDouble;
  readonly random: Random;
  readonly mayStepBack: boolean;
  readonly scale: Scale;
  readonly directory: LeaseSite["directory"];
  readonly issuedAtMs: number;
  holder: LeaseHolder;
  servedMs: number;
  kills: number;
}

const between = (random: Random, least: number, most: number) => Math.floor(least + random() * (most - least));

const isOpen = ({ holder }: Walk) => licenseStates[holder.entitlements().state].open;

async function begin(walk: Walk): Promise<void> {
  walk.holder = await walk.site.role("api", [walk.server], { directory: walk.directory });
}

/** Time passes while the role runs; what it served is counted if it still serves at the end. */
function run(walk: Walk, ms: number): void {
  walk.site.services.clock.advance(ms);
  if (isOpen(walk)) walk.servedMs += ms;
}

type Deed = (walk: Walk) => Promise<void> | void;

const deeds: readonly Deed[] = [
  (walk) => run(walk, between(walk.random, 1, walk.scale.run)),
  (walk) => run(walk, between(walk.random, 1, walk.scale.run)),
  async (walk) => {
    await walk.holder.stop();
    walk.site.services.clock.advance(between(walk.random, 0, walk.scale.down));
    await begin(walk);
  },
  async (walk) => {
    walk.site.kill();
    walk.kills += 1;
    walk.site.services.clock.advance(between(walk.random, 0, walk.scale.down));
    await begin(walk);
  },
  (walk) => walk.site.services.clock.stepWall(between(walk.random, 0, walk.scale.step)),
  async (walk) => void (await walk.holder.refresh()),
];

/** The highest time in the role's own file, which whoever sets its clock can read as well. */
function highWaterMs({ directory }: Walk): number {
  return Number(/"high_water_ms":(\d+)/.exec(readFileSync(directory.leaseState("api"), "utf8"))?.[1] ?? 0);
}

/**
 * What somebody does who wants more than the grace: lets the role serve for a while, ends it, and sets the clock back to
 * the issue of the lease, or to where it can still be without being an anomaly.
 */
async function trick(walk: Walk): Promise<void> {
  const { site, random, scale } = walk;
  run(walk, between(random, 1, scale.run));
  if (random() < 0.5) await walk.holder.stop();
  else {
    site.kill();
    walk.kills += 1;
  }
  site.services.clock.advance(between(random, 0, scale.down));
  const places = [walk.issuedAtMs, highWaterMs(walk), highWaterMs(walk) - scale.tolerance, highWaterMs(walk) - between(random, 0, scale.tolerance)];
  site.services.clock.stepWall((places[between(random, 0, places.length)] ?? 0) - site.services.clock.now());
  await begin(walk);
  // Found out: the clock is set right again, as far as needed to go on.
  if (walk.holder.entitlements().state === "clock_anomaly") site.services.clock.stepWall(Math.max(0, highWaterMs(walk) - site.services.clock.now()));
}

function expectedState({ site, issuedAtMs, scale }: Walk): string {
  const ageMs = Math.floor(site.services.clock.now() / SECOND) * SECOND - issuedAtMs;
  if (ageMs < scale.lease) return "ok";
  return ageMs < scale.grace ? "unreachable" : "grace_over";
}

function violationOf(walk: Walk): string | undefined {
  const { state } = walk.holder.entitlements();
  if (!walk.mayStepBack) return state === expectedState(walk) ? undefined : `${state} where ${expectedState(walk)} was due`;
  return walk.servedMs <= limitMs(walk) ? undefined : `served ${walk.servedMs} ms of ${limitMs(walk)}`;
}

/** The most that tricks may bring: a kill loses the time since it was last written, a second at most. */
function limitMs({ scale, kills }: Walk): number {
  return scale.grace + scale.tolerance + kills * SECOND;
}

function serve(site: LeaseSite, server: LicenseServerDouble, { lease, grace, tolerance }: Scale): void {
  const [lease_seconds, grace_seconds, clock_tolerance_seconds] = [lease / SECOND, grace / SECOND, tolerance / SECOND];
  server.license = site.vendor.sign({ lease_seconds, grace_seconds, clock_tolerance_seconds, expires_at: START_AT + 100 * 365 * 86_400 });
}

async function walkOnce(site: LeaseSite, server: LicenseServerDouble, { random, mayStepBack }: Pick<Walk, "random" | "mayStepBack">): Promise<Walked> {
  const directory = site.otherDirectory();
  const scale = mayStepBack ? tricky : exact;
  serve(site, server, scale);
  site.house(server, directory);
  site.services.replaceFetch();
  const holder = await site.role("api", [server], { directory });
  site.services.replaceFetch(() => Promise.reject(new Error("the network is cut")));
  const issuedAtMs = Math.floor(site.services.clock.now() / SECOND) * SECOND;
  const walk: Walk = { site, server, random, mayStepBack, scale, directory, issuedAtMs, holder, servedMs: 0, kills: 0 };
  for (let step = 0; step < STEPS; step++) {
    await (mayStepBack ? trick : deeds[between(random, 0, deeds.length)])?.(walk);
    const violation = violationOf(walk);
    if (violation !== undefined) return { violation };
  }
  await walk.holder.stop();
  return { share: mayStepBack ? walk.servedMs / limitMs(walk) : 0 };
}

/** The exact end of one lease, beside its copy: 23:59:59 and 24:00:00, for a role that was restarted from the copy. */
async function walkCopy(site: LeaseSite, server: LicenseServerDouble): Promise<Walked> {
  const directory = site.otherDirectory();
  serve(site, server, exact);
  site.house(server, directory);
  site.services.replaceFetch();
  const first = await site.role("api", [server], { directory });
  await first.stop();
  const path = directory.leaseState("api");
  copyFileSync(path, `${path}.copy`);
  site.services.clock.advance(3 * HOUR);
  await (await site.role("api", [server], { directory })).stop();
  copyFileSync(`${path}.copy`, path);
  site.services.replaceFetch(() => Promise.reject(new Error("the network is cut")));
  site.services.clock.advance(exact.grace - 3 * HOUR - SECOND);
  const early = await site.role("api", [server], { directory });
  const { state: before } = early.entitlements();
  await early.stop();
  site.services.clock.advance(SECOND);
  const late = await site.role("api", [server], { directory });
  const { state: after } = late.entitlements();
  await late.stop();
  return before === "unreachable" && after === "grace_over" ? {} : { violation: `${before} and ${after} around the end of a copied lease` };
}

/** Walks `rounds` roles to the end of their grace; every tenth starts from a copy of its own older state. */
export async function drill(rounds: number): Promise<GraceReport> {
  const violations: string[] = [];
  const random = seeded(86_400);
  let longest = 0;
  await using site = leaseSite();
  const server = site.server();
  server.answer = (path) => (path === "/v1/changes" ? new Response("", { status: 404 }) : undefined);
  for (let round = 0; round < rounds; round++) {
    const { violation, share = 0 } = round % 10 === 9 ? await walkCopy(site, server) : await walkOnce(site, server, { random, mayStepBack: round % 2 === 1 });
    if (violation !== undefined) violations.push(`round ${round}: ${violation}`);
    longest = Math.max(longest, share);
  }
  return { name: "grace", rounds, violations, facts: { steps_each: STEPS, longest_share_of_limit: Number(longest.toFixed(3)) } };
}

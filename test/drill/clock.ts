/**
 * The matrix of clock steps, against a whole License Server with a living client: every step back beyond the vendor's
 * tolerance is flagged within one look at the clock, none within it is, and an expired license never revives.
 *
 * The short form walks the published cells; the long form goes on with random lives: passing time, steps, restarts,
 * kills and lost stores in any order.
 */
import { TestSite } from "../support/license-server.ts";
import { testVendor } from "../support/license.ts";
import type { DrillReport } from "./report.ts";
import { seeded } from "./license-fuzz.ts";

export const rounds = 200;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const NOW = Date.UTC(2026, 0, 1) / 1_000;
const vendor = testVendor();

export const steps = { "2 minutes": 2 * MINUTE_MS, "1 hour": HOUR_MS, "30 days": 30 * DAY_MS, "2 years": 730 * DAY_MS } as const;
export const tolerances = [60, 300, 3_600] as const;

type Situation = (site: TestSite, backMs: number) => Promise<void>;

/** Each does the step and lets the server look once. */
export const situations = {
  live: (site, backMs) => site.step(-backMs),
  "over a restart": async (site, backMs) => {
    await site.restart({ between: () => site.services.clock.stepWall(-backMs) });
  },
  "over a kill": async (site, backMs) => {
    await site.client().lease();
    await site.restart({ kill: true, between: () => site.services.clock.stepWall(-backMs) });
  },
  "with the store lost": async (site, backMs) => {
    await site.restart({
      between: async () => {
        await site.wipe({ marks: false });
        site.services.clock.stepWall(-backMs);
      },
    });
  },
  "with all state lost and a client alive": async (site, backMs) => {
    const client = site.client();
    await client.lease();
    await site.restart({
      between: async () => {
        await site.wipe({ marks: true });
        site.services.clock.stepWall(-backMs);
      },
    });
    await client.lease();
  },
  "after the same step forward": async (site, backMs) => {
    await site.step(backMs);
    await site.step(-backMs);
  },
  "after the same step forward, over a restart": async (site, backMs) => {
    await site.step(backMs);
    await site.restart({ between: () => site.services.clock.stepWall(-backMs) });
  },
} satisfies Record<string, Situation>;

export interface Cell {
  readonly situation: Situation;
  readonly backMs: number;
  readonly toleranceSeconds: number;
}

/** Walks one cell; true when the server is in `clock_anomaly` after it. */
export async function isFlagged({ situation, backMs, toleranceSeconds }: Cell): Promise<boolean> {
  const license = vendor.sign({ issued_at: 0, not_before: 0, expires_at: NOW + 3_000 * 86_400, clock_tolerance_seconds: toleranceSeconds });
  await using site = await TestSite.start({ license });
  await site.client().lease();
  await site.pass(2 * MINUTE_MS, 10_000);
  await situation(site, backMs);
  return site.state === "clock_anomaly";
}

/** The published matrix; one sentence for each cell that came out wrong. */
export async function walkMatrix(): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const [name, situation] of Object.entries(situations)) {
    for (const [step, backMs] of Object.entries(steps)) {
      for (const toleranceSeconds of tolerances) {
        const expected = backMs > toleranceSeconds * 1_000;
        if ((await isFlagged({ situation, backMs, toleranceSeconds })) === expected) continue;
        wrong.push(`a step back of ${step} ${name} at a tolerance of ${toleranceSeconds} s was ${expected ? "not flagged" : "flagged"}`);
      }
    }
  }
  return wrong;
}

const TOLERANCE_SECONDS = 60;
const TERM_MS = 30 * MINUTE_MS;
const TURNS = 12;
const TURN_MS_MAX = 10 * MINUTE_MS;

/** One random life, in which the clock is set back again and again to outlive a license of half an hour. Gives the open time it got. */
async function openTimeOf(seed: number): Promise<number> {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const license = vendor.sign({ issued_at: NOW - 1, not_before: NOW - 1, expires_at: NOW + TERM_MS / 1_000, clock_tolerance_seconds: TOLERANCE_SECONDS });
  await using site = await TestSite.start({ license });
  const client = site.client();
  const isOpen = () => site.state === "ok" || site.state === "expiring";
  let openMs = 0;
  for (let turn = 0; turn < TURNS; turn += 1) {
    await client.lease();
    const ms = below(TURN_MS_MAX);
    const wasOpen = isOpen();
    await site.pass(ms, 15_000);
    if (wasOpen && isOpen()) openMs += ms;
    site.services.clock.stepWall(-below(random() < 0.5 ? TOLERANCE_SECONDS * 1_000 : 2 * ms));
    const fate = below(6);
    if (fate === 0) await site.restart({ kill: true });
    if (fate === 1) await site.restart();
    if (fate === 2) await site.restart({ between: () => site.wipe({ marks: true }) });
  }
  return openMs;
}

export async function drill(count: number): Promise<DrillReport> {
  const violations = [...(await walkMatrix())];
  let longestMs = 0;
  for (let life = 0; life < count; life += 1) {
    const openMs = await openTimeOf(life);
    longestMs = Math.max(longestMs, openMs);
    // The term, and for a step that fell together with lost state one tolerance at most.
    if (openMs > TERM_MS + TURNS * TOLERANCE_SECONDS * 1_000) violations.push(`life ${life}: a license of 30 minutes was open for ${Math.ceil(openMs / MINUTE_MS)}`);
  }
  const cells = Object.keys(situations).length * Object.keys(steps).length * tolerances.length;
  return { name: "clock", rounds: count, violations: violations.slice(0, 20), facts: { cells, term_minutes: TERM_MS / MINUTE_MS, longest_open_minutes: (longestMs / MINUTE_MS).toFixed(1) } };
}

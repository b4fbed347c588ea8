/**
 * Random schedules of an honest client that loses answers and repeats, in time: it is never locked out, and there is never
 * more than one live token. Then a thief repeats too late, and the lineage ends.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { presets } from "../../src/lifetimes.ts";
import { type Flow, startFlow } from "../support/code-flow.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

const GRACE_MS = presets.onprem.refreshGraceSeconds * 1_000;

const SCHEDULES = 40;
const STEPS = 6;

let site: TestRoles;
let flow: Flow;
beforeAll(async () => {
  site = await startRoles();
  flow = await startFlow(site);
});
afterAll(() => site.close());

/** Repeatable numbers below `below`. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

/** The most tokens that any one lineage has unused. */
async function liveTokens(): Promise<number> {
  const rows = await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.oidcRefreshTokens));
  const unused = Map.groupBy(rows.filter(({ used_at }) => used_at === null), ({ grant_id }) => grant_id);
  return Math.max(...[...unused.values()].map(({ length }) => length));
}

/** One use of `token`, by one to three processes of the client, of which some answers are lost. */
async function use(token: string, roll: (below: number) => number): Promise<string> {
  const answers = await Promise.all(Array.from({ length: 1 + roll(3) }, () => flow.refresh(token)));
  const lost = roll(3) === 0;
  site.world.services.clock.advance(lost ? roll(GRACE_MS) : 0);
  const final = lost ? await flow.refresh(token) : answers[0];
  expect([...answers.map(({ status }) => status), final?.status].every((status) => status === 200)).toBe(true);
  const tokens = new Set([...answers, final].map((answer) => answer?.body["refresh_token"]));
  expect(tokens.size).toBe(1);
  return String(final?.body["refresh_token"]);
}

test("an honest client is never locked out, and a thief never goes on beside it", async () => {
  for (let seed = 1; seed <= SCHEDULES; seed += 1) {
    const roll = dice(seed);
    const used: string[] = [];
    let token = String((await flow.tokens({ scope: "openid offline_access" }))["refresh_token"]);
    for (let step = 0; step < STEPS; step += 1) {
      used.push(token);
      token = await use(token, roll);
      site.world.services.clock.advance(roll(4) * GRACE_MS);
    }
    site.world.services.clock.advance(GRACE_MS + 1);
    const stolen = used[roll(used.length)] ?? "";
    expect([seed, (await flow.refresh(stolen)).status, (await flow.refresh(token)).status]).toEqual([seed, 400, 400]);
  }
  expect(await liveTokens()).toBe(1);
});

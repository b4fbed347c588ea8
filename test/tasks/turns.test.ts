/** Whose turn it is: fairness between teams, places and kinds, without a store. */
import { expect, test } from "bun:test";
import type { Claimant } from "../../src/tasks/claim.ts";
import { type Place, Turns } from "../../src/tasks/turns.ts";

function place(teamId: string, agentId: string, { free = 1, labels = [] }: { readonly free?: number; readonly labels?: readonly string[] } = {}): Place {
  const claimant: Claimant = { teamId, agentId, sessionId: agentId, gatewayId: "gw", labels, gpuType: null };
  return { claimant, kind: labels.toSorted().join(","), free, offer: () => {} };
}

/** Tasks by team, or by team and label; what is picked is taken away when `take` is called. */
function tasks(counts: Record<string, number>) {
  const keyOf = ({ teamId, labels }: Claimant) => (labels.length === 0 ? teamId : `${teamId}/${labels.join(",")}`);
  return {
    count: async (claimant: Claimant) => Math.min(counts[keyOf(claimant)] ?? 0, 16),
    take: (picked: readonly { readonly place: Place }[]) => picked.forEach(({ place: { claimant } }) => (counts[keyOf(claimant)] = (counts[keyOf(claimant)] ?? 0) - 1)),
  };
}

const many = (teamId: string, count: number) => Array.from({ length: count }, (_, index) => place(teamId, `${teamId}-${index}`));

test("a team with ten thousand tasks leaves the turn to one with a single task", async () => {
  const { count } = tasks({ large: 10_000, small: 1 });
  const turns = new Turns([{ teamId: "large", held: 0, places: many("large", 100) }, { teamId: "small", held: 0, places: many("small", 1) }], count);
  const picked = await turns.pick(16);
  expect(picked.slice(0, 2).map(({ teamId }) => teamId).toSorted()).toEqual(["large", "small"]);
  expect(picked.length).toBe(16);
});

test("the team that holds fewest is served first, until it holds as many", async () => {
  const { count } = tasks({ a: 100, b: 100 });
  const turns = new Turns([{ teamId: "a", held: 6, places: many("a", 50) }, { teamId: "b", held: 0, places: many("b", 50) }], count);
  const picked = (await turns.pick(16)).map(({ teamId }) => teamId);
  expect(picked.slice(0, 6)).toEqual(Array.from({ length: 6 }, () => "b"));
  expect(picked.slice(6).filter((teamId) => teamId === "a").length).toBe(5);
});

test("the agent with the most free places is picked, and none beyond its places", async () => {
  const { count, take } = tasks({ a: 5 });
  const turns = new Turns([{ teamId: "a", held: 0, places: [place("a", "one"), place("a", "three", { free: 3 })] }], count);
  const picked = await turns.pick(16);
  take(picked);
  expect(picked.map(({ place: { claimant } }) => claimant.agentId)).toEqual(["three", "three", "one", "three"]);
  expect([await turns.pick(16), turns.isOver]).toEqual([[], true]);
});

test("what was counted is not all: the next pick counts anew", async () => {
  const { count, take } = tasks({ a: 40 });
  const turns = new Turns([{ teamId: "a", held: 0, places: many("a", 100) }], count);
  const sizes: number[] = [];
  for (let picked = await turns.pick(32); picked.length > 0; picked = await turns.pick(32)) {
    take(picked);
    sizes.push(picked.length);
  }
  expect([sizes, turns.isOver]).toEqual([[16, 16, 8], true]);
});

test("agents of a kind for which there is nothing are asked about once, and stand in nobody's way", async () => {
  const asked: string[] = [];
  const { count } = tasks({ "a/gpu": 2 });
  const places = [place("a", "cpu-1", { free: 8, labels: ["cpu"] }), place("a", "cpu-2", { free: 8, labels: ["cpu"] }), place("a", "gpu-1", { labels: ["gpu"] })];
  const turns = new Turns([{ teamId: "a", held: 0, places }], (claimant) => (asked.push(claimant.agentId), count(claimant)));
  expect((await turns.pick(16)).map(({ place: { claimant } }) => claimant.agentId)).toEqual(["gpu-1"]);
  expect(asked).toEqual(["cpu-1", "gpu-1"]);
});

test("agents of a kind whose claim found nothing get no more; others of the team do", async () => {
  const { count } = tasks({ a: 10, "a/gpu": 10 });
  const turns = new Turns([{ teamId: "a", held: 0, places: [place("a", "plain", { free: 9 }), place("a", "gpu", { free: 3, labels: ["gpu"] })] }], count);
  const [first] = await turns.pick(1);
  expect(first?.place.claimant.agentId).toBe("plain");
  if (first !== undefined) turns.retire(first);
  expect((await turns.pick(16)).map(({ place: { claimant } }) => claimant.agentId)).toEqual(["gpu", "gpu", "gpu"]);
  expect([await turns.pick(16), turns.isOver]).toEqual([[], true]);
});

/** The gate on a real store: the order in which it refuses, and the audit row that shares the fate of its deed. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Fault } from "../../src/fault.ts";
import type { Caller } from "../../src/gate/caller.ts";
import { command, type CommandAct, procedure, query, Refused } from "../../src/gate/operation.ts";
import type { OperationName } from "../../src/gate/operations.ts";
import { auditRows, type TestGate, testGate } from "../support/gate.ts";
import { codeOf, refusalOf, shutStates } from "../support/refusal.ts";

let world: TestGate;
let ran: number;

beforeAll(async () => void (world = await testGate()));
afterAll(() => world.close());
beforeEach(() => {
  ran = 0;
  world.license({});
});

const ID = "00000000-0000-7000-8000-00000000000f";
const person: Caller = { kind: "user", userId: ID, sessionId: ID, isAdministrator: false, teamId: ID, address: "192.0.2.7" };
const stranger: Caller = { kind: "anonymous" };
const agent: Caller = { kind: "agent", credentialId: ID, teamId: ID };

/** Writes a team, so that one can see whether the deed was done. */
async function insertTeam({ writer, services }: CommandAct): Promise<string> {
  ran += 1;
  const id = services.random.uuid();
  await writer.insert(writer.tables.teams).values({ id, display_name: "Deed", created_at: services.clock.now() });
  return id;
}

async function teamCount(): Promise<number> {
  return (await world.store.read(async (reader) => await reader.select().from(reader.tables.teams))).length;
}

/** How many rows of audit and of deeds `attempt` leaves behind. */
async function left(attempt: () => Promise<unknown>): Promise<{ readonly audit: number; readonly deeds: number }> {
  const before = { audit: (await auditRows(world.store)).length, deeds: await teamCount() };
  await attempt();
  return { audit: (await auditRows(world.store)).length - before.audit, deeds: (await teamCount()) - before.deeds };
}

describe("the order of refusals", () => {
  const gated = command("team.create", async (act, _input: undefined) => {
    await insertTeam(act);
    throw new Fault("conflict", "The domain refuses.");
  });
  const off = { features: { account: { manual_team_creation: false } } } as const;

  test("a stranger is told to show a credential, whatever else is wrong", async () => {
    world.license({ state: "expired", ...off });
    expect(await codeOf(gated(world.gate, stranger, undefined))).toBe("unauthenticated");
  });

  test("the wrong kind of credential is told so before the license is looked at", async () => {
    world.license({ state: "expired", ...off });
    const refused = await refusalOf(gated(world.gate, agent, undefined));
    expect([refused.code, refused.hint, refused.details]).toEqual(["forbidden", "It accepts: user, device.", { operation: "team.create" }]);
  });

  test.each(shutStates)("the state %s comes before the feature", async (state) => {
    world.license({ state, ...off });
    const refused = await refusalOf(gated(world.gate, person, undefined));
    expect([refused.code, refused.status, refused.details?.["state"]]).toEqual([state, 503, state]);
  });

  test.each(["ok", "expiring", "unreachable"] as const)("in the state %s the feature decides, before the domain", async (state) => {
    world.license({ state, ...off });
    const refused = await refusalOf(gated(world.gate, person, undefined));
    expect([refused.code, refused.status, refused.details]).toEqual(["feature_disabled", 403, { feature: "manual_team_creation", namespace: "account", mended_by: "vendor" }]);
  });

  test("a feature of the same name in another namespace opens nothing", async () => {
    world.license({ features: { ...off.features, team: { manual_team_creation: true }, global: { manual_team_creation: true } } });
    expect(await codeOf(gated(world.gate, person, undefined))).toBe("feature_disabled");
  });

  test("only then is the domain asked", async () => {
    expect(ran).toBe(0);
    expect(await codeOf(gated(world.gate, person, undefined))).toBe("conflict");
    expect(ran).toBe(1);
  });

  test("no refusal at the gate leaves a trace in the store", async () => {
    world.license({ state: "missing" });
    const attempts = [stranger, agent, person].map((caller) => async () => void (await refusalOf(gated(world.gate, caller, undefined))));
    for (const attempt of attempts) expect(await left(attempt)).toEqual({ audit: 0, deeds: 0 });
    expect(ran).toBe(0);
  });

  test("a core operation runs in every state", async () => {
    const core = query("team.list", async ({ reader }, _input: undefined) => (await reader.select().from(reader.tables.deployments)).length);
    for (const state of shutStates) {
      world.license({ state });
      expect(await core(world.gate, person, undefined)).toBe(0);
    }
  });
});

describe("the audit row", () => {
  test("tells operation, outcome, actor, team, address, time and what the command noted", async () => {
    const noted = command("credential.revoke", async (act, _input: undefined) => {
      act.note({ subject: "credential:a" });
      act.note({ details: { reason: "test" } });
      return await insertTeam(act);
    });
    expect(await left(() => noted(world.gate, person, undefined))).toEqual({ audit: 1, deeds: 1 });
    expect((await auditRows(world.store)).at(-1)).toMatchObject({
      at: world.services.clock.now(),
      operation: "credential.revoke",
      outcome: "done",
      actor: `user:${ID}`,
      team_id: ID,
      subject: "credential:a",
      address: "192.0.2.7",
      details: '{"reason":"test"}',
    });
  });

  const failures: readonly [string, () => Error][] = [
    ["a Fault", () => new Fault("conflict", "no")],
    ["a bug", () => new Error("bug")],
  ];
  test.each(failures)("goes with its deed when %s is thrown: neither is left", async (_name, failure) => {
    const thrown = command("credential.revoke", async (act, _input: undefined) => {
      await insertTeam(act);
      throw failure();
    });
    expect(await left(() => thrown(world.gate, person, undefined).catch(() => {}))).toEqual({ audit: 0, deeds: 0 });
    expect(ran).toBe(1);
  });

  test("of a refusal that is remembered is committed, and then the Fault is thrown", async () => {
    const remembered = command("session.create", async (act, _input: undefined) => {
      await insertTeam(act);
      return new Refused(new Fault("unauthenticated", "wrong"));
    });
    expect(await left(async () => expect(await codeOf(remembered(world.gate, stranger, undefined))).toBe("unauthenticated"))).toEqual({ audit: 1, deeds: 1 });
    expect((await auditRows(world.store)).at(-1)).toMatchObject({ operation: "session.create", outcome: "refused", actor: "anonymous", team_id: null });
  });

  test("is not written for operations that keep a ledger of their own", async () => {
    const ledger = command("license.mark_time", async (act, _input: undefined) => await insertTeam(act));
    expect(await left(() => ledger(world.gate, { kind: "system" }, undefined))).toEqual({ audit: 0, deeds: 1 });
  });

  test("is not written for a query", async () => {
    const read = query("team.list", async ({ reader }, _input: undefined) => await reader.select().from(reader.tables.teams));
    expect(await left(() => read(world.gate, person, undefined))).toEqual({ audit: 0, deeds: 0 });
  });

  test("is one for each transaction of a procedure, and each stands for itself", async () => {
    const twice = procedure("session.refresh", async ({ read, write }, _input: undefined) => {
      await write(insertTeam);
      await read(async (reader) => await reader.select().from(reader.tables.teams));
      await write(async (act) => {
        await insertTeam(act);
        throw new Fault("conflict", "no");
      });
    });
    expect(await left(async () => expect(await codeOf(twice(world.gate, stranger, undefined))).toBe("conflict"))).toEqual({ audit: 1, deeds: 1 });
  });
});

describe("what a domain function is given", () => {
  const limitOf = (name: OperationName) =>
    query(name, async ({ limit }, key: string) => [limit({ namespace: "global", key }), limit({ namespace: "team", key })] as const);

  test("quotas come with their namespace: unlimited, capped, disabled, and 0 when they are not listed", async () => {
    world.license({ quotas: { global: { max_teams: 5, none: 0 } } });
    const limits = limitOf("team.list");
    expect(await limits(world.gate, person, "max_teams")).toEqual([5, 0]);
    expect(await limits(world.gate, person, "none")).toEqual([0, 0]);
    expect(await limits(world.gate, person, "max_integration_keys")).toEqual([0, -1]);
    expect(await limits(world.gate, person, "constructor")).toEqual([0, 0]);
  });

  test("a license that changes while an operation runs does not change under it", async () => {
    const slow = query("team.list", async ({ entitlements, limit }, _input: undefined) => {
      world.license({ state: "expired", quotas: { global: { max_teams: 1 } } });
      return [entitlements.state, limit({ namespace: "global", key: "max_teams" })];
    });
    expect(await slow(world.gate, person, undefined)).toEqual(["ok", -1]);
  });

  test("an operation carries its name", () => {
    expect(limitOf("team.list").operation).toBe("team.list");
  });
});

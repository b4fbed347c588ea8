/** A device is paired by a person for one team, gets its keys once, and ends with whatever it stands on. */
import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { removeMember } from "../../src/across/member-removal.ts";
import { findCallerByKey } from "../../src/credentials/authentication.ts";
import { createCredential, listCredentials, revokeCredential } from "../../src/credentials/credentials.ts";
import { listDevices, revokeDevice, revokeOwnDevice } from "../../src/credentials/device-keys.ts";
import { confirmPairing, pollPairing, readPairing, refusePairing, startPairing } from "../../src/credentials/pairing.ts";
import { keyFamilyOf } from "../../src/crypto/tokens.ts";
import type { DeviceCaller, UserCaller } from "../../src/gate/caller.ts";
import type { OperationName } from "../../src/gate/operations.ts";
import { setMemberRole } from "../../src/across/member-role.ts";
import { createTeam } from "../../src/teams/teams.ts";
import { auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { addPerson, anonymous, setUp } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

interface Paired {
  readonly rawKey: string;
  readonly agentKey: string;
  readonly caller: DeviceCaller;
}

const poll = async (world: TestGate, device_code: string) => await pollPairing(world.gate, anonymous, { device_code });

async function isGood(world: TestGate, rawKey: string): Promise<boolean> {
  return (await findCallerByKey(world.gate, rawKey, undefined)) !== undefined;
}

async function pair(world: TestGate, person: UserCaller, device_name = "Laptop"): Promise<Paired> {
  const { device_code, user_code } = await startPairing(world.gate, anonymous, undefined);
  await confirmPairing(world.gate, person, { user_code, device_name });
  const answer = await poll(world, device_code);
  if (answer.status !== "approved") throw new Error("it was not approved");
  const caller = await findCallerByKey(world.gate, answer.raw_key, undefined);
  if (caller?.kind !== "device") throw new Error("the key opens nothing");
  return { rawKey: answer.raw_key, agentKey: answer.agent_key, caller };
}

describe("a pairing", () => {
  test("gives a device key of the person and an agent key of the team, once", async () => {
    await using world = await testGate();
    const { owner, teamId } = await setUp(world.gate);
    const started = await startPairing(world.gate, anonymous, undefined);
    expect(started).toEqual({
      device_code: expect.stringMatching(/^[0-9A-Za-z]{43}$/),
      user_code: expect.stringMatching(/^[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$/),
      verification_uri: `http://localhost:9401/desktop/pair?user_code=${started.user_code}`,
      expires_in: 300,
      interval: 2,
    });
    expect(await poll(world, started.device_code)).toEqual({ status: "pending" });
    expect(await confirmPairing(world.gate, owner, { user_code: started.user_code.toLowerCase().replace("-", " "), device_name: "Laptop" })).toBeUndefined();
    const answer = await poll(world, started.device_code);
    if (answer.status !== "approved") throw new Error("it was not approved");
    expect(Object.keys(answer).toSorted()).toEqual(["agent_key", "raw_key", "status"]);
    expect([keyFamilyOf(answer.raw_key), keyFamilyOf(answer.agent_key)]).toEqual(["dk", "ak"]);
    expect(await findCallerByKey(world.gate, answer.raw_key, undefined)).toMatchObject({ kind: "device", userId: owner.userId, teamId });
    expect(await findCallerByKey(world.gate, answer.agent_key, undefined)).toMatchObject({ kind: "agent", teamId });
    expect(await findCallerByKey(world.gate, answer.agent_key, undefined)).not.toHaveProperty("userId");
    expect(await codeOf(poll(world, started.device_code))).toBe("not_found");
  });

  test("leaves no code and no key in clear anywhere, and no key at all before it is fetched", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const { device_code, user_code } = await startPairing(world.gate, anonymous, undefined);
    await confirmPairing(world.gate, owner, { user_code });
    expect(await world.store.read(async (reader) => await reader.select().from(reader.tables.credentials))).toEqual([]);
    const answer = await poll(world, device_code);
    if (answer.status !== "approved") throw new Error("it was not approved");
    const text = await storeText(world.store);
    for (const secret of [device_code, user_code, user_code.replace("-", ""), answer.raw_key.slice(12), answer.agent_key.slice(12)]) expect(text).not.toContain(secret);
    expect(text).toContain(answer.raw_key.slice(0, 12));
    expect(JSON.stringify(await auditRows(world.store))).toContain(answer.agent_key.slice(0, 12));
  });

  test("is delivered to exactly one of 20 polls side by side", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const { device_code, user_code } = await startPairing(world.gate, anonymous, undefined);
    await confirmPairing(world.gate, owner, { user_code });
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => poll(world, device_code)));
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const codes = await Promise.all(answers.flatMap((answer) => (answer.status === "rejected" ? [codeOf(Promise.reject(answer.reason))] : [])));
    expect(codes).toEqual(Array.from({ length: 19 }, () => "not_found"));
    expect(await world.store.read(async (reader) => await reader.select().from(reader.tables.credentials))).toHaveLength(2);
  });

  test("is confirmed by exactly one of 10 confirmations side by side", async () => {
    await using world = await testGate();
    const { owner, teamId } = await setUp(world.gate);
    const { user_code } = await startPairing(world.gate, anonymous, undefined);
    const people = [owner, ...(await Promise.all(Array.from({ length: 9 }, () => addPerson(world.gate, { teamId }))))];
    const codes = await Promise.all(people.map((person) => codeOf(confirmPairing(world.gate, person, { user_code }))));
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    expect(codes.filter((code) => code === "not_found")).toHaveLength(9);
  });

  test("is over after its time, confirmed or not", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const first = await startPairing(world.gate, anonymous, undefined);
    const second = await startPairing(world.gate, anonymous, undefined);
    await confirmPairing(world.gate, owner, { user_code: second.user_code });
    world.services.clock.advance(299_999);
    expect(await poll(world, first.device_code)).toEqual({ status: "pending" });
    world.services.clock.advance(1);
    for (const { device_code } of [first, second]) expect(await codeOf(poll(world, device_code))).toBe("not_found");
    expect(await codeOf(confirmPairing(world.gate, owner, { user_code: first.user_code }))).toBe("not_found");
  });

  test("that was refused is as if it had never been", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const { device_code, user_code } = await startPairing(world.gate, anonymous, undefined);
    expect(await readPairing(world.gate, owner, { user_code })).toEqual({ address: null, asked_at: expect.any(String) });
    await refusePairing(world.gate, owner, { user_code });
    expect(await codeOf(poll(world, device_code))).toBe("not_found");
    expect(await codeOf(confirmPairing(world.gate, owner, { user_code }))).toBe("not_found");
  });

  test("names the device as its person says, or after the day", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    await pair(world, owner, "Büro-Mac");
    await pair(world, owner, "");
    const day = new Date(world.services.clock.now()).toISOString().slice(0, 10);
    expect((await listDevices(world.gate, owner, {})).device_list.map(({ display_name }) => display_name).toSorted()).toEqual(["Büro-Mac", `Desktop (paired ${day})`]);
  });
});

describe("nothing is paired", () => {
  test("by a viewer, an outsider or without a team, and none of them touches the code", async () => {
    await using world = await testGate();
    const { owner, teamId } = await setUp(world.gate);
    const viewer = await addPerson(world.gate, { teamId, role: "viewer" });
    const outsider = { ...(await addPerson(world.gate)), teamId };
    const { user_code } = await startPairing(world.gate, anonymous, undefined);
    const table = [
      [viewer, "forbidden"],
      [outsider, "not_found"],
      [{ ...owner, teamId: undefined }, "team_required"],
    ] as const;
    for (const [person, code] of table) expect(await codeOf(confirmPairing(world.gate, person, { user_code }))).toBe(code);
    expect(await codeOf(confirmPairing(world.gate, await addPerson(world.gate, { teamId }), { user_code }))).toBeUndefined();
  });

  test("by a code that another person has looked at", async () => {
    await using world = await testGate();
    const { owner, teamId } = await setUp(world.gate);
    const { user_code } = await startPairing(world.gate, anonymous, undefined);
    await readPairing(world.gate, owner, { user_code });
    const second = await addPerson(world.gate, { teamId });
    expect(await codeOf(readPairing(world.gate, second, { user_code }))).toBe("not_found");
    expect(await codeOf(confirmPairing(world.gate, second, { user_code }))).toBe("not_found");
    expect(await codeOf(refusePairing(world.gate, second, { user_code }))).toBe("not_found");
    expect(await codeOf(confirmPairing(world.gate, owner, { user_code }))).toBeUndefined();
  });

  test.each(["", "ABCD", "0000-0000", "AB7K-PNQ3-AB7K", "'; drop table", "x".repeat(64)])("by %j, which is no code", async (user_code) => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    expect(await codeOf(confirmPairing(world.gate, owner, { user_code }))).toBe("not_found");
  });

  test.each(["a".repeat(101), "a\u202Eb", "a\nb", " "])("with the name %j, which costs no guess", async (device_name) => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const { user_code } = await startPairing(world.gate, anonymous, undefined);
    for (let time = 0; time < 20; time += 1) {
      expect(await refusalOf(confirmPairing(world.gate, owner, { user_code, device_name }))).toMatchObject({ code: "invalid_request", details: { fields: [{ field: "device_name" }] } });
    }
    expect(await codeOf(confirmPairing(world.gate, owner, { user_code }))).toBeUndefined();
  });

  test.each(["", "x", "a".repeat(43), "sk-AbCd1234_", "\u0000".repeat(43)])("for the device code %j", async (device_code) => {
    await using world = await testGate();
    await setUp(world.gate);
    expect(await codeOf(poll(world, device_code))).toBe("not_found");
  });

  test("without a good license; but what was confirmed before is handed over, and ending devices goes on", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    for (const state of shutStates) {
      world.license({});
      const device = await pair(world, owner);
      const confirmed = await startPairing(world.gate, anonymous, undefined);
      await confirmPairing(world.gate, owner, { user_code: confirmed.user_code });
      const waiting = await startPairing(world.gate, anonymous, undefined);
      world.license({ state });
      expect(await refusalOf(startPairing(world.gate, anonymous, undefined))).toMatchObject({ code: state, status: 503 });
      expect(await refusalOf(confirmPairing(world.gate, owner, { user_code: waiting.user_code }))).toMatchObject({ code: state, status: 503 });
      expect((await poll(world, confirmed.device_code)).status).toBe("approved");
      await refusePairing(world.gate, owner, { user_code: waiting.user_code });
      await revokeOwnDevice(world.gate, device.caller, undefined);
      expect(await isGood(world, device.rawKey)).toBe(false);
    }
  });

  test("beyond the cap of agents, which is told when it is confirmed, and holds when the keys are made", async () => {
    await using world = await testGate({ quotas: { team: { max_agents: 1 } } });
    const { owner } = await setUp(world.gate);
    const first = await startPairing(world.gate, anonymous, undefined);
    const second = await startPairing(world.gate, anonymous, undefined);
    const third = await startPairing(world.gate, anonymous, undefined);
    await confirmPairing(world.gate, owner, { user_code: first.user_code });
    await confirmPairing(world.gate, owner, { user_code: second.user_code });
    expect((await poll(world, first.device_code)).status).toBe("approved");
    expect(await refusalOf(poll(world, second.device_code))).toMatchObject({ code: "quota_exceeded", details: { quota: "max_agents", namespace: "team", limit: 1 } });
    expect(await codeOf(confirmPairing(world.gate, owner, { user_code: third.user_code }))).toBe("quota_exceeded");
    expect(await codeOf(createCredential(world.gate, owner, { kind: "agent", display_name: "x" }))).toBe("quota_exceeded");
    // Nothing was half made, and with room the poll that was refused succeeds.
    expect(await world.store.read(async (reader) => await reader.select().from(reader.tables.credentials))).toHaveLength(2);
    const [device] = (await listDevices(world.gate, owner, {})).device_list;
    await revokeDevice(world.gate, owner, { device_id: device?.id ?? "" });
    expect((await poll(world, second.device_code)).status).toBe("approved");
  });

  test("for a person who was disabled or has left between confirming and fetching", async () => {
    await using world = await testGate();
    const { owner, teamId } = await setUp(world.gate);
    const leaver = await addPerson(world.gate, { teamId });
    const disabled = await addPerson(world.gate, { teamId });
    const demoted = await addPerson(world.gate, { teamId });
    const codes: string[] = [];
    for (const person of [leaver, disabled, demoted]) {
      const { device_code, user_code } = await startPairing(world.gate, anonymous, undefined);
      await confirmPairing(world.gate, person, { user_code });
      codes.push(device_code);
    }
    await removeMember(world.gate, owner, { user_id: leaver.userId });
    await setMemberRole(world.gate, owner, { user_id: demoted.userId, role: "viewer" });
    await world.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ disabled_at: 1 }).where(eq(writer.tables.users.id, disabled.userId))));
    for (const code of codes) expect(await codeOf(poll(world, code))).toBe("not_found");
    expect(await world.store.read(async (reader) => await reader.select().from(reader.tables.credentials))).toEqual([]);
  });

  test.each(["pairing.start", "pairing.poll", "pairing.read", "pairing.confirm", "pairing.refuse", "device.list", "device.revoke", "device.revoke_self"] as const satisfies readonly OperationName[])(
    "by callers that %s does not accept",
    async (name) => {
      await using world = await testGate();
      const input = { user_code: "AB7K-PNQ3", device_code: "a".repeat(43), device_id: "00000000-0000-7000-8000-00000000000f" };
      const call = {
        "pairing.start": (caller: Parameters<typeof startPairing>[1]) => startPairing(world.gate, caller, undefined),
        "pairing.poll": (caller: Parameters<typeof startPairing>[1]) => pollPairing(world.gate, caller, input),
        "pairing.read": (caller: Parameters<typeof startPairing>[1]) => readPairing(world.gate, caller, input),
        "pairing.confirm": (caller: Parameters<typeof startPairing>[1]) => confirmPairing(world.gate, caller, input),
        "pairing.refuse": (caller: Parameters<typeof startPairing>[1]) => refusePairing(world.gate, caller, input),
        "device.list": (caller: Parameters<typeof startPairing>[1]) => listDevices(world.gate, caller, {}),
        "device.revoke": (caller: Parameters<typeof startPairing>[1]) => revokeDevice(world.gate, caller, input),
        "device.revoke_self": (caller: Parameters<typeof startPairing>[1]) => revokeOwnDevice(world.gate, caller, undefined),
      }[name];
      expect(strangersTo(name).length).toBeGreaterThan(4);
      for (const { caller, code } of strangersTo(name)) expect([caller.kind, await codeOf(call(caller))]).toEqual([caller.kind, code]);
    },
  );
});

describe("a device and its agent key end together", () => {
  const ends: readonly (readonly [string, (world: TestGate, owner: UserCaller, device: Paired, person: UserCaller) => Promise<unknown>])[] = [
    ["when the device revokes itself", async (world, _owner, { caller }) => await revokeOwnDevice(world.gate, caller, undefined)],
    ["when its person revokes it", async (world, _owner, { caller }, person) => await revokeDevice(world.gate, person, { device_id: caller.credentialId })],
    ["when another device of its person revokes it", async (world, _owner, { caller }, person) => await revokeDevice(world.gate, (await pair(world, person)).caller, { device_id: caller.credentialId })],
    ["when an admin revokes it among the team's keys", async (world, owner, { caller }) => await revokeCredential(world.gate, owner, { credential_id: caller.credentialId })],
    ["when its person leaves the team", async (world, owner, { caller }) => await removeMember(world.gate, owner, { user_id: caller.userId })],
    ["when its person is disabled", async (world, _owner, { caller }) => {
      await world.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ disabled_at: 1 }).where(eq(writer.tables.users.id, caller.userId))));
    }],
    ["when the membership is gone, however it went", async (world, _owner, { caller }) => {
      await world.store.write(async (writer) => void (await writer.delete(writer.tables.memberships).where(eq(writer.tables.memberships.user_id, caller.userId))));
    }],
  ];
  test.each(ends)("%s", async (_name, end) => {
    await using world = await testGate();
    const { owner, teamId } = await setUp(world.gate);
    const person = await addPerson(world.gate, { teamId });
    const device = await pair(world, person);
    const other = await pair(world, owner);
    expect([await isGood(world, device.rawKey), await isGood(world, device.agentKey)]).toEqual([true, true]);
    await end(world, owner, device, person);
    expect([await isGood(world, device.rawKey), await isGood(world, device.agentKey)]).toEqual([false, false]);
    expect([await isGood(world, other.rawKey), await isGood(world, other.agentKey)]).toEqual([true, true]);
  });

  test("but an agent key that is revoked alone leaves the device", async () => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const device = await pair(world, owner);
    const { credentials } = await listCredentials(world.gate, owner, { kind: "agent" });
    await revokeCredential(world.gate, owner, { credential_id: credentials[0]?.id ?? "" });
    expect([await isGood(world, device.rawKey), await isGood(world, device.agentKey)]).toEqual([true, false]);
  });
});

describe("people and their devices", () => {
  test("see their own of all their teams, newest first, and nobody else's", async () => {
    await using world = await testGate();
    const { owner, teamId } = await setUp(world.gate);
    const second = await createTeam(world.gate, owner, { display_name: "Second" });
    const first = await pair(world, owner, "First");
    world.services.clock.advance(1_000);
    await pair(world, { ...owner, teamId: second.id }, "Second");
    const stranger = await addPerson(world.gate, { teamId });
    await pair(world, stranger, "Foreign");
    const { device_list, page_meta } = await listDevices(world.gate, first.caller, {});
    expect(device_list.map(({ display_name, team_name, is_current, key_status }) => [display_name, team_name, is_current, key_status])).toEqual([
      ["Second", "Second", false, "active"],
      ["First", "First", true, "active"],
    ]);
    expect(Object.keys(device_list[0] ?? {}).toSorted()).toEqual(["created_at", "display_name", "id", "is_current", "key_prefix", "key_status", "last_used_at", "team_id", "team_name"]);
    expect(page_meta).toEqual({ current_page: 1, per_page: 20, total_count: 2 });
    expect((await listDevices(world.gate, owner, { per_page: 1, current_page: 2 })).device_list.map(({ display_name }) => display_name)).toEqual(["First"]);
    await revokeDevice(world.gate, owner, { device_id: first.caller.credentialId });
    expect((await listDevices(world.gate, owner, {})).device_list.map(({ display_name }) => display_name)).toEqual(["Second"]);
  });

  test("revoke no other person's device, no key of another kind and nothing by its key; again changes nothing", async () => {
    await using world = await testGate();
    const { owner, teamId } = await setUp(world.gate);
    const device = await pair(world, owner);
    const stranger = await addPerson(world.gate, { teamId, role: "admin" });
    const { credentials } = await listCredentials(world.gate, owner, { kind: "agent" });
    expect(await codeOf(revokeDevice(world.gate, stranger, { device_id: device.caller.credentialId }))).toBe("not_found");
    expect(await codeOf(revokeDevice(world.gate, owner, { device_id: credentials[0]?.id ?? "" }))).toBe("not_found");
    for (const device_id of [device.rawKey, device.rawKey.slice(0, 12), "", "x"]) {
      const refusal = await refusalOf(revokeDevice(world.gate, owner, { device_id }));
      expect(refusal).toMatchObject({ code: "invalid_request" });
      expect(`${refusal.message} ${refusal.hint}`).not.toContain(device.rawKey.slice(0, 12));
    }
    expect([await isGood(world, device.rawKey), await isGood(world, device.agentKey)]).toEqual([true, true]);
    for (let time = 0; time < 2; time += 1) expect(await codeOf(revokeDevice(world.gate, owner, { device_id: device.caller.credentialId.toUpperCase() }))).toBeUndefined();
    const rows = await world.store.read(async (reader) => await reader.select().from(reader.tables.credentials));
    expect(rows.every(({ revoked_at }) => revoked_at === world.services.clock.now())).toBe(true);
  });
});

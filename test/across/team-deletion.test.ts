import { expect, test } from "bun:test";
import { deleteTeam } from "../../src/across/team-deletion.ts";
import { findCallerByKey } from "../../src/credentials/authentication.ts";
import { readTeam } from "../../src/teams/current-team.ts";
import { listTeams } from "../../src/teams/teams.ts";
import { auditRows, testGate, type TestGate } from "../support/gate.ts";
import { addKey, addPerson, addTeam, setUp } from "../support/people.ts";
import { codeOf, shutStates, strangersTo } from "../support/refusal.ts";

async function rowsNaming({ store }: TestGate, teamId: string): Promise<readonly string[]> {
  return await store.read(async (reader) => {
    const found: string[] = [];
    for (const [name, table] of Object.entries(reader.tables)) {
      if (name !== "audit" && JSON.stringify(await reader.select().from(table)).includes(teamId)) found.push(name);
    }
    return found;
  });
}

test("a team goes with everything it owns, and its keys are good for nothing at once", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  const other = await addPerson(world.gate, { teamId: await addTeam(world.gate), role: "owner" });
  await addPerson(world.gate, { teamId, role: "admin" });
  const keys = [await addKey(world.gate, owner, "integration"), await addKey(world.gate, owner, "agent")];
  const foreign = await addKey(world.gate, other, "integration");
  await world.store.write(async (writer) => {
    const { workflows, invitations } = writer.tables;
    const at = { created_at: 1, updated_at: 1 };
    await writer.insert(workflows).values({ id: "w", team_id: teamId, workflow_slug: "w", display_name: "w", description: "", tool_type: "command", workflow_status: "active", version: 1, definition: "{}", ...at });
    await writer.insert(writer.tables.workflowSnapshots).values({ id: "s", team_id: teamId, workflow_id: "w", workflow_slug: "w", display_name: "w", description: "", tool_type: "command", definition: "{}", workflow_version: 1, snapshot_note: "", created_at: 1 });
    await writer.insert(invitations).values({ id: "i", team_id: teamId, email_address: "a@b.c", email_key: "a@b.c", role: "member", invited_by: owner.userId, is_mailed: false, created_at: 1, expires_at: 2 });
  });
  // Each kind of thing is there before, so that the check below can fail.
  expect(await rowsNaming(world, teamId)).toEqual(expect.arrayContaining(["teams", "memberships", "invitations", "credentials", "workflows"]));
  await deleteTeam(world.gate, owner, undefined);
  expect(await rowsNaming(world, teamId)).toEqual([]);
  for (const { rawKey } of keys) expect(await findCallerByKey(world.gate, rawKey, undefined)).toBeUndefined();
  expect(await findCallerByKey(world.gate, foreign.rawKey, undefined)).toBeDefined();
  expect((await readTeam(world.gate, other, undefined)).id).toBe(other.teamId ?? "");
  expect(await listTeams(world.gate, owner, {})).toMatchObject({ team_list: [] });
  expect((await auditRows(world.store)).at(-1)).toMatchObject({ operation: "team.delete", outcome: "done", team_id: teamId, subject: `team:${teamId}`, details: '{"display_name":"First"}' });
  expect(await codeOf(deleteTeam(world.gate, owner, undefined))).toBe("not_found");
});

test("nobody but the owner deletes a team, in any license state", async () => {
  await using world = await testGate();
  const { owner, teamId } = await setUp(world.gate);
  for (const role of ["admin", "member", "viewer"] as const) expect(await codeOf(deleteTeam(world.gate, await addPerson(world.gate, { teamId, role }), undefined))).toBe("forbidden");
  const foreign = await addTeam(world.gate);
  expect(await codeOf(deleteTeam(world.gate, { ...owner, teamId: foreign }, undefined))).toBe("not_found");
  expect(await codeOf(deleteTeam(world.gate, { ...owner, teamId: undefined }, undefined))).toBe("team_required");
  for (const { caller, code } of strangersTo("team.delete")) expect(await codeOf(deleteTeam(world.gate, caller, undefined))).toBe(code);
  expect(await rowsNaming(world, foreign)).toContain("teams");
  world.license({ state: shutStates[0] ?? "expired" });
  expect(await codeOf(deleteTeam(world.gate, owner, undefined))).toBeUndefined();
});

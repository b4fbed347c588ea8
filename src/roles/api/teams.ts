/** `/teams` and `/members`: teams one has, the one that is spoken in, and who belongs to it. */
import { t } from "elysia";
import { removeMember } from "../../across/member-removal.ts";
import { setMemberRole } from "../../across/member-role.ts";
import { deleteTeam } from "../../across/team-deletion.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { readTeam, transferTeam, updateTeam } from "../../teams/current-team.ts";
import { listMembers } from "../../teams/members.ts";
import { createTeam, listTeams } from "../../teams/teams.ts";
import { pageQuery } from "./page-query.ts";

const Name = t.Object({ display_name: t.String() });

function addCurrentTeamDoors(app: App, gate: Gate): void {
  const path = "/api/v1/teams/current";
  app.get(path, async ({ caller }) => await readTeam(gate, caller, undefined), door("team.read", "none"));
  app.put(path, async ({ caller, body }) => await updateTeam(gate, caller, body), { ...door("team.update"), body: Name });
  app.post(
    `${path}/transfer`,
    async ({ caller, body }) => {
      await transferTeam(gate, caller, body);
      return { is_success: true };
    },
    { ...door("team.transfer"), body: t.Object({ new_owner_id: t.String() }) },
  );
  app.delete(
    path,
    async ({ caller, set }) => {
      await deleteTeam(gate, caller, undefined);
      set.status = 204;
    },
    door("team.delete", "none"),
  );
}

function addMemberDoors(app: App, gate: Gate): void {
  const member = t.Object({ user_id: t.String() });
  app.get("/api/v1/members", async ({ caller, query }) => await listMembers(gate, caller, query), { ...door("member.list", "none"), query: t.Object(pageQuery) });
  app.put(
    "/api/v1/members/:user_id",
    async ({ caller, params, body }) => {
      await setMemberRole(gate, caller, { ...params, ...body });
      return { is_success: true };
    },
    { ...door("member.set_role"), params: member, body: t.Object({ role: t.String() }) },
  );
  app.delete(
    "/api/v1/members/:user_id",
    async ({ caller, params, set }) => {
      await removeMember(gate, caller, params);
      set.status = 204;
    },
    { ...door("member.remove", "none"), params: member },
  );
}

export function addTeamDoors(app: App, gate: Gate): void {
  app.get("/api/v1/teams", async ({ caller, query }) => await listTeams(gate, caller, query), { ...door("team.list"), query: t.Object(pageQuery) });
  app.post(
    "/api/v1/teams",
    async ({ caller, body, set }) => {
      const created = await createTeam(gate, caller, body);
      set.status = 201;
      return created;
    },
    { ...door("team.create"), body: Name },
  );
  addCurrentTeamDoors(app, gate);
  addMemberDoors(app, gate);
}

/** `/users`: the own profile, and the accounts of the deployment for its administrators. */
import { t } from "elysia";
import { deleteUser } from "../../across/user-deletion.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { updateSelf } from "../../identity/own-profile.ts";
import { createUser, disableUser, enableUser, updateUser } from "../../identity/user-administration.ts";
import { listUsers, readUser } from "../../identity/user-directory.ts";
import { readSelf } from "../../identity/users.ts";
import { listOwnMemberships } from "../../teams/own-memberships.ts";
import { listAllTeams } from "../../teams/team-directory.ts";
import { pageQuery } from "./page-query.ts";

const names = { first_name: t.Optional(t.String()), last_name: t.Optional(t.String()), display_name: t.Optional(t.String()) };
const User = t.Object({ user_id: t.String() });
const done = { is_success: true } as const;

function addProfileDoors(app: App, gate: Gate): void {
  app.get("/api/v1/users/me", async ({ caller }) => await readSelf(gate, caller, undefined), door("user.read_self"));
  app.get("/api/v1/users/me/memberships", async ({ caller, query }) => await listOwnMemberships(gate, caller, query), { ...door("membership.list_own", "none"), query: t.Object(pageQuery) });
  app.put("/api/v1/users/me", async ({ caller, body }) => await updateSelf(gate, caller, body), { ...door("user.update_self"), body: t.Object(names) });
}

function addAccountDoors(app: App, gate: Gate): void {
  const path = "/api/v1/users";
  app.get(path, async ({ caller, query }) => await listUsers(gate, caller, query), { ...door("user.list", "none"), query: t.Object({ ...pageQuery, search: t.Optional(t.String()) }) });
  app.post(
    path,
    async ({ caller, body, set }) => {
      const created = await createUser(gate, caller, body);
      set.status = 201;
      return created;
    },
    { ...door("user.create"), body: t.Object({ email_address: t.String(), first_name: t.String(), last_name: t.String(), is_administrator: t.Optional(t.Boolean()) }) },
  );
  app.get(`${path}/:user_id`, async ({ caller, params }) => await readUser(gate, caller, params), { ...door("user.read", "none"), params: User });
  app.put(`${path}/:user_id`, async ({ caller, params, body }) => await updateUser(gate, caller, { ...params, ...body }), {
    ...door("user.update"),
    params: User,
    body: t.Object({ ...names, is_administrator: t.Optional(t.Boolean()) }),
  });
  app.delete(
    `${path}/:user_id`,
    async ({ caller, params, set }) => {
      await deleteUser(gate, caller, params);
      set.status = 204;
    },
    { ...door("user.delete", "none"), params: User },
  );
}

function addAccountStateDoors(app: App, gate: Gate): void {
  app.post(
    "/api/v1/users/:user_id/disable",
    async ({ caller, params }) => {
      await disableUser(gate, caller, params);
      return done;
    },
    { ...door("user.disable", "none"), params: User },
  );
  app.post(
    "/api/v1/users/:user_id/enable",
    async ({ caller, params }) => {
      await enableUser(gate, caller, params);
      return done;
    },
    { ...door("user.enable", "none"), params: User },
  );
}

export function addUserDoors(app: App, gate: Gate): void {
  addProfileDoors(app, gate);
  addAccountDoors(app, gate);
  addAccountStateDoors(app, gate);
  app.get("/api/v1/deployment/teams", async ({ caller, query }) => await listAllTeams(gate, caller, query), { ...door("team.list_all", "none"), query: t.Object(pageQuery) });
}

/** `/invitations`: what a team has sent out, and what the invited answer. Tokens travel in bodies alone. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { acceptInvitation, checkInvitation, declineInvitation } from "../../teams/invitation-answers.ts";
import { signUpInvited } from "../../teams/invitation-sign-up.ts";
import { cancelInvitation, createInvitation, listInvitations } from "../../teams/invitations.ts";
import { pageQuery } from "./page-query.ts";

const path = "/api/v1/invitations";
const token = { invitation_token: t.String({ maxLength: 128 }) };

function addTeamDoors(app: App, gate: Gate): void {
  app.get(path, async ({ caller, query }) => await listInvitations(gate, caller, query), { ...door("invitation.list", "none"), query: t.Object(pageQuery) });
  app.post(
    path,
    async ({ caller, body, set }) => {
      const created = await createInvitation(gate, caller, body);
      set.status = 201;
      return created;
    },
    { ...door("invitation.create"), body: t.Object({ email_address: t.String(), invitation_role: t.String() }) },
  );
  app.delete(
    `${path}/:invitation_id`,
    async ({ caller, params, set }) => {
      await cancelInvitation(gate, caller, params);
      set.status = 204;
    },
    { ...door("invitation.cancel", "none"), params: t.Object({ invitation_id: t.String() }) },
  );
}

function addAnswerDoors(app: App, gate: Gate): void {
  app.post(`${path}/check`, async ({ caller, body }) => await checkInvitation(gate, caller, body), { ...door("invitation.check"), body: t.Object(token) });
  app.post(`${path}/accept`, async ({ caller, body }) => await acceptInvitation(gate, caller, body), { ...door("invitation.accept"), body: t.Object(token) });
  app.post(
    `${path}/decline`,
    async ({ caller, body }) => {
      await declineInvitation(gate, caller, body);
      return { is_success: true };
    },
    { ...door("invitation.decline"), body: t.Object(token) },
  );
  app.post(
    `${path}/sign-up`,
    async ({ caller, body, set }) => {
      const joined = await signUpInvited(gate, caller, body);
      set.status = 201;
      return joined;
    },
    { ...door("invitation.sign_up"), body: t.Object({ ...token, first_name: t.String(), last_name: t.String(), user_password: t.String() }) },
  );
}

export function addInvitationDoors(app: App, gate: Gate): void {
  addTeamDoors(app, gate);
  addAnswerDoors(app, gate);
}

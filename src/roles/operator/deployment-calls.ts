/** What the operator on the host may ask for about the people, teams and quotas of the deployment. */
import { Type } from "typebox";
import { readDeploymentQuotas as readDeploymentQuotasOperation } from "../../across/quotas.ts";
import { deleteUser as deleteUserOperation } from "../../across/user-deletion.ts";
import { operator } from "../../gate/caller.ts";
import {
  createUser as createUserOperation,
  disableUser as disableUserOperation,
  enableUser as enableUserOperation,
  updateUser as updateUserOperation,
} from "../../identity/user-administration.ts";
import { listUsers as listUsersOperation, readUser as readUserOperation } from "../../identity/user-directory.ts";
import { listAllTeams as listAllTeamsOperation } from "../../teams/team-directory.ts";
import { call, type OperatorCall } from "./call.ts";
import { page, PageMeta } from "./page-shapes.ts";

const closed = { additionalProperties: false };
const Text = Type.String({ maxLength: 1_024 });
const MaybeText = Type.Union([Text, Type.Null()]);
const Named = Type.Object({ user_id: Text }, closed);
const Nothing = Type.Null();

const User = Type.Object({
  id: Text,
  email_address: Text,
  first_name: Text,
  last_name: Text,
  display_name: Text,
  is_administrator: Type.Boolean(),
  email_verified: Type.Boolean(),
  user_status: Text,
  created_at: Text,
});

export const listUsers = call(
  "user.list",
  { input: Type.Object({ ...page, search: Type.Optional(Text) }, closed), output: Type.Object({ user_list: Type.Array(User), page_meta: PageMeta }) },
  async ({ gate }, input) => {
    const { user_list, page_meta } = await listUsersOperation(gate, operator, input);
    return { user_list: [...user_list], page_meta };
  },
);

export const readUser = call("user.read", { input: Named, output: User }, async ({ gate }, input) => await readUserOperation(gate, operator, input));

export const createUser = call(
  "user.create",
  {
    input: Type.Object({ email_address: Text, first_name: Text, last_name: Text, is_administrator: Type.Optional(Type.Boolean()) }, closed),
    output: Type.Object({ id: Text, reset_url: Text, expires_at: Text }),
  },
  async ({ gate }, input) => await createUserOperation(gate, operator, input),
);

export const updateUser = call(
  "user.update",
  {
    input: Type.Object(
      { user_id: Text, first_name: Type.Optional(Text), last_name: Type.Optional(Text), display_name: Type.Optional(Text), is_administrator: Type.Optional(Type.Boolean()) },
      closed,
    ),
    output: Type.Object({ id: Text }),
  },
  async ({ gate }, input) => await updateUserOperation(gate, operator, input),
);

export const disableUser = call("user.disable", { input: Named, output: Nothing }, async ({ gate }, input) => {
  await disableUserOperation(gate, operator, input);
  return null;
});

export const enableUser = call("user.enable", { input: Named, output: Nothing }, async ({ gate }, input) => {
  await enableUserOperation(gate, operator, input);
  return null;
});

export const deleteUser = call("user.delete", { input: Named, output: Nothing }, async ({ gate }, input) => {
  await deleteUserOperation(gate, operator, input);
  return null;
});

const Team = Type.Object({ id: Text, display_name: Text, owner_id: MaybeText, owner_email_address: MaybeText, member_count: Type.Integer(), created_at: Text });

export const listAllTeams = call(
  "team.list_all",
  { input: Type.Object(page, closed), output: Type.Object({ team_list: Type.Array(Team), page_meta: PageMeta }) },
  async ({ gate }, input) => {
    const { team_list, page_meta } = await listAllTeamsOperation(gate, operator, input);
    return { team_list: [...team_list], page_meta };
  },
);

const Quota = Type.Object({ namespace: Text, key: Text, limit: Type.Integer(), used: Type.Union([Type.Integer(), Type.Null()]) });

export const readDeploymentQuotas = call(
  "quota.read_deployment",
  { input: Nothing, output: Type.Object({ quota_list: Type.Array(Quota) }) },
  async ({ gate }) => ({ quota_list: [...(await readDeploymentQuotasOperation(gate, operator, undefined)).quota_list] }),
);

export const deploymentCalls: readonly Pick<OperatorCall<never, unknown>, "operation" | "handle">[] = [
  listUsers,
  readUser,
  createUser,
  updateUser,
  disableUser,
  enableUser,
  deleteUser,
  listAllTeams,
  readDeploymentQuotas,
];

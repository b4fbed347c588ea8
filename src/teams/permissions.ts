/**
 * What each role may do in its team: one table, and nothing that is not in it.
 *
 *     owner    everything; exactly one in a team
 *     admin    credentials, members, all resources
 *     member   runs workflows, sees resources
 *     viewer   sees resources
 *
 * Rule: a row for each operation that asks for a membership. Deny by default: without a row an operation cannot ask.
 * A test walks every role through every row, on the own team's things, on another team's, and on things that are not.
 */
import type { OperationName } from "../gate/operations.ts";

/** From the most powerful down: each may do what those after it may. */
export const roles = ["owner", "admin", "member", "viewer"] as const;
export type Role = (typeof roles)[number];

/** The smallest role that may do it. */
export const permissions = {
  "team.read": "viewer",
  "team.update": "admin",
  "team.transfer": "owner",
  "team.delete": "owner",
  "member.list": "viewer",
  "member.set_role": "admin",
  /** Of others. Leaving is everybody's but the owner's. */
  "member.remove": "admin",
  "invitation.create": "admin",
  "invitation.list": "admin",
  "invitation.cancel": "admin",
  "quota.read": "viewer",
  "credential.create": "admin",
  "credential.list": "viewer",
  "credential.rotate": "admin",
  "credential.revoke": "admin",
  /** A device comes with an agent key, by which it runs tasks of the team. */
  "pairing.confirm": "member",
  "workflow.list_runtime": "viewer",
  "workflow.read_runtime": "viewer",
  "workflow.read_by_slug": "viewer",
  "workflow.list": "viewer",
  "workflow.read": "viewer",
  "workflow.create": "admin",
  "workflow.import": "admin",
  "workflow.update": "admin",
  "workflow.delete": "admin",
  "workflow_snapshot.list": "viewer",
  "workflow_snapshot.read": "viewer",
  "workflow_snapshot.restore": "admin",
  "file.presign": "member",
  "file.presign_download": "viewer",
  "task.run": "member",
  "task.run_by_slug": "member",
  "task.list": "viewer",
  "task.read": "viewer",
  "task.read_result": "viewer",
  "task.follow": "viewer",
  "task.cancel": "member",
  "webhook.list": "admin",
  "webhook.read": "admin",
  "webhook.create": "admin",
  "webhook.update": "admin",
  "webhook.delete": "admin",
  "webhook.rotate_secret": "admin",
  "webhook.test": "admin",
  "webhook_delivery.list": "admin",
  "webhook_delivery.read": "admin",
  "webhook_delivery.replay": "admin",
  "webhook_delivery.replay_range": "admin",
  "container.list": "viewer",
  "container.read": "viewer",
  "container.create": "admin",
  "container.update": "admin",
  "container.delete": "admin",
  "container.deploy": "admin",
  "container.stop": "admin",
  "container.list_runtime": "viewer",
  "container.read_by_slug": "viewer",
  "container.call": "member",
  "container.invoke": "member",
  /** A way into the agent's host. */
  "tunnel.open": "member",
  /** What it shows is the way in. */
  "tunnel.read": "member",
  "tunnel.close": "member",
  "agent.list": "viewer",
  "agent.list_runtime": "viewer",
  "audit.list": "admin",
  "audit.export": "admin",
} as const satisfies Partial<Record<OperationName, Role>>;

/** An operation that asks for a membership. */
export type TeamAction = keyof typeof permissions;

/** Whether somebody with `role` may do what `atLeast` may do. */
export function isAtLeast(role: Role, atLeast: Role): boolean {
  return roles.indexOf(role) <= roles.indexOf(atLeast);
}

export function mayDo(role: Role, action: TeamAction): boolean {
  return isAtLeast(role, permissions[action]);
}

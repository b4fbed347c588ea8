/**
 * Agents and their connections to the gateway.
 *
 * Rule: decides who may be connected; holds no socket. The frames are `roles/gateway`'s.
 */
import { assert } from "../fault.ts";
import { query } from "../gate/operation.ts";

export interface AgentAdmission {
  readonly credentialId: string;
  readonly teamId: string;
}

/** Admits the agent whose key the caller showed. The pool it joins is its credential's team. */
export const connectAgent = query("agent.connect", async ({ caller }, _input: undefined): Promise<AgentAdmission> => {
  assert(caller.kind === "agent", "the row admits agents only");
  return { credentialId: caller.credentialId, teamId: caller.teamId };
});

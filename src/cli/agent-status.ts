/** What an agent writes down about itself every few seconds, and `cyberun agent diag` shows. */
import { Type } from "typebox";

export const AgentStatus = Type.Object({
  agent_id: Type.String(),
  gateway_url: Type.String(),
  pid: Type.Integer(),
  at: Type.String(),
  state: Type.String(),
  session_id: Type.Optional(Type.String()),
  last_close: Type.Optional(Type.String()),
  is_draining: Type.Boolean(),
  attempts: Type.Array(Type.Object({ task_id: Type.String(), attempt: Type.Integer(), is_over: Type.Boolean(), log_bytes: Type.Integer() })),
  results_taken: Type.Integer(),
});

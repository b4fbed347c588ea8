/**
 * The states of a task, as documented, and what leads from one to another.
 *
 *     pending ⇄ waiting → queued → running → completed | failed | cancelled
 *        ↑___________________|________|        a lost or failed attempt with retries left begins anew
 *
 * Rule: pure. `provisioning` is documented and given by nothing here; readers know it.
 */
export const taskStatuses = ["pending", "waiting", "provisioning", "queued", "running", "completed", "failed", "cancelled"] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** No agent has it: it may be claimed. */
export const open = ["pending", "waiting"] as const satisfies readonly TaskStatus[];
/** An agent has it: it counts against the caps. */
export const held = ["queued", "running"] as const satisfies readonly TaskStatus[];
export const terminal = ["completed", "failed", "cancelled"] as const satisfies readonly TaskStatus[];

export function isTerminal(status: TaskStatus): boolean {
  return terminal.some((each) => each === status);
}

/** Why a task waits: a word for programs. The sentence is {@link waitingReasons}. */
export const waitingReasons = {
  no_agent: "No agent of the team is connected.",
  labels: "No connected agent has all the labels that the workflow requires.",
  agents_unavailable: "Every agent with the required labels is syncing, unhealthy or in use by a tunnel.",
  agents_busy: "Every agent with the required labels is busy.",
  team_limit: "The team runs as many tasks at the same time as its license allows.",
  deployment_limit: "The deployment runs as many tasks at the same time as its license allows.",
  retry: "The last attempt failed; the next one begins a little later.",
} as const;
export type WaitingReason = keyof typeof waitingReasons;

/** `cyberun agents list`: who can take tasks. */
import type { Members } from "./api-client.ts";
import type { Context, Result } from "./context.ts";
import { listed } from "./pages.ts";
import { openPerson, withQuery } from "./person.ts";
import { shownTime } from "./text-table.ts";

const words = {
  name: "agent_list",
  headings: ["AGENT", "STATUS", "TASKS", "LABELS", "VERSION", "HEARD"],
  row: ({ agent_id, agent_status, running_count, agent_labels, agent_version, last_heartbeat }: Members) => [agent_id, agent_status, running_count, agent_labels, agent_version, shownTime(last_heartbeat)],
  none: "No agent of the team is connected.",
};

export async function agentsList(context: Context): Promise<Result> {
  await using person = await openPerson(context, { inTeam: true });
  return await listed(context, words, (page) => person.call({ method: "GET", path: withQuery("/api/v1/r/agents", { ...page }) }));
}

/** The agents of the team that are connected. */
import { pageIn, useAnswer } from "../deployment.ts";
import { List } from "../parts/list.tsx";
import { Badge, Empty, Heading, Link } from "../parts/pieces.tsx";
import { say, when } from "../words.ts";

const EVERY_MS = 3_000;

export function Agents() {
  return (
    <>
      <Heading>{say("agents")}</Heading>
      <List
        usePage={(query) => pageIn(useAnswer("agent.list", { query }, { everyMs: EVERY_MS }), ({ agent_list }) => agent_list)}
        label={say("agents")}
        columns={[
          { head: say("name"), cell: ({ agent_id }) => <Link to={`/agents/${encodeURIComponent(agent_id)}`}>{agent_id}</Link> },
          { head: say("status"), cell: ({ agent_status, is_draining }) => <Badge state={is_draining ? "draining" : agent_status} /> },
          { head: say("labels"), cell: ({ agent_labels }) => agent_labels.join(", ") || "–" },
          { head: say("capacity"), cell: ({ running_count, gpu_capacity }) => `${running_count} / ${gpu_capacity}` },
          { head: say("tasksDone"), cell: ({ tasks_completed }) => tasks_completed },
          { head: say("version"), cell: ({ agent_version }) => agent_version ?? "–" },
          { head: say("heard"), cell: ({ last_heartbeat }) => when(last_heartbeat) },
        ]}
        idOf={({ agent_id }) => agent_id}
        empty={<Empty command="cyberun agent run agent.json">{say("noAgents")}</Empty>}
      />
    </>
  );
}

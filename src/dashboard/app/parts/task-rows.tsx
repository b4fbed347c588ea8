/** Tasks in a list, on the overview and on their own page. */
import type { Answer } from "../../../../client/api.d.ts";
import { say, when } from "../words.ts";
import type { Column } from "./list.tsx";
import { Badge, Link } from "./pieces.tsx";

export type TaskRow = Answer<"task.list">["task_list"][number];

export function taskColumns(): readonly Column<TaskRow>[] {
  return [
    { head: say("workflow"), cell: ({ id, workflow_slug, workflow_version }) => <Link to={`/tasks/${id}`}>{`${workflow_slug}@${workflow_version}`}</Link> },
    { head: say("status"), cell: ({ task_status }) => <Badge state={task_status} /> },
    { head: say("created"), cell: ({ created_at }) => when(created_at) },
    { head: say("ended"), cell: ({ completed_at }) => when(completed_at) },
    { head: say("agent"), cell: ({ agent_id }) => agent_id ?? "–" },
  ];
}

/** What became of a workflow: its runs, and the versions before this one, any of which can be put back. */
import { hasFeature, pageIn, useAnswer, useDeed, useSite } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { List } from "../parts/list.tsx";
import { Empty } from "../parts/pieces.tsx";
import { taskColumns } from "../parts/task-rows.tsx";
import { say, when } from "../words.ts";

const EVERY_MS = 3_000;

function Snapshots({ id }: { readonly id: string }) {
  const restore = useDeed("workflow_snapshot.restore");
  return (
    <section>
      <h2>{say("versions")}</h2>
      <List
        usePage={(query) => pageIn(useAnswer("workflow_snapshot.list", { path: { workflow_id: id }, query }), ({ snapshot_list }) => snapshot_list)}
        label={say("versions")}
        columns={[
          { head: say("version"), cell: ({ workflow_version }) => workflow_version },
          { head: say("created"), cell: ({ created_at }) => when(created_at) },
          { head: say("noteText"), cell: ({ snapshot_note }) => snapshot_note || "–" },
          { head: say("actions"), cell: (snapshot) => <Confirm label={say("putBack")} text={say("putBackSure")} error={restore.error} act={() => restore.mutateAsync({ path: { workflow_id: id, snapshot_id: snapshot.id } })} /> },
        ]}
        idOf={(snapshot) => snapshot.id}
        empty={<Empty>{say("noVersions")}</Empty>}
      />
    </section>
  );
}

export function WorkflowHistory({ id }: { readonly id: string }) {
  const site = useSite();
  return (
    <>
      <section>
        <h2>{say("runs")}</h2>
        <List
          usePage={(query) => pageIn(useAnswer("task.list", { query: { ...query, workflow_id: id } }, { everyMs: EVERY_MS }), ({ task_list }) => task_list)}
          label={say("runs")}
          columns={taskColumns()}
          idOf={(task) => task.id}
          empty={<Empty>{say("noRuns")}</Empty>}
        />
      </section>
      {hasFeature(site, "team.workflow_snapshots") ? <Snapshots id={id} /> : null}
    </>
  );
}

/** Who did what in the team. */
import { useAnswer, useSite } from "../deployment.ts";
import { List } from "../parts/list.tsx";
import { Badge, Empty, Heading } from "../parts/pieces.tsx";
import { say, when } from "../words.ts";

export function Audit() {
  const { team } = useSite();
  return (
    <>
      <Heading
        actions={
          <a href={`/api/v1/audit/export${team === undefined ? "" : `?team_id=${team.id}`}`} download="audit.jsonl">
            {say("lines")}
          </a>
        }
      >
        {say("audit")}
      </Heading>
      <List
        usePage={(query) => {
          const { data, error, refetch } = useAnswer("audit.list", { query });
          return { data: data === undefined ? undefined : { rows: data.audit_list, total: data.page_meta.total_count }, error, refetch };
        }}
        label={say("audit")}
        columns={[
          { head: say("time"), cell: ({ created_at }) => when(created_at) },
          { head: say("operation"), cell: ({ operation }) => <code>{operation}</code> },
          { head: say("outcome"), cell: ({ outcome }) => <Badge state={outcome} /> },
          { head: say("actor"), cell: ({ actor }) => <code>{actor}</code> },
          { head: say("subject"), cell: ({ subject }) => (subject === null ? "–" : <code>{subject}</code>) },
          { head: say("address"), cell: ({ address }) => address ?? "–" },
        ]}
        idOf={({ id }) => id}
        empty={<Empty>{say("noAudit")}</Empty>}
      />
    </>
  );
}

/** Who did what in the team. */
import { pageIn, useAnswer, useSite } from "../deployment.ts";
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
        usePage={(query) => pageIn(useAnswer("audit.list", { query }), ({ audit_list }) => audit_list)}
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

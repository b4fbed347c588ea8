/** Who did what in the team, narrowed by what one looks for, and taken along as lines. */
import { useState } from "react";
import { pageIn, useAnswer, useSite } from "../deployment.ts";
import { Field, Form, textIn } from "../parts/field.tsx";
import { List } from "../parts/list.tsx";
import { Badge, Empty, Heading } from "../parts/pieces.tsx";
import { say, when } from "../words.ts";

type Filter = Readonly<Record<string, string>>;

const texts = ["operation", "actor", "subject", "outcome"] as const;
const days = ["from", "to"] as const;

/** What was filled in, as the API takes it: a day begins at midnight where the reader is. */
function filterIn(fields: FormData): Filter {
  const named = [
    ...texts.map((name) => [name, textIn(fields, name).trim()] as const),
    ...days.map((name) => [name, textIn(fields, name)] as const).map(([name, day]) => [name, day === "" ? "" : new Date(`${day}T00:00:00`).toISOString()] as const),
  ];
  return Object.fromEntries(named.filter(([, value]) => value !== ""));
}

function FilterForm({ filter, narrow }: { readonly filter: Filter; readonly narrow: (filter: Filter) => void }) {
  return (
    <details open={Object.keys(filter).length > 0}>
      <summary>{say("narrow")}</summary>
      <Form label={say("narrow")} submit={say("show")} isBusy={false} error={null} send={(fields) => narrow(filterIn(fields))}>
        <Field name="operation" label={say("operation")} required={false} note={say("operationNote")} />
        <Field name="actor" label={say("actor")} required={false} />
        <Field name="subject" label={say("subject")} required={false} />
        <Field name="outcome" label={say("outcome")} value="" options={[["", say("any")], ["done", say("done")], ["refused", say("refusedOnes")]]} />
        <Field name="from" type="date" label={say("fromDay")} required={false} />
        <Field name="to" type="date" label={say("toDay")} required={false} />
      </Form>
    </details>
  );
}

export function Audit() {
  const { team } = useSite();
  const [filter, narrow] = useState<Filter>({});
  const search = new URLSearchParams({ ...filter, ...(team === undefined ? {} : { team_id: team.id }) });
  return (
    <>
      <Heading
        actions={
          <a href={`/api/v1/audit/export?${search}`} download="audit.jsonl">
            {say("lines")}
          </a>
        }
      >
        {say("audit")}
      </Heading>
      <FilterForm filter={filter} narrow={narrow} />
      <List
        key={search.toString()}
        usePage={(query) => pageIn(useAnswer("audit.list", { query: { ...query, ...filter } }), ({ audit_list }) => audit_list)}
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
        empty={<Empty>{say(Object.keys(filter).length === 0 ? "noAudit" : "noneFits")}</Empty>}
      />
    </>
  );
}

/** Webhooks of the team. */
import { useState } from "react";
import { pageIn, useAnswer, useDeed } from "../deployment.ts";
import { Field, Form, textIn } from "../parts/field.tsx";
import { List } from "../parts/list.tsx";
import { Badge, Empty, Heading, Link } from "../parts/pieces.tsx";
import { Secret } from "../parts/secret.tsx";
import { say, when } from "../words.ts";

function WebhookForm({ made }: { readonly made: (secret: string) => void }) {
  const create = useDeed("webhook.create");
  const send = (fields: FormData) => {
    const webhook_events = textIn(fields, "events").split(",").map((name) => name.trim());
    create.mutateAsync({ body: { display_name: textIn(fields, "display_name"), webhook_url: textIn(fields, "url"), webhook_events } }).then(({ webhook_secret }) => made(webhook_secret), () => {});
  };
  return (
    <details>
      <summary>{say("createWebhook")}</summary>
      <Form label={say("createWebhook")} submit={say("create")} isBusy={create.isPending} error={create.error} send={send}>
        <Field name="display_name" label={say("name")} />
        <Field name="url" type="url" label={say("url")} />
        <Field name="events" label={say("events")} value="task.completed,task.failed" note={say("eventsNote")} />
      </Form>
    </details>
  );
}

export function Webhooks() {
  const [secret, setSecret] = useState<string>();
  return (
    <>
      <Heading>{say("webhooks")}</Heading>
      {secret === undefined ? <WebhookForm made={setSecret} /> : <Secret text={say("webhookMade")} secret={secret} done={() => setSecret(undefined)} />}
      <List
        usePage={(query) => pageIn(useAnswer("webhook.list", { query }), ({ webhook_list }) => webhook_list)}
        label={say("webhooks")}
        columns={[
          { head: say("name"), cell: ({ id, display_name }) => <Link to={`/webhooks/${id}`}>{display_name}</Link> },
          { head: say("url"), cell: ({ webhook_url }) => <code>{webhook_url}</code> },
          { head: say("events"), cell: ({ webhook_events }) => webhook_events.join(", ") },
          { head: say("status"), cell: ({ webhook_status }) => <Badge state={webhook_status} /> },
          { head: say("lastDelivered"), cell: ({ last_delivered_at }) => (last_delivered_at === null ? say("notYet") : when(last_delivered_at)) },
        ]}
        idOf={({ id }) => id}
        empty={<Empty command="cyberun webhooks create --name CI --url https://… --events task.completed">{say("noWebhooks")}</Empty>}
      />
    </>
  );
}

/** One webhook: tested, shut and opened, given a new secret, taken away; and what it was told. */
import { useState } from "react";
import type { Answer } from "../../../../client/api.d.ts";
import { pageIn, useAnswer, useDeed } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Facts } from "../parts/facts.tsx";
import { List } from "../parts/list.tsx";
import { Absent, Badge, Empty, Failure, Heading, Link } from "../parts/pieces.tsx";
import { Secret } from "../parts/secret.tsx";
import { say, when } from "../words.ts";

const EVERY_MS = 3_000;
const OVERLAP_SECONDS = 86_400;

type WebhookAnswer = Answer<"webhook.read">;

function Deeds({ webhook: { id, webhook_status }, made }: { readonly webhook: WebhookAnswer; readonly made: (secret: string) => void }) {
  const test = useDeed("webhook.test");
  const update = useDeed("webhook.update");
  const rotate = useDeed("webhook.rotate_secret");
  const remove = useDeed("webhook.delete", { leadsTo: "/webhooks" });
  const path = { webhook_id: id };
  const isActive = webhook_status === "active";
  return (
    <>
      {test.error === null ? null : <Failure error={test.error} />}
      {update.error === null ? null : <Failure error={update.error} />}
      <div className="deeds">
        <button type="button" className="quiet" disabled={test.isPending} onClick={() => test.mutate({ path })}>
          {say("sendTest")}
        </button>
        <button type="button" className="quiet" disabled={update.isPending} onClick={() => update.mutate({ path, body: { webhook_status: isActive ? "disabled" : "active" } })}>
          {say(isActive ? "disable" : "enable")}
        </button>
        <Confirm label={say("rotate")} text={say("rotateSure")} error={rotate.error} act={() => rotate.mutateAsync({ path, body: { overlap_seconds: OVERLAP_SECONDS } }).then(({ webhook_secret }) => made(webhook_secret))} />
        <Confirm label={say("delete")} text={say("deleteWebhookSure")} error={remove.error} act={() => remove.mutateAsync({ path })} />
      </div>
    </>
  );
}

function Deliveries({ id }: { readonly id: string }) {
  const replay = useDeed("webhook_delivery.replay");
  return (
    <>
      <h2>{say("deliveries")}</h2>
      {replay.error === null ? null : <Failure error={replay.error} />}
      <List
        usePage={(query) => pageIn(useAnswer("webhook_delivery.list", { path: { webhook_id: id }, query }, { everyMs: EVERY_MS }), ({ delivery_list }) => delivery_list)}
        label={say("deliveries")}
        columns={[
          { head: say("events"), cell: ({ event_type }) => event_type },
          { head: say("status"), cell: ({ delivery_status }) => <Badge state={delivery_status} /> },
          { head: say("attempt"), cell: ({ attempt_count }) => attempt_count },
          { head: say("answered"), cell: ({ response_status }) => response_status ?? "–" },
          { head: say("tasks"), cell: ({ task_id }) => (task_id === null ? "–" : <Link to={`/tasks/${task_id}`}>{task_id.slice(-8)}</Link>) },
          { head: say("created"), cell: ({ created_at }) => when(created_at) },
          {
            head: say("actions"),
            cell: (delivery) =>
              delivery.delivery_status === "pending" ? null : (
                <button type="button" className="quiet" disabled={replay.isPending} onClick={() => replay.mutate({ path: { webhook_id: id, delivery_id: delivery.id } })}>
                  {say("sendAgain")}
                </button>
              ),
          },
        ]}
        idOf={(row) => row.id}
        empty={<Empty>{say("noDeliveries")}</Empty>}
      />
    </>
  );
}

export function Webhook({ id }: { readonly id: string }) {
  const { data, error, refetch } = useAnswer("webhook.read", { path: { webhook_id: id } });
  const [secret, setSecret] = useState<string>();
  if (data === undefined) return <Absent title={say("webhooks")} error={error} again={() => void refetch()} />;
  return (
    <>
      <Heading>{data.display_name}</Heading>
      {secret === undefined ? <Deeds webhook={data} made={setSecret} /> : <Secret text={say("webhookMade")} secret={secret} done={() => setSecret(undefined)} />}
      <Facts
        rows={[
          [say("status"), <Badge state={data.webhook_status} />],
          ...(data.disabled_reason === null ? [] : [[say("reason"), data.disabled_reason] as const]),
          [say("url"), <code>{data.webhook_url}</code>],
          [say("events"), data.webhook_events.join(", ")],
          [say("prefix"), <code>{data.webhook_secret_prefix}</code>],
          [say("lastDelivered"), data.last_delivered_at === null ? say("notYet") : when(data.last_delivered_at)],
        ]}
      />
      <Deliveries id={id} />
      <p>
        <Link to="/webhooks">{say("webhooks")}</Link>
      </p>
    </>
  );
}

/** Container services of the team: what runs on which agent, deployed and stopped. */
import { pageIn, useAnswer, useDeed } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { List } from "../parts/list.tsx";
import { Badge, Empty, Heading } from "../parts/pieces.tsx";
import { say } from "../words.ts";

const EVERY_MS = 3_000;
const atRest: readonly string[] = ["created", "stopped", "failed"];

function ServiceDeeds({ id, status }: { readonly id: string; readonly status: string }) {
  const deploy = useDeed("container.deploy");
  const stop = useDeed("container.stop");
  const path = { service_id: id };
  return atRest.includes(status) ? (
    <Confirm label={say("deploy")} text={say("deploySure")} error={deploy.error} act={() => deploy.mutateAsync({ path })} />
  ) : (
    <Confirm label={say("stop")} text={say("stopSure")} error={stop.error} act={() => stop.mutateAsync({ path })} />
  );
}

export function Containers() {
  return (
    <>
      <Heading>{say("containers")}</Heading>
      <List
        usePage={(query) => pageIn(useAnswer("container.list", { query }, { everyMs: EVERY_MS }), ({ service_list }) => service_list)}
        label={say("containers")}
        columns={[
          { head: say("name"), cell: ({ display_name, service_slug }) => `${display_name} (${service_slug})` },
          { head: say("kind"), cell: ({ service_type, docker_image, external_url }) => <code>{docker_image ?? external_url ?? service_type}</code> },
          { head: say("status"), cell: ({ service_status }) => <Badge state={service_status} /> },
          { head: say("agents"), cell: ({ replicas }) => replicas.map(({ agent_id, replica_state }) => `${agent_id ?? "–"}: ${replica_state}`).join(", ") || "–" },
          { head: say("actions"), cell: ({ id, service_status, service_type }) => (service_type === "external" ? null : <ServiceDeeds id={id} status={service_status} />) },
        ]}
        idOf={({ id }) => id}
        empty={<Empty command="cyberun containers create FILE">{say("noContainers")}</Empty>}
      />
    </>
  );
}

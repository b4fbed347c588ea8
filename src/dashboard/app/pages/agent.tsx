/** One agent: what it is, what it runs, and the tunnels to it. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Answer, Api } from "../../../../client/api.d.ts";
import { hasFeature, useAnswer, useDeed, useSite } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Facts } from "../parts/facts.tsx";
import { Field, Form, textIn } from "../parts/field.tsx";
import { Absent, Badge, Failure, Heading, Link, Loading, Notice } from "../parts/pieces.tsx";
import { Secret } from "../parts/secret.tsx";
import { amount, say, when } from "../words.ts";

const EVERY_MS = 3_000;
const PER_PAGE = 100;
const HOUR_SECONDS = 3_600;

type AgentRow = Answer<"agent.list">["agent_list"][number];

/** The agent among those that are connected, page by page; null where it is not. */
async function findAgent(api: Api, id: string, signal: AbortSignal): Promise<AgentRow | null> {
  for (let current_page = 1; ; current_page += 1) {
    const { agent_list, page_meta } = await api.call("agent.list", { query: { current_page, per_page: PER_PAGE } }, { signal });
    const found = agent_list.find(({ agent_id }) => agent_id === id);
    if (found !== undefined) return found;
    if (current_page * PER_PAGE >= page_meta.total_count) return null;
  }
}

function TunnelForm({ agentId, made }: { readonly agentId: string; readonly made: (url: string) => void }) {
  const open = useDeed("tunnel.open");
  const send = (fields: FormData) => {
    const tunnel_protocol = textIn(fields, "protocol") === "tcp" ? "tcp" : "http";
    open.mutateAsync({ path: { agent_id: agentId }, body: { target_port: Number(textIn(fields, "port")), tunnel_protocol, expires_in: HOUR_SECONDS } }).then(({ tunnel_url }) => made(tunnel_url), () => {});
  };
  return (
    <details>
      <summary>{say("openTunnel")}</summary>
      <Form label={say("openTunnel")} submit={say("open")} isBusy={open.isPending} error={open.error} send={send}>
        <Field name="port" type="number" label={say("port")} note={say("portNote")} />
        <Field name="protocol" label={say("kind")} value="http" options={[["http", "HTTP, WebSocket"], ["tcp", "TCP"]]} />
      </Form>
    </details>
  );
}

function Tunnels({ agentId }: { readonly agentId: string }) {
  const { data, error, refetch } = useAnswer("tunnel.read", { path: { agent_id: agentId } }, { everyMs: EVERY_MS });
  const close = useDeed("tunnel.close");
  const [url, setUrl] = useState<string>();
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  return (
    <>
      {url === undefined ? <TunnelForm agentId={agentId} made={setUrl} /> : <Secret text={say("tunnelMade")} secret={url} done={() => setUrl(undefined)} />}
      {data.tunnel_list.length === 0 ? <p className="note">{say("noTunnels")}</p> : null}
      <ul className="plain">
        {data.tunnel_list.map(({ session_id, target_port, tunnel_protocol, expires_at, bytes_in, bytes_out }) => (
          <li key={session_id} className="row">
            <span>
              {tunnel_protocol} {target_port} · {say("expires")} {when(expires_at)} · {amount(bytes_in)} ↓ {amount(bytes_out)} ↑
            </span>
            <Confirm label={say("close")} text={say("closeSure")} error={close.error} act={() => close.mutateAsync({ path: { agent_id: agentId }, query: { session_id } })} />
          </li>
        ))}
      </ul>
    </>
  );
}

function factsOf(agent: AgentRow): readonly (readonly [string, string | null])[] {
  const devices = agent.system_stats?.gpu_devices ?? [];
  return [
    [say("labels"), agent.agent_labels.join(", ") || null],
    [say("capacity"), `${agent.running_count} / ${agent.gpu_capacity}`],
    [say("tasksDone"), String(agent.tasks_completed)],
    [say("version"), agent.agent_version],
    [say("tool"), agent.tool === null ? null : `${agent.tool} ${agent.tool_version ?? ""}`],
    [say("platform"), agent.platform_arch],
    [say("connectedSince"), when(agent.connected_at)],
    [say("heard"), when(agent.last_heartbeat)],
    ...devices.map(({ device_name, vram_free, vram_total }, index) => [`GPU ${index}`, `${device_name}: ${amount(vram_total - vram_free)} / ${amount(vram_total)}`] as const),
  ];
}

export function Agent({ id }: { readonly id: string }) {
  const site = useSite();
  const { api, team } = site;
  const { data, error, refetch } = useQuery({ queryKey: ["agent", team?.id, id], queryFn: ({ signal }) => findAgent(api, id, signal), refetchInterval: EVERY_MS });
  if (data === undefined) return <Absent title={id} error={error} again={() => void refetch()} />;
  return (
    <>
      <Heading>{id}</Heading>
      {data === null ? (
        <Notice tone="warn">{say("notConnected")}</Notice>
      ) : (
        <>
          <Facts rows={[[say("status"), <Badge state={data.is_draining ? "draining" : data.agent_status} />], ...factsOf(data)]} />
          <ul>
            {data.running_tasks.map((taskId) => (
              <li key={taskId}>
                <Link to={`/tasks/${taskId}`}>{taskId}</Link>
              </li>
            ))}
          </ul>
          <h2>{say("tunnels")}</h2>
          {hasFeature(site, "team.tunnels") ? <Tunnels agentId={id} /> : <Notice>{say("featureOff")}.</Notice>}
        </>
      )}
      <p>
        <Link to="/agents">{say("agents")}</Link>
      </p>
    </>
  );
}

/** `cyberun tunnels …`: ways through the gateway to a port of an agent's own host. */
import { Fault } from "../fault.ts";
import { type Members, membersOf, shownText } from "./api-client.ts";
import type { Context, Result } from "./context.ts";
import { findWhole } from "./pages.ts";
import { openPerson, type Person, withQuery } from "./person.ts";
import { firstSignal } from "./signals.ts";
import { shownCell, shownTime, textTable } from "./text-table.ts";

const needs = { inTeam: true } as const;
const AGENT = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/;
const LISTEN = /^(?:(?<host>[^:\s]+|\[[^\]\s]+\]):)?(?<port>\d{1,5})$/;
const LOCALHOST = "127.0.0.1";

function agentPath({ operands: [agent = ""] }: Context): string {
  if (AGENT.test(agent)) return `/api/v1/agents/${agent}/tunnel`;
  throw new Fault("invalid_request", `${JSON.stringify(shownText(agent))} is not what an agent calls itself.`, { hint: "cyberun agents list shows the names." });
}

function askedOf(context: Context, protocol: string | undefined): object {
  return { target_port: findWhole(context, "port", "--port"), tunnel_protocol: protocol, expires_in: findWhole(context, "expiresIn", "--expires-in") };
}

async function open(context: Context, person: Person, protocol = context.options.get("protocol")): Promise<Members> {
  return await person.call({ method: "POST", path: agentPath(context), body: askedOf(context, protocol) });
}

/** The token that closes the tunnel stays out of the text: whoever opened it can close it by name. */
export async function tunnelsOpen(context: Context): Promise<Result> {
  await using person = await openPerson(context, needs);
  const opened = await open(context, person);
  return { data: opened, text: `${shownText(opened["tunnel_url"])}\nWhoever has this address gets in until ${shownText(opened["expires_at"])}, or until cyberun tunnels close ${context.operands[0]}.` };
}

export async function tunnelsList(context: Context): Promise<Result> {
  await using person = await openPerson(context, needs);
  const status = await person.call({ method: "GET", path: agentPath(context) });
  const list = Array.isArray(status["tunnel_list"]) ? status["tunnel_list"].map(membersOf) : [];
  const rows = list.map(({ session_id, target_port, tunnel_protocol, bytes_in, bytes_out, expires_at, tunnel_url }) => [session_id, target_port, tunnel_protocol, bytes_in, bytes_out, shownTime(expires_at), tunnel_url]);
  return { data: status, text: rows.length === 0 ? "No tunnel to the agent is open." : textTable(["SESSION", "PORT", "PROTOCOL", "IN", "OUT", "UNTIL", "ADDRESS"], rows) };
}

export async function tunnelsClose(context: Context): Promise<Result> {
  const session_id = context.operands[1];
  await using person = await openPerson(context, needs);
  await person.call({ method: "DELETE", path: withQuery(agentPath(context), { session_id }) });
  const [agent_id] = context.operands;
  return { data: { agent_id, session_id: session_id ?? null, is_closed: true }, text: session_id === undefined ? `All tunnels to ${shownCell(agent_id)} are closed.` : `The tunnel ${shownCell(session_id)} is closed.` };
}

function listenOf({ options }: Context): { readonly host: string; readonly port: number } {
  const { host = LOCALHOST, port } = LISTEN.exec(options.get("listen") ?? "0")?.groups ?? {};
  if (port === undefined || Number(port) > 65_535) throw new Fault("invalid_request", "--listen is not a port, or a host and a port.", { hint: "Write it as 2222 or 127.0.0.1:2222." });
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}

/** Opens a TCP tunnel and a port of this host that leads through it, until it is told to stop; then both go. */
export async function tunnelsForward(context: Context): Promise<undefined> {
  const { openPortForward } = await import("./port-forward.ts");
  const { config, terminal, services } = context;
  const listen = listenOf(context);
  await using person = await openPerson(context, needs);
  const opened = await open(context, person, "tcp");
  const signal = firstSignal(services.clock);
  try {
    const forward = await openPortForward({ ...listen, tunnelUrl: String(opened["tunnel_url"]), caFile: config.extraCaFile, onProblem: (problem) => terminal.err(`${problem}\n`) });
    context.print({
      data: { host: listen.host, port: forward.port, session_id: opened["session_id"], expires_at: opened["expires_at"] },
      text: `${listen.host}:${forward.port} leads to the agent ${shownText(context.operands[0])} until ${shownText(opened["expires_at"])}. Ctrl-C ends it.`,
    });
    await signal;
    forward.stop();
  } finally {
    await person.call({ method: "DELETE", path: withQuery(agentPath(context), { session_id: String(opened["session_id"]) }) }).catch(() => {});
  }
  return undefined;
}

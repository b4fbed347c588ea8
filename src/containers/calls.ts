/**
 * Calls to a running service: who may, which agent answers, and the pass by which the gateway lets the call through.
 *
 *     caller → container.call: the service runs, an agent of it is connected → pass → gateway: container.enter → the agent
 *
 * Rule: the API decides who may call; the gateway believes the pass alone, which is for one service on one agent and over within a
 * minute.
 */
import { and, eq } from "drizzle-orm";
import { Type } from "typebox";
import { isSameSecret } from "../crypto/sealing.ts";
import { Fault, invalidField } from "../fault.ts";
import { query, type QueryAct } from "../gate/operation.ts";
import { findJson } from "../json.ts";
import type { PageRequest } from "../page.ts";
import { shapeOf } from "../shape.ts";
import { requireTeamReader } from "../teams/membership.ts";
import type { ServiceStatus } from "./definition.ts";
import { pageOfServices } from "./management.ts";
import { definitionOf, findServiceAgents, isFit, replicasOf, requireBySlug, type Service, type ServiceAgent, type ServiceRow, shownService, statusOf } from "./service-rows.ts";

const PASS_SECONDS = 60;
const PATH = /^\/(?!\/)[^\\\s\p{Cc}#]*$/u;
const PATH_CHARACTERS_MAX = 8_192;

/** A service as those see it who call it: nothing of how it is run. */
export interface RuntimeService {
  readonly id: string;
  readonly service_slug: string;
  readonly display_name: string;
  readonly service_desc: string;
  readonly service_type: string;
  readonly service_status: ServiceStatus;
  readonly exposed_port: number;
  readonly usage_prompt: string;
  readonly openapi_url: string | null;
  /** Where it is called. */
  readonly service_url: string;
}

function runtimeService({ settings }: Pick<QueryAct, "settings">, service: Service): RuntimeService {
  const { id, service_slug, display_name, service_desc, service_type, service_status, exposed_port, usage_prompt, openapi_url } = service;
  return { id, service_slug, display_name, service_desc, service_type, service_status, exposed_port, usage_prompt, openapi_url, service_url: `${settings.publicUrl}/api/v1/r/containers/${service_slug}/` };
}

export const listRuntimeServices = query("container.list_runtime", async (act, input: PageRequest) => {
  const { service_list, page_meta } = await pageOfServices(act, await requireTeamReader(act.reader, act.caller, "container.list_runtime"), input);
  return { service_list: service_list.map((each) => runtimeService(act, each)), page_meta };
});

export interface BySlug {
  readonly service_slug: string;
}

export const readServiceBySlug = query("container.read_by_slug", async (act, { service_slug }: BySlug): Promise<RuntimeService> => {
  const teamId = await requireTeamReader(act.reader, act.caller, "container.read_by_slug");
  return runtimeService(act, shownService(await requireBySlug(act.reader, { teamId, slug: service_slug }), []));
});

const passShape = shapeOf(Type.Object({ service: Type.String(), team: Type.String(), agent: Type.String(), slug: Type.String(), ends: Type.Integer() }, { additionalProperties: false }));

export interface CallTarget {
  readonly serviceId: string;
  readonly slug: string;
  /** Opens the gateway's door to the service, for a minute. */
  readonly pass: string;
}

async function agentsOf({ reader, services }: QueryAct, row: ServiceRow): Promise<readonly ServiceAgent[]> {
  const definition = definitionOf(row);
  const there = (await findServiceAgents(reader, { teamId: row.team_id, now: services.clock.now() })).filter((agent) => isFit(agent, definition));
  if (definition.service_type === "external") return there;
  const running = new Set((await replicasOf(reader, row.id)).filter(({ replica_state }) => replica_state === "running").map(({ agent_id }) => agent_id));
  return there.filter(({ agentId }) => running.has(agentId));
}

type ServiceCall = BySlug & { readonly path: string };

async function targetOf(act: QueryAct, action: "container.call" | "container.invoke", { service_slug, path }: ServiceCall): Promise<CallTarget> {
  const teamId = await requireTeamReader(act.reader, act.caller, action);
  requirePath(path);
  const row = await requireBySlug(act.reader, { teamId, slug: service_slug });
  const status = statusOf(row);
  if (status !== "running") throw new Fault("conflict", `The service is ${status}, and only a running one can be called.`, { hint: "Deploy it, or wait until it runs.", details: { service_status: status } });
  const agents = await agentsOf(act, row);
  const chosen = agents[Math.floor(act.services.random.fraction() * agents.length)];
  if (chosen === undefined) throw new Fault("unavailable", "No agent that can answer for the service is connected.", { hint: "See cyberun agents list, and the labels that the service requires.", retryAfterSeconds: 10 });
  const word = Buffer.from(JSON.stringify({ service: row.id, team: teamId, agent: chosen.agentId, slug: row.service_slug, ends: Math.floor(act.services.clock.now() / 1_000) + PASS_SECONDS })).toString("base64url");
  return { serviceId: row.id, slug: row.service_slug, pass: `${word}.${act.sealer.digest("service-pass", word)}` };
}

/** The way to a service that runs. Throws Fault `not_found`, `conflict` when it does not run, `unavailable` when no agent of it is connected, `invalid_request` for a path that leads elsewhere. */
export const callService = query("container.call", async (act, call: ServiceCall) => await targetOf(act, "container.call", call));

/** The same, for a call whose answer comes as a document. */
export const invokeService = query("container.invoke", async (act, call: ServiceCall) => await targetOf(act, "container.invoke", call));

/** Throws Fault `invalid_request` for what names a host, leaves the service, or is no path. */
function requirePath(path: string): void {
  const isForm = PATH.test(path) && path.length <= PATH_CHARACTERS_MAX;
  const [plain = ""] = path.split("?");
  const climbs = plain.split("/").some((part) => /^(?:\.|%2e){2}$/i.test(part));
  if (!isForm || climbs) throw invalidField("path", "begins with one slash, names no host and climbs nowhere");
}

export interface EnteredService {
  readonly serviceId: string;
  readonly teamId: string;
  readonly agentId: string;
  readonly slug: string;
}

/** What a pass lets its bearer call. Throws Fault `not_found` for one that is altered, for another service, or over. */
export const enterService = query("container.enter", async ({ sealer, services, reader }, { service_id, pass }: { readonly service_id: string; readonly pass: string }): Promise<EnteredService> => {
  const [word = "", signature = ""] = pass.split(".");
  const isOurs = isSameSecret(signature, sealer.digest("service-pass", word));
  const told = isOurs ? findJson(Buffer.from(word, "base64url").toString("utf8")) : undefined;
  if (passShape.Check(told) && told.service === service_id && services.clock.now() < told.ends * 1_000) {
    const { containerServices: rows } = reader.tables;
    const [still] = await reader.select({ id: rows.id }).from(rows).where(and(eq(rows.id, service_id), eq(rows.service_status, "running")));
    if (still !== undefined) return { serviceId: told.service, teamId: told.team, agentId: told.agent, slug: told.slug };
  }
  throw new Fault("not_found", "The pass is not good for this service.", { hint: "Call the service through the API: /api/v1/r/containers/." });
});

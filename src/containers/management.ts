/**
 * Container services in the hands of their team: defined, deployed, stopped, deleted.
 *
 *     created → deploying → running ⇄ failed → stopping → stopped          external ones: running ⇄ stopped
 *
 * Rule: says what shall be; replicas say what is (`replicas.ts`). A change acts at the next deployment.
 */
import { and, asc, count, eq, sql } from "drizzle-orm";
import { Fault } from "../fault.ts";
import { command, type CommandAct, query, type QueryAct } from "../gate/operation.ts";
import { below } from "../gate/quota.ts";
import { type PageMeta, pageOf, type PageRequest } from "../page.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import { requireMembership } from "../teams/membership.ts";
import { mayDo, type Role } from "../teams/permissions.ts";
import { requireService, type ServiceDefinition, type ServiceInput, writeServiceBody } from "./definition.ts";
import { definitionOf, replicasOf, requireRow, type Service, type ServiceRow, settleStatus, shownService, statusOf } from "./service-rows.ts";

/** Of one team. */
const SERVICES_MAX = 200;

function columnsOf(definition: ServiceDefinition) {
  const { service_slug, display_name, service_type } = definition;
  return { service_slug, display_name, service_type, definition: writeServiceBody(definition) };
}

/** Defines a service. An external one can be called at once. Needs the role admin. */
export const createService = command("container.create", async (act, input: ServiceInput): Promise<{ readonly id: string }> => {
  const { writer, services: world } = act;
  const { teamId } = await requireMembership(writer, act.caller, "container.create");
  const definition = requireService(input);
  const { containerServices: services } = writer.tables;
  const now = world.clock.now();
  const row = { id: world.random.uuid(), team_id: teamId, ...columnsOf(definition), service_status: definition.service_type === "external" ? "running" : "created", generation: 0, created_at: now, updated_at: now };
  const isFree = below(writer.select({ count: count() }).from(services).where(eq(services.team_id, teamId)), SERVICES_MAX);
  const inserted = await writer.insert(services).select(rowWhere(services, row, isFree)).onConflictDoNothing({ target: [services.team_id, services.service_slug] }).returning({ id: services.id });
  if (inserted.length === 0) {
    const [same] = await writer.select({ id: services.id }).from(services).where(and(eq(services.team_id, teamId), eq(services.service_slug, definition.service_slug)));
    if (same !== undefined) throw new Fault("conflict", `The team has a service with the slug ${definition.service_slug} already.`, { hint: "Choose another slug." });
    throw new Fault("conflict", `The team has ${SERVICES_MAX} services, and no more can be made.`, { hint: "Delete some that are no longer needed." });
  }
  act.note({ teamId, subject: `container:${row.id}`, details: { service_slug: row.service_slug } });
  return { id: row.id };
});

interface Named {
  readonly service_id: string;
}

/** The row, while what runs may be changed. Throws Fault `conflict` while it is being deployed or stopped. */
async function requireQuiet(act: CommandAct, action: "container.update" | "container.deploy" | "container.delete", { service_id }: Named): Promise<ServiceRow> {
  const { teamId } = await requireMembership(act.writer, act.caller, action);
  const row = await requireRow(act.writer, { teamId, id: service_id });
  const status = statusOf(row);
  if (status !== "deploying" && status !== "stopping") return row;
  throw new Fault("conflict", `The service is ${status}.`, { hint: status === "deploying" ? "Wait until it runs or has failed, or stop it." : "Wait until it is stopped.", details: { service_status: status } });
}

/** Changes a definition; what runs goes on as it is until the next deployment. An external one is changed at once. */
export const updateService = command("container.update", async (act, input: ServiceInput & Named): Promise<{ readonly id: string }> => {
  const row = await requireQuiet(act, "container.update", input);
  const { containerServices: services } = act.writer.tables;
  const definition = requireService(input, definitionOf(row));
  const isExternal = definition.service_type === "external";
  const next = { ...columnsOf(definition), updated_at: act.services.clock.now(), ...(isExternal ? { generation: sql`${services.generation} + 1` } : {}) };
  await act.writer.update(services).set(next).where(eq(services.id, row.id));
  act.note({ teamId: row.team_id, subject: `container:${row.id}`, details: { service_slug: row.service_slug } });
  return { id: row.id };
});

/** Runs the service as it is defined now, in place of what runs of it. */
export const deployService = command("container.deploy", async (act, input: Named): Promise<{ readonly service_status: string }> => {
  const row = await requireQuiet(act, "container.deploy", input);
  const { writer, services: world } = act;
  const { containerServices: services, serviceReplicas: replicas } = writer.tables;
  const { service_type, replica_count } = definitionOf(row);
  const now = world.clock.now();
  const service_status = service_type === "external" ? "running" : "deploying";
  const generation = row.generation + 1;
  await writer.update(services).set({ service_status, generation, updated_at: now }).where(eq(services.id, row.id));
  await writer.delete(replicas).where(eq(replicas.service_id, row.id));
  if (service_type === "deployed") {
    const indexes = Array.from({ length: replica_count }, (_, index) => index);
    await writer.insert(replicas).values(indexes.map((index) => ({ id: `${row.id}/${index}`, team_id: row.team_id, service_id: row.id, replica_index: index, agent_id: null, generation, replica_state: "starting", detail: null, updated_at: now })));
  }
  act.note({ teamId: row.team_id, subject: `container:${row.id}`, details: { generation } });
  return { service_status };
});

/** Stops the service; it can be deployed again. */
export const stopService = command("container.stop", async (act, { service_id }: Named): Promise<{ readonly service_status: string }> => {
  const { writer, services: world } = act;
  const { teamId } = await requireMembership(writer, act.caller, "container.stop");
  const row = await requireRow(writer, { teamId, id: service_id });
  const { containerServices: services, serviceReplicas: replicas } = writer.tables;
  const now = world.clock.now();
  await writer.delete(replicas).where(and(eq(replicas.service_id, row.id), sql`${replicas.agent_id} is null`));
  await writer.update(replicas).set({ replica_state: "stopping", updated_at: now }).where(eq(replicas.service_id, row.id));
  await writer.update(services).set({ service_status: row.service_type === "external" ? "stopped" : "stopping", updated_at: now }).where(eq(services.id, row.id));
  await settleStatus(writer, row.id, now);
  act.note({ teamId, subject: `container:${row.id}` });
  const [after] = await writer.select({ service_status: services.service_status }).from(services).where(eq(services.id, row.id));
  return { service_status: after?.service_status ?? row.service_status };
});

/** Deletes the service; what runs of it is stopped. Throws Fault `conflict` while it is being deployed or stopped. */
export const deleteService = command("container.delete", async (act, input: Named): Promise<void> => {
  const row = await requireQuiet(act, "container.delete", input);
  const { containerServices: services, serviceReplicas: replicas } = act.writer.tables;
  await act.writer.delete(replicas).where(eq(replicas.service_id, row.id));
  await act.writer.delete(services).where(eq(services.id, row.id));
  act.note({ teamId: row.team_id, subject: `container:${row.id}`, details: { service_slug: row.service_slug } });
});

/** Values of variables may be secrets: they are for those who set them. */
function seenBy(role: Role, service: Service): Service {
  return mayDo(role, "container.update") ? service : { ...service, env_config: service.env_config.map(({ env_name }) => ({ env_name, env_value: "" })) };
}

export const readService = query("container.read", async (act, { service_id }: Named): Promise<Service> => {
  const { teamId, role } = await requireMembership(act.reader, act.caller, "container.read");
  const row = await requireRow(act.reader, { teamId, id: service_id });
  return seenBy(role, shownService(row, await replicasOf(act.reader, row.id)));
});

export interface ServicePage {
  readonly service_list: readonly Service[];
  readonly page_meta: PageMeta;
}

export async function pageOfServices({ reader }: QueryAct, teamId: string, input: PageRequest): Promise<ServicePage> {
  const page = pageOf(input);
  const { containerServices: services } = reader.tables;
  const [total] = await reader.select({ count: count() }).from(services).where(eq(services.team_id, teamId));
  const rows = await reader.select().from(services).where(eq(services.team_id, teamId)).orderBy(asc(services.service_slug)).limit(page.limit).offset(page.offset);
  const list: Service[] = [];
  for (const row of rows) list.push(shownService(row, await replicasOf(reader, row.id)));
  return { service_list: list, page_meta: page.meta(total?.count ?? 0) };
}

export const listServices = query("container.list", async (act, input: PageRequest): Promise<ServicePage> => {
  const { teamId, role } = await requireMembership(act.reader, act.caller, "container.list");
  const { service_list, page_meta } = await pageOfServices(act, teamId, input);
  return { service_list: service_list.map((each) => seenBy(role, each)), page_meta };
});

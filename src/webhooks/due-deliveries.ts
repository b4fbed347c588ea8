/**
 * Which deliveries are sent next: the longest due first, so many at a time for each receiver and each team.
 *
 * Rule: taken by one conditional statement, with the time at which the attempt counts as lost: of any number of processes
 * one sends it, and a process that is killed keeps nothing from being sent.
 */
import { and, asc, eq, inArray, isNull, lte, notInArray, or, type SQL } from "drizzle-orm";
import { command } from "../gate/operation.ts";
import type { Reader } from "../store/store.ts";
import type { DeliveryRow } from "./delivery-rows.ts";

/** Calls of one process that are on their way; to one host and port; of one team, whose receivers may have many names. */
export const TOTAL_MAX = 64;
export const HOST_MAX = 4;
export const TEAM_MAX = 16;
/** An attempt of which nothing was heard for so long is lost: several times what one may take. */
export const LEASE_MS = 60_000;

/** What is on its way. */
export interface Flying {
  readonly total: number;
  readonly hosts: ReadonlyMap<string, number>;
  readonly teams: ReadonlyMap<string, number>;
}

export interface TakenDelivery extends Pick<DeliveryRow, "id" | "team_id" | "webhook_id" | "body"> {
  readonly host: string;
  /** Its outcome is recorded only while the row says the same. */
  readonly takenUntil: number;
}

function isBeside(column: Parameters<typeof notInArray>[0], counts: ReadonlyMap<string, number>, max: number): SQL | undefined {
  const full = [...counts].flatMap(([key, count]) => (count >= max ? [key] : []));
  return full.length === 0 ? undefined : notInArray(column, full);
}

type Candidate = Pick<TakenDelivery, "id" | "team_id" | "host">;

async function candidatesOf(reader: Reader, { total, hosts, teams }: Flying, now: number): Promise<readonly Candidate[]> {
  const { webhookDeliveries: deliveries, webhooks } = reader.tables;
  const isOpen = and(eq(webhooks.webhook_status, "active"), or(isNull(webhooks.paused_until), lte(webhooks.paused_until, now)));
  return await reader
    .select({ id: deliveries.id, team_id: deliveries.team_id, host: webhooks.host })
    .from(deliveries)
    .innerJoin(webhooks, eq(webhooks.id, deliveries.webhook_id))
    .where(and(lte(deliveries.due_at, now), isOpen, isBeside(webhooks.host, hosts, HOST_MAX), isBeside(deliveries.team_id, teams, TEAM_MAX)))
    .orderBy(asc(deliveries.due_at), asc(deliveries.id))
    .limit(TOTAL_MAX - total);
}

/** Those of the candidates for which there is room beside the others. */
export function withRoom(candidates: readonly Candidate[], flying: Flying): readonly Candidate[] {
  const [hosts, teams] = [new Map(flying.hosts), new Map(flying.teams)];
  return candidates.filter(({ host, team_id }) => {
    const [ofHost, ofTeam] = [hosts.get(host) ?? 0, teams.get(team_id) ?? 0];
    if (ofHost >= HOST_MAX || ofTeam >= TEAM_MAX) return false;
    hosts.set(host, ofHost + 1);
    teams.set(team_id, ofTeam + 1);
    return true;
  });
}

/** Takes what is due and has room. Empty: there is nothing to send now. */
export const takeDueDeliveries = command("webhook_delivery.take", async ({ writer, services }, flying: Flying): Promise<readonly TakenDelivery[]> => {
  if (flying.total >= TOTAL_MAX) return [];
  const now = services.clock.now();
  const chosen = withRoom(await candidatesOf(writer, flying, now), flying);
  if (chosen.length === 0) return [];
  const hostOf = new Map(chosen.map(({ id, host }) => [id, host]));
  const { webhookDeliveries: deliveries } = writer.tables;
  const takenUntil = now + LEASE_MS;
  const taken = await writer
    .update(deliveries)
    .set({ due_at: takenUntil })
    .where(and(inArray(deliveries.id, [...hostOf.keys()]), lte(deliveries.due_at, now)))
    .returning({ id: deliveries.id, team_id: deliveries.team_id, webhook_id: deliveries.webhook_id, body: deliveries.body });
  return taken.map((row) => ({ ...row, host: hostOf.get(row.id) ?? "", takenUntil }));
});

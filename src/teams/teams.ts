/** Teams: everything belongs to one, and nothing crosses between them. */
import { and, count, desc, eq, sql } from "drizzle-orm";
import { assert, Fault } from "../fault.ts";
import { command, type CommandAct, query } from "../gate/operation.ts";
import { below, quotaFault, UNLIMITED } from "../gate/quota.ts";
import { requireName } from "../identity/names.ts";
import type { Qualified } from "../license/entitlements.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import type { Reader } from "../store/store.ts";
import { isSeenBy, membershipId } from "./membership.ts";

export const maxTeams: Qualified = { namespace: "global", key: "max_teams" };
export const maxOwnedTeams: Qualified = { namespace: "account", key: "max_owned_teams" };

export interface Team {
  readonly id: string;
  readonly display_name: string;
  readonly role: string;
  readonly created_at: string;
}

/** Of the deployment: what `max_teams` caps. */
export function countTeams(reader: Reader) {
  return reader.select({ count: count() }).from(reader.tables.teams);
}

/** What `max_owned_teams` caps. */
export function countOwned(reader: Reader, userId: string) {
  const { memberships } = reader.tables;
  return reader.select({ count: count() }).from(memberships).where(and(eq(memberships.user_id, userId), eq(memberships.role, "owner")));
}

/** Makes `userId` the owner. For a team that was just inserted: a team has exactly one. */
export async function insertOwner({ writer, services }: CommandAct, teamId: string, userId: string): Promise<void> {
  await writer
    .insert(writer.tables.memberships)
    .values({ id: membershipId(teamId, userId), team_id: teamId, user_id: userId, role: "owner", created_at: services.clock.now() });
}

interface NewTeam {
  readonly id: string | undefined;
  /** The refusal that stands for the missing id. */
  problem(): Promise<Fault>;
}

/** Inserts the team unless a cap is reached. */
async function insertTeam(act: CommandAct, userId: string, displayName: string): Promise<NewTeam> {
  const { writer, services } = act;
  const { teams } = writer.tables;
  const teamsCap = act.limit(maxTeams);
  const ownedCap = act.limit(maxOwnedTeams);
  const row = { id: services.random.uuid(), display_name: displayName, created_at: services.clock.now() };
  const isFree = sql`${below(countTeams(writer), teamsCap)} and ${below(countOwned(writer, userId), ownedCap)}`;
  const [inserted] = await writer.insert(teams).select(rowWhere(teams, row, isFree)).returning({ id: teams.id });
  return {
    id: inserted?.id,
    async problem() {
      const [owned] = await countOwned(writer, userId);
      const isOwnCap = owned !== undefined && ownedCap !== UNLIMITED && owned.count >= ownedCap;
      return isOwnCap ? quotaFault(maxOwnedTeams, ownedCap) : quotaFault(maxTeams, teamsCap);
    },
  };
}

/** Makes a team that `userId` owns; undefined when a cap is reached. */
export async function findNewTeam(act: CommandAct, userId: string, displayName: string): Promise<string | undefined> {
  const { id } = await insertTeam(act, userId, displayName);
  if (id !== undefined) await insertOwner(act, id, userId);
  return id;
}

/** Makes a team that the caller owns. */
export const createTeam = command("team.create", async (act, input: { readonly display_name: string }): Promise<{ readonly id: string }> => {
  const { caller, note } = act;
  assert(caller.kind === "user" || caller.kind === "device", "the row admits people only");
  // The rules for the other site name teams; one that its people made themselves would stand outside of them.
  if (caller.kind === "user" && caller.visitor !== undefined) throw new Fault("forbidden", "A person of another site makes no team here.", { hint: "Sign in at this site itself for that." });
  const displayName = requireName("display_name", input.display_name);
  const { id, problem } = await insertTeam(act, caller.userId, displayName);
  // Throws Fault `quota_exceeded` naming the cap that is reached.
  if (id === undefined) throw await problem();
  await insertOwner(act, id, caller.userId);
  note({ teamId: id, subject: `team:${id}`, details: { display_name: displayName } });
  return { id };
});

/** The caller's teams with the role in each, newest first; a device sees the one it is paired for. */
export const listTeams = query(
  "team.list",
  async ({ caller, reader }, input: PageRequest): Promise<{ readonly team_list: readonly Team[]; readonly page_meta: PageMeta }> => {
    assert(caller.kind === "user" || caller.kind === "device", "the row admits people only");
    const page = pageOf(input);
    const { teams, memberships } = reader.tables;
    const isOwn = and(eq(memberships.user_id, caller.userId), isSeenBy(reader, caller));
    const [total] = await reader.select({ count: count() }).from(memberships).where(isOwn);
    const rows = await reader
      .select({ id: teams.id, display_name: teams.display_name, role: memberships.role, created_at: teams.created_at })
      .from(memberships)
      .innerJoin(teams, eq(teams.id, memberships.team_id))
      .where(isOwn)
      .orderBy(desc(teams.created_at), desc(teams.id))
      .limit(page.limit)
      .offset(page.offset);
    return { team_list: rows.map((row) => ({ ...row, created_at: isoTime(row.created_at) })), page_meta: page.meta(total?.count ?? 0) };
  },
);

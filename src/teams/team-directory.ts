/** All teams of the deployment, as administrators see them: names, owners and sizes, and nothing of what is in them. */
import { and, count, desc, eq } from "drizzle-orm";
import { query } from "../gate/operation.ts";
import { requireAdministrator } from "../identity/administrators.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";

export interface DirectoryTeam {
  readonly id: string;
  readonly display_name: string;
  /** Null for a team without an owner, which only happens to data from elsewhere. */
  readonly owner_id: string | null;
  readonly owner_email_address: string | null;
  readonly member_count: number;
  readonly created_at: string;
}

/** The teams, newest first. */
export const listAllTeams = query("team.list_all", async ({ caller, reader }, input: PageRequest): Promise<{ readonly team_list: readonly DirectoryTeam[]; readonly page_meta: PageMeta }> => {
  requireAdministrator(caller);
  const page = pageOf(input);
  const { teams, memberships, users } = reader.tables;
  const [total] = await reader.select({ count: count() }).from(teams);
  const sizes = reader.select({ team_id: memberships.team_id, members: count().as("members") }).from(memberships).groupBy(memberships.team_id).as("sizes");
  const rows = await reader
    .select({ id: teams.id, display_name: teams.display_name, owner_id: users.id, owner_email_address: users.email_address, member_count: sizes.members, created_at: teams.created_at })
    .from(teams)
    .leftJoin(memberships, and(eq(memberships.team_id, teams.id), eq(memberships.role, "owner")))
    .leftJoin(users, eq(users.id, memberships.user_id))
    .leftJoin(sizes, eq(sizes.team_id, teams.id))
    .orderBy(desc(teams.created_at), desc(teams.id))
    .limit(page.limit)
    .offset(page.offset);
  return { team_list: rows.map((row) => ({ ...row, member_count: row.member_count ?? 0, created_at: isoTime(row.created_at) })), page_meta: page.meta(total?.count ?? 0) };
});

/** Where a person belongs: the own memberships, with the role in each. A device sees the one it is paired for. */
import { and, asc, count, eq } from "drizzle-orm";
import { assert } from "../fault.ts";
import { query } from "../gate/operation.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import { isSeenBy } from "./membership.ts";

export interface OwnMembership {
  readonly team_id: string;
  /** The team's. */
  readonly display_name: string;
  readonly role: string;
  /** When the person joined. */
  readonly created_at: string;
}

/** The caller's memberships in the order they joined. */
export const listOwnMemberships = query(
  "membership.list_own",
  async ({ caller, reader }, input: PageRequest): Promise<{ readonly membership_list: readonly OwnMembership[]; readonly page_meta: PageMeta }> => {
    assert(caller.kind === "user" || caller.kind === "device", "the row admits people only");
    const page = pageOf(input);
    const { memberships, teams } = reader.tables;
    const isOwn = and(eq(memberships.user_id, caller.userId), isSeenBy(reader, caller));
    const [total] = await reader.select({ count: count() }).from(memberships).where(isOwn);
    const rows = await reader
      .select({ team_id: memberships.team_id, display_name: teams.display_name, role: memberships.role, created_at: memberships.created_at })
      .from(memberships)
      .innerJoin(teams, eq(teams.id, memberships.team_id))
      .where(isOwn)
      .orderBy(asc(memberships.created_at), asc(memberships.team_id))
      .limit(page.limit)
      .offset(page.offset);
    return { membership_list: rows.map((row) => ({ ...row, created_at: isoTime(row.created_at) })), page_meta: page.meta(total?.count ?? 0) };
  },
);

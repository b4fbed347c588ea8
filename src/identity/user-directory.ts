/** The people of the deployment as administrators see them: found by address, looked at one by one. */
import { count, desc, eq, type SQL, sql } from "drizzle-orm";
import { invalidField, notFound } from "../fault.ts";
import { query } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import type { Reader } from "../store/store.ts";
import { requireAdministrator } from "./administrators.ts";

/** Longer than any address. */
const SEARCH_CHARACTERS_MAX = 254;

/** `pending`: signed up, the address not proven yet. */
export type UserStatus = "active" | "disabled" | "pending";

export interface DirectoryUser {
  readonly id: string;
  readonly email_address: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly display_name: string;
  readonly is_administrator: boolean;
  readonly email_verified: boolean;
  readonly user_status: UserStatus;
  readonly created_at: string;
}

export interface UserSearch extends PageRequest {
  /** Part of the address, in any case. */
  readonly search?: string | undefined;
}

type UserRow = Reader["tables"]["users"]["$inferSelect"];

export function statusOf({ disabled_at, pending_until }: Pick<UserRow, "disabled_at" | "pending_until">): UserStatus {
  if (disabled_at !== null) return "disabled";
  return pending_until === null ? "active" : "pending";
}

function shown(row: UserRow): DirectoryUser {
  const { id, email_address, first_name, last_name, display_name, is_administrator, email_verified } = row;
  return { id, email_address, first_name, last_name, display_name, is_administrator, email_verified, user_status: statusOf(row), created_at: isoTime(row.created_at) };
}

/** The condition for an address with `search` in it: a wildcard in it stands for itself. */
function addressHas({ tables }: Reader, search: string | undefined): SQL | undefined {
  if (search === undefined || search === "") return undefined;
  if (search.length > SEARCH_CHARACTERS_MAX) throw invalidField("search", `has at most ${SEARCH_CHARACTERS_MAX} characters`);
  const pattern = `%${search.normalize("NFKC").toLowerCase().replace(/[\\%_]/g, "\\$&")}%`;
  return sql`${tables.users.email_key} like ${pattern} escape '\\'`;
}

/** The accounts, newest first. */
export const listUsers = query("user.list", async (act, input: UserSearch): Promise<{ readonly user_list: readonly DirectoryUser[]; readonly page_meta: PageMeta }> => {
  requireAdministrator(act.caller);
  const page = pageOf(input);
  const { reader } = act;
  const { users } = reader.tables;
  const isMeant = addressHas(reader, input.search);
  const [total] = await reader.select({ count: count() }).from(users).where(isMeant);
  const rows = await reader.select().from(users).where(isMeant).orderBy(desc(users.created_at), desc(users.id)).limit(page.limit).offset(page.offset);
  return { user_list: rows.map(shown), page_meta: page.meta(total?.count ?? 0) };
});

/** One account. */
export const readUser = query("user.read", async (act, input: { readonly user_id: string }): Promise<DirectoryUser> => {
  requireAdministrator(act.caller);
  const { users } = act.reader.tables;
  const [found] = await act.reader.select().from(users).where(eq(users.id, requireId("user_id", input.user_id)));
  if (found === undefined) throw notFound();
  return shown(found);
});

/** The own profile, in the documented shape, with what the license allows as the dashboard's switches. */
import { and, asc, eq } from "drizzle-orm";
import { assert, notFound } from "../fault.ts";
import type { Caller } from "../gate/caller.ts";
import { query } from "../gate/operation.ts";
import { features, quotas } from "../license/catalog.ts";
import type { Namespace } from "../license/document.ts";
import { type Entitlements, hasFeature, licenseStates, quotaLimit } from "../license/entitlements.ts";
import type { Reader } from "../store/store.ts";

/** More teams than that are not listed in a profile; `team.list` has pages. */
const TEAMS_MAX = 1_000;

export interface Flags {
  readonly features: Readonly<Record<string, boolean>>;
  /** -1 unlimited, 0 disabled, above 0 a hard cap. */
  readonly quotas: Readonly<Record<string, number>>;
}

export interface Profile {
  readonly id: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly display_name: string;
  readonly email_address: string;
  readonly is_administrator: boolean;
  readonly team_list: readonly { readonly id: string; readonly display_name: string }[];
  readonly feature_flags: { readonly global: Flags; readonly account: Flags; readonly teams: Readonly<Record<string, Flags>> };
}

/** Every key of the catalog in `namespace` as it stands now. While the license is not good, all are off. */
export function flagsOf(entitlements: Entitlements, namespace: Namespace): Flags {
  const isOpen = licenseStates[entitlements.state].open;
  const own = <Entry extends { readonly namespace: Namespace }>(entries: readonly Entry[]) => entries.filter((entry) => entry.namespace === namespace);
  return {
    features: Object.fromEntries(own(features).map((feature) => [feature.key, isOpen && hasFeature(entitlements, feature)])),
    quotas: Object.fromEntries(own(quotas).map((quota) => [quota.key, isOpen ? quotaLimit(entitlements, quota) : 0])),
  };
}

/** The person's teams by name; a device sees the one it is paired for. */
async function listTeams(reader: Reader, userId: string, caller: Caller) {
  const { teams, memberships } = reader.tables;
  return await reader
    .select({ id: teams.id, display_name: teams.display_name })
    .from(memberships)
    .innerJoin(teams, eq(teams.id, memberships.team_id))
    .where(and(eq(memberships.user_id, userId), caller.kind === "device" ? eq(teams.id, caller.teamId) : undefined))
    .orderBy(asc(teams.display_name), asc(teams.id))
    .limit(TEAMS_MAX);
}

/** The caller's profile. Never fails for a license: what is not granted is shown as off. */
export const readSelf = query("user.read_self", async ({ caller, reader, entitlements }, _input: undefined): Promise<Profile> => {
  assert(caller.kind === "user" || caller.kind === "device", "the row admits people only");
  const { users } = reader.tables;
  const [user] = await reader
    .select({
      id: users.id,
      first_name: users.first_name,
      last_name: users.last_name,
      display_name: users.display_name,
      email_address: users.email_address,
      is_administrator: users.is_administrator,
    })
    .from(users)
    .where(eq(users.id, caller.userId));
  if (user === undefined) throw notFound();
  const teamList = await listTeams(reader, user.id, caller);
  const teamFlags = flagsOf(entitlements, "team");
  return {
    ...user,
    team_list: teamList,
    feature_flags: {
      global: flagsOf(entitlements, "global"),
      account: flagsOf(entitlements, "account"),
      teams: Object.fromEntries(teamList.map(({ id }) => [id, teamFlags])),
    },
  };
});

/**
 * What a client may learn about a person: the claims of each scope, read from the store at the moment they are told.
 *
 *     profile   name, given_name, family_name
 *     email     email, email_verified
 *     teams     teams: [{id, name, role}]
 *
 * Rule: a claim that the `claims` parameter asks for by name is told only when its scope was allowed. Nothing that is
 * told here can stand in for a claim of the protocol: the names are a closed set.
 */
import { asc, eq } from "drizzle-orm";
import { assert } from "../fault.ts";
import { type Given, planRead } from "../store/plan.ts";
import type { Reader } from "../store/store.ts";
import type { ClaimsParameter } from "./authorization/claims-parameter.ts";
import { scopesOf } from "./scope.ts";

export const claimsOfScope = {
  profile: ["name", "given_name", "family_name"],
  email: ["email", "email_verified"],
  teams: ["teams"],
} as const;

type ClaimScope = keyof typeof claimsOfScope;
const claimScopes: readonly ClaimScope[] = ["profile", "email", "teams"];

/** Where claims are told. */
export type ClaimPlace = "userinfo" | "id_token";

/** More teams than that do not fit into a token. */
const TEAMS_MAX = 100;

/** What of a grant decides which claims are told. */
export interface ClaimGrant {
  readonly scope: string;
  readonly claims: ClaimsParameter | undefined;
}

function scopeOfClaim(name: string): ClaimScope | undefined {
  return claimScopes.find((scope) => claimsOfScope[scope].some((claim) => claim === name));
}

/** The scopes behind claims that are asked for by name. */
export function scopesOfClaims(claims: ClaimsParameter | undefined): readonly string[] {
  const names = [...Object.keys(claims?.userinfo ?? {}), ...Object.keys(claims?.id_token ?? {})];
  return [...new Set(names.flatMap((name) => scopeOfClaim(name) ?? []))];
}

/** The names of the claims to tell at `place`. */
export function claimNames({ scope, claims }: ClaimGrant, place: ClaimPlace): ReadonlySet<string> {
  const scopes = scopesOf(scope);
  const byScope = claimScopes.flatMap((each) => (scopes.includes(each) ? claimsOfScope[each] : []));
  const byName = Object.keys(claims?.[place] ?? {}).filter((name) => scopeOfClaim(name) !== undefined);
  return new Set<string>([...byScope, ...byName]);
}

async function listTeams(reader: Reader, userId: string) {
  const { teams, memberships } = reader.tables;
  return await reader
    .select({ id: teams.id, name: teams.display_name, role: memberships.role })
    .from(memberships)
    .innerJoin(teams, eq(teams.id, memberships.team_id))
    .where(eq(memberships.user_id, userId))
    .orderBy(asc(teams.display_name), asc(teams.id))
    .limit(TEAMS_MAX);
}

const findPerson = planRead((reader, given: Given<{ readonly userId: string }>) => {
  const { users } = reader.tables;
  return reader.select().from(users).where(eq(users.id, given("userId")));
});

/** The claims of those names about the person, as things stand now. */
export async function readClaims(reader: Reader, userId: string, names: ReadonlySet<string>): Promise<Readonly<Record<string, unknown>>> {
  if (names.size === 0) return {};
  const [user] = await findPerson(reader, { userId });
  assert(user !== undefined, "a live grant has its person");
  const all: Readonly<Record<string, unknown>> = {
    name: user.display_name,
    given_name: user.first_name,
    family_name: user.last_name,
    email: user.email_address,
    email_verified: user.email_verified,
    ...(names.has("teams") ? { teams: await listTeams(reader, userId) } : {}),
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.has(name)));
}

/**
 * What people of another site may do here: said by this site's administrator, for each site, and read at every request.
 *
 *     audiences   whose tokens count: those made for this API, and others that are named
 *     team_ids    the teams they act in; null for every team that they are a member of
 *     role        the largest role that counts
 *     mapping     who they are here: `refuse` nobody, `link` the account that was linked, `create` a new one where none is
 *     refresh     whether its newer bundles are looked for over the network
 *     sign_in     whether the sign-in page offers the site, and the site's own offers this one
 */
import { type Static, Type } from "typebox";
import { invalidField } from "../fault.ts";
import { type Role, roles } from "../teams/permissions.ts";
import { shapeOf } from "../shape.ts";

export const mappings = ["refuse", "link", "create"] as const;
export type Mapping = (typeof mappings)[number];

const AUDIENCES_MAX = 10;
const TEAMS_MAX = 100;
/** A person of another site never owns a team by its token. */
const grantable: readonly Role[] = roles.filter((role) => role !== "owner");

const RulesSchema = Type.Object(
  {
    audiences: Type.Array(Type.String({ minLength: 1, maxLength: 500 }), { maxItems: AUDIENCES_MAX }),
    team_ids: Type.Union([Type.Array(Type.String({ pattern: "^[0-9a-f-]{36}$" }), { maxItems: TEAMS_MAX }), Type.Null()]),
    role: Type.Union([Type.Literal("owner"), Type.Literal("admin"), Type.Literal("member"), Type.Literal("viewer")]),
    mapping: Type.Union([Type.Literal("refuse"), Type.Literal("link"), Type.Literal("create")]),
    sign_in: Type.Boolean(),
    refresh: Type.Boolean(),
  },
  { additionalProperties: false },
);
export type Rules = Readonly<Static<typeof RulesSchema>>;
const rulesShape = shapeOf(RulesSchema);

/** Those that an administrator gives; what is left out stays as it is. */
export interface RulesInput {
  readonly audiences?: readonly string[] | undefined;
  readonly team_ids?: readonly string[] | null | undefined;
  readonly role?: string | undefined;
  readonly mapping?: string | undefined;
  readonly sign_in?: boolean | undefined;
  readonly refresh?: boolean | undefined;
}

/** Nothing but tokens that were made for this API, and nobody who was not linked by hand. */
export function strictRules(publicUrl: string): Rules {
  return { audiences: [publicUrl], team_ids: null, role: "member", mapping: "link", sign_in: false, refresh: false };
}

export function parseRules(json: string): Rules {
  const rules: unknown = JSON.parse(json);
  if (!rulesShape.Check(rules)) throw new Error("stored rules are of ours");
  return rules;
}

/** `before` with what is given. Throws Fault `invalid_request` naming the member that cannot be. */
export function changedRules(before: Rules, input: RulesInput): Rules {
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  const rules: unknown = { ...before, ...given };
  if (!rulesShape.Check(rules)) {
    const [first] = rulesShape.Errors(rules);
    throw invalidField(first?.instancePath.split("/")[1] ?? "rules", "is none that a rule can have; docs/federation.md lists them");
  }
  if (!grantable.includes(rules.role)) throw invalidField("role", `is one of ${grantable.join(", ")}`);
  return rules;
}

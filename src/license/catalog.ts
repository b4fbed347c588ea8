/**
 * Every feature and quota that this product knows: what it means, what one sees when it is off, and what each template grants.
 *
 * Rule: total and plain. A key counts only together with its namespace. Which operations a key gates stands in
 * `gate/operations.ts`; a test holds the two together. Nothing here decides what a running deployment may do: only a
 * signed license does. `docs/catalog.md` and `cyberun-vendor templates` are printed from this table.
 */
import type { Namespace } from "./document.ts";

/** Starting points for a license. The signing desk changes what a contract says differently. */
export const templateNames = ["trial", "enterprise", "saas"] as const;
export type TemplateName = (typeof templateNames)[number];

/** `documented`: the platform's published key. `ours`: the platform describes the capability but prints no key, so we named it. */
export type Origin = "documented" | "ours";

interface Entry {
  readonly namespace: Namespace;
  readonly key: string;
  readonly origin: Origin;
  readonly meaning: string;
}

export interface FeatureEntry extends Entry {
  /** What a person meets when the license does not carry it. */
  readonly whenOff: string;
  readonly templates: Readonly<Record<TemplateName, boolean>>;
}

export interface QuotaEntry extends Entry {
  readonly unit: string;
  /** -1 unlimited, 0 disabled, above 0 a hard cap. */
  readonly templates: Readonly<Record<TemplateName, number>>;
}

const everywhere = { trial: true, enterprise: true, saas: true } as const;

export const features: readonly FeatureEntry[] = [
  {
    namespace: "global",
    key: "registration",
    origin: "documented",
    meaning: "People sign up by themselves with email address and password.",
    whenOff: "The sign-in page has no sign-up; only invited people and those an administrator creates get in.",
    templates: { trial: true, enterprise: false, saas: true },
  },
  {
    namespace: "global",
    key: "oauth",
    origin: "documented",
    meaning: "People sign in through an upstream identity provider.",
    whenOff: "The sign-in page has no provider button.",
    templates: { trial: true, enterprise: false, saas: true },
  },
  {
    namespace: "global",
    key: "email",
    origin: "documented",
    meaning: "The deployment sends mail.",
    whenOff: "No invitation mail: the dashboard shows the link, and the API answers with the invitation token.",
    templates: { trial: false, enterprise: true, saas: true },
  },
  {
    namespace: "global",
    key: "oidc_provider",
    origin: "documented",
    meaning: "Other applications sign their users in through this deployment (OIDC clients, federated sign-in).",
    whenOff: "No OIDC client can be registered, and registered ones cannot sign anybody in.",
    templates: everywhere,
  },
  {
    namespace: "global",
    key: "auto_team",
    origin: "documented",
    meaning: "A new user gets a team of their own.",
    whenOff: "A new user belongs to no team until invited into one or creating one.",
    templates: { trial: false, enterprise: false, saas: true },
  },
  {
    namespace: "global",
    key: "mcp_server",
    origin: "documented",
    meaning: "MCP clients use the deployment through its MCP endpoint.",
    whenOff: "The MCP endpoint refuses every call.",
    templates: everywhere,
  },
  {
    namespace: "global",
    key: "notifications",
    origin: "documented",
    meaning: "People are notified of what happens in their teams.",
    whenOff: "The dashboard has no notifications.",
    templates: everywhere,
  },
  {
    namespace: "account",
    key: "manual_team_creation",
    origin: "documented",
    meaning: "A user may create teams.",
    whenOff: "The dashboard has no way to create a team, and the API refuses it.",
    templates: everywhere,
  },
  {
    namespace: "account",
    key: "team_invitation_accept",
    origin: "documented",
    meaning: "A user may accept an invitation into a team.",
    whenOff: "An invitation can be seen but not accepted.",
    templates: everywhere,
  },
  {
    namespace: "team",
    key: "webhooks",
    origin: "ours",
    meaning: "A team has webhooks called on its events.",
    whenOff: "The sidebar has no Webhooks, and nothing is delivered.",
    templates: everywhere,
  },
  {
    namespace: "team",
    key: "container_services",
    origin: "ours",
    meaning: "A team runs container services.",
    whenOff: "The sidebar has no Containers.",
    templates: everywhere,
  },
  {
    namespace: "team",
    key: "nerfstudio",
    origin: "ours",
    meaning: "A team runs workflows on the Nerfstudio runtime.",
    whenOff: "Workflows of that runtime are refused.",
    templates: { trial: true, enterprise: false, saas: true },
  },
  {
    namespace: "team",
    key: "custom_models",
    origin: "ours",
    meaning: "A team uploads and uses its own models.",
    whenOff: "The sidebar has no Models.",
    templates: everywhere,
  },
  {
    namespace: "team",
    key: "custom_nodes",
    origin: "ours",
    meaning: "A team installs and uses its own nodes.",
    whenOff: "The sidebar has no Nodes.",
    templates: everywhere,
  },
  {
    namespace: "team",
    key: "workflow_snapshots",
    origin: "ours",
    meaning: "A team keeps and restores earlier states of a workflow.",
    whenOff: "A workflow's page has no History.",
    templates: everywhere,
  },
  {
    namespace: "team",
    key: "tunnels",
    origin: "ours",
    meaning: "A team reaches a service on its agents through the gateway.",
    whenOff: "No tunnel can be opened.",
    templates: { trial: true, enterprise: false, saas: true },
  },
];

export const quotas: readonly QuotaEntry[] = [
  {
    namespace: "global",
    key: "max_users",
    origin: "documented",
    meaning: "Users of the deployment.",
    unit: "users",
    templates: { trial: 25, enterprise: 250, saas: -1 },
  },
  {
    namespace: "global",
    key: "max_teams",
    origin: "documented",
    meaning: "Teams of the deployment.",
    unit: "teams",
    templates: { trial: 5, enterprise: 50, saas: -1 },
  },
  {
    namespace: "global",
    key: "max_agents",
    origin: "documented",
    meaning: "Agents of the deployment.",
    unit: "agents",
    templates: { trial: 5, enterprise: 100, saas: -1 },
  },
  {
    namespace: "global",
    key: "max_concurrent_tasks",
    origin: "documented",
    meaning: "Tasks that run at the same time in the deployment.",
    unit: "running tasks",
    templates: { trial: 10, enterprise: 200, saas: -1 },
  },
  {
    namespace: "account",
    key: "max_owned_teams",
    origin: "documented",
    meaning: "Teams that one user owns.",
    unit: "teams of one owner",
    templates: { trial: 5, enterprise: 10, saas: 3 },
  },
  {
    namespace: "team",
    key: "max_agents",
    origin: "documented",
    meaning: "Agents of one team; and its agent keys that are neither revoked nor expired.",
    unit: "agents of one team",
    templates: { trial: 5, enterprise: 50, saas: 10 },
  },
  {
    namespace: "team",
    key: "max_members",
    origin: "ours",
    meaning: "Members of one team.",
    unit: "members of one team",
    templates: { trial: 25, enterprise: 100, saas: 50 },
  },
  {
    namespace: "team",
    key: "max_integration_keys",
    origin: "ours",
    meaning: "Integration keys of one team that are neither revoked nor expired.",
    unit: "live keys of one team",
    templates: { trial: 10, enterprise: 50, saas: 20 },
  },
  {
    namespace: "team",
    key: "max_concurrent_tasks",
    origin: "ours",
    meaning: "Tasks of one team that run at the same time.",
    unit: "running tasks of one team",
    templates: { trial: 10, enterprise: 100, saas: 20 },
  },
  {
    namespace: "team",
    key: "max_webhooks",
    origin: "ours",
    meaning: "Webhooks of one team.",
    unit: "webhooks of one team",
    templates: { trial: 10, enterprise: 25, saas: 10 },
  },
];

/** The feature of that name, or undefined when the catalog has none. */
export function findFeature(namespace: Namespace, key: string): FeatureEntry | undefined {
  return features.find((entry) => entry.namespace === namespace && entry.key === key);
}

/** The quota of that name, or undefined when the catalog has none. */
export function findQuota(namespace: Namespace, key: string): QuotaEntry | undefined {
  return quotas.find((entry) => entry.namespace === namespace && entry.key === key);
}

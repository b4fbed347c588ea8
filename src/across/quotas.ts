/**
 * Quotas with their use, for who looks before they make something.
 *
 * Rule: used is counted by the very query by which the operation that makes things counts. What no operation of this
 * build counts yet has no use (null); a test refuses a quota in the table of operations that is not counted here.
 */
import { assert } from "../fault.ts";
import { keyCounters } from "../credentials/caps.ts";
import { query, type QueryAct } from "../gate/operation.ts";
import { countUsers, maxUsers } from "../identity/people.ts";
import { quotas } from "../license/catalog.ts";
import type { Namespace } from "../license/document.ts";
import { licenseStates, type Qualified } from "../license/entitlements.ts";
import type { Reader } from "../store/store.ts";
import { requireMembership } from "../teams/membership.ts";
import { countMembers, maxMembers } from "../teams/seats.ts";
import { countWebhooks, maxWebhooks } from "../webhooks/webhook-rows.ts";
import { countOwned, countTeams, maxOwnedTeams, maxTeams } from "../teams/teams.ts";

/** Whose use is counted. A counter of the namespace `team` is asked only where there is one. */
interface Subject {
  readonly userId: string;
  readonly teamId: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

interface Counter {
  readonly quota: Qualified;
  count(reader: Reader, subject: Subject): PromiseLike<readonly { readonly count: number }[]>;
}

export const counters: readonly Counter[] = [
  { quota: maxUsers, count: (reader) => countUsers(reader) },
  { quota: maxTeams, count: (reader) => countTeams(reader) },
  { quota: maxOwnedTeams, count: (reader, { userId }) => countOwned(reader, userId) },
  { quota: maxMembers, count: (reader, { teamId }) => countMembers(reader, teamId) },
  ...keyCounters,
  { quota: maxWebhooks, count: (reader, { teamId }) => countWebhooks(reader, teamId) },
];

export interface QuotaUse {
  readonly namespace: Namespace;
  readonly key: string;
  /** -1 unlimited, 0 disabled, above 0 a hard cap. Everything is 0 while the license is not good. */
  readonly limit: number;
  /** Null for what is not counted yet. It can be above the limit: lowering a cap deletes nothing. */
  readonly used: number | null;
}

async function usesOf(act: QueryAct, namespace: Namespace, subject: Subject): Promise<readonly QuotaUse[]> {
  const isOpen = licenseStates[act.entitlements.state].open;
  const found: QuotaUse[] = [];
  for (const { key } of quotas.filter((quota) => quota.namespace === namespace)) {
    const counter = counters.find(({ quota }) => quota.namespace === namespace && quota.key === key);
    const [counted] = counter === undefined ? [] : await counter.count(act.reader, subject);
    found.push({ namespace, key, limit: isOpen ? act.limit({ namespace, key }) : 0, used: counted?.count ?? null });
  }
  return found;
}

/** Of the caller's account, of the team they speak in if any, and for administrators of the deployment. */
export const readQuotas = query("quota.read", async (act, _input: undefined): Promise<{ readonly quota_list: readonly QuotaUse[] }> => {
  const { reader, caller, services } = act;
  assert(caller.kind === "user" || caller.kind === "device", "the row admits people only");
  const subject: Subject = { userId: caller.userId, teamId: caller.teamId ?? "", now: services.clock.now() };
  if (caller.teamId !== undefined) await requireMembership(reader, caller, "quota.read");
  const isShown: Readonly<Record<Namespace, boolean>> = { account: true, team: caller.teamId !== undefined, global: caller.kind === "user" && caller.isAdministrator };
  const lists = await Promise.all((["account", "team", "global"] as const).filter((namespace) => isShown[namespace]).map((namespace) => usesOf(act, namespace, subject)));
  return { quota_list: lists.flat() };
});

/** Of the deployment, for its operator: what administrators see of it. */
export const readDeploymentQuotas = query("quota.read_deployment", async (act, _input: undefined): Promise<{ readonly quota_list: readonly QuotaUse[] }> => ({
  quota_list: await usesOf(act, "global", { userId: "", teamId: "", now: act.services.clock.now() }),
}));

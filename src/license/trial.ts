/**
 * What a trial key may sign at most. Fixed here, so that even its holder cannot make a trial worth a license.
 */
/** Days from first use, at most. */
export const TRIAL_DAYS_MAX = 30;

/** The largest value of each quota a trial may carry; a quota that is not named here must be 0 or absent. */
export const trialQuotasMax = {
  global: { max_users: 25, max_teams: 5, max_agents: 5, max_concurrent_tasks: 10 },
  account: { max_owned_teams: 5 },
  team: { max_agents: 5, max_members: 25, max_integration_keys: 10, max_concurrent_tasks: 10, max_webhooks: 10 },
} as const;

/** The part of a license that a trial's bounds look at. */
interface Terms {
  readonly activation?: { readonly days: number };
  readonly binding: { readonly kind: string };
  readonly quotas: Readonly<Record<keyof typeof trialQuotasMax, Readonly<Record<string, number>>>>;
}

function largest(namespace: keyof typeof trialQuotasMax, key: string): number {
  return new Map<string, number>(Object.entries(trialQuotasMax[namespace])).get(key) ?? 0;
}

/** The sentence that says which bound of a trial `license` breaks, or undefined when it stays inside. */
export function trialBreach(license: Terms): string | undefined {
  if (license.activation === undefined || license.activation.days > TRIAL_DAYS_MAX) {
    return `a trial license is activated for at most ${TRIAL_DAYS_MAX} days`;
  }
  if (license.binding.kind !== "any" && license.binding.kind !== "first_use") {
    return "a trial license is bound to nothing or to its first host";
  }
  for (const namespace of ["global", "account", "team"] as const) {
    for (const [key, value] of Object.entries(license.quotas[namespace])) {
      if (value < 0 || value > largest(namespace, key)) {
        return `a trial license may carry at most ${largest(namespace, key)} for the quota ${namespace}.${key}`;
      }
    }
  }
  return undefined;
}

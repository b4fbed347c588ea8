/**
 * Templates: the terms a new license starts from, before the signing desk changes anything.
 *
 * Rule: pure. Features and quotas come from the catalog alone, every key of it written out, so that a file says what
 * it grants even to a reader who has no catalog.
 */
import { features, quotas, type TemplateName } from "./catalog.ts";
import type { License, Namespace } from "./document.ts";
import { TRIAL_DAYS_MAX } from "./trial.ts";

/** Everything of a license but who it is for and when it holds. */
export type Terms = Pick<
  License,
  "template" | "features" | "quotas" | "lease_seconds" | "grace_seconds" | "clock_tolerance_seconds" | "activation" | "critical"
>;

const LEASE_SECONDS = 300;
const GRACE_SECONDS = 86_400;
/** A minute is what time services step by when they start; a little more, so that none of them is an anomaly. */
const CLOCK_TOLERANCE_SECONDS = 90;

interface Row<T> {
  readonly namespace: Namespace;
  readonly key: string;
  readonly templates: Readonly<Record<TemplateName, T>>;
}

function valuesOf<T>(rows: readonly Row<T>[], namespace: Namespace, template: TemplateName): Record<string, T> {
  return Object.fromEntries(rows.filter((row) => row.namespace === namespace).map((row) => [row.key, row.templates[template]]));
}

function byNamespace<T>(rows: readonly Row<T>[], template: TemplateName): Record<Namespace, Record<string, T>> {
  return {
    global: valuesOf(rows, "global", template),
    account: valuesOf(rows, "account", template),
    team: valuesOf(rows, "team", template),
  };
}

/** The terms of `template`. A trial ends so many days after its first use. */
export function termsOf(template: TemplateName): Terms {
  return {
    template,
    features: byNamespace(features, template),
    quotas: byNamespace(quotas, template),
    lease_seconds: LEASE_SECONDS,
    grace_seconds: GRACE_SECONDS,
    clock_tolerance_seconds: CLOCK_TOLERANCE_SECONDS,
    critical: [],
    ...(template === "trial" ? { activation: { days: TRIAL_DAYS_MAX } } : {}),
  };
}

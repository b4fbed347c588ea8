/**
 * The payload of a license to be signed: from a template, or from the license it renews, with what the desk changes.
 *
 * Rule: pure. Whether the result is a good license is for `readLicense` to say, which every signed file passes before
 * it is handed out; nothing is checked twice here.
 */
import type { TemplateName } from "../license/catalog.ts";
import { type License, LICENSE_FORMAT, type Namespace } from "../license/document.ts";
import { termsOf } from "../license/templates.ts";

/** One feature or quota set otherwise than the template has it. */
export interface Setting<T> {
  readonly namespace: Namespace;
  readonly key: string;
  readonly value: T;
}

/** What the command line changes; undefined leaves it. */
export interface Changes {
  readonly customer_id: string | undefined;
  readonly customer_name: string | undefined;
  readonly deployment_id: string | undefined;
  readonly sequence: number | undefined;
  readonly binding: License["binding"] | undefined;
  readonly activation_days: number | undefined;
  readonly lease_seconds: number | undefined;
  readonly grace_seconds: number | undefined;
  readonly clock_tolerance_seconds: number | undefined;
  readonly features: readonly Setting<boolean>[];
  readonly quotas: readonly Setting<number>[];
}

/** When the new license holds, epoch seconds, and its own name. */
export interface Issue {
  readonly license_id: string;
  readonly issued_at: number;
  readonly not_before: number;
  readonly expires_at: number;
}

/** The members in the order in which people read them; the order has no meaning to a reader. */
export function inReadingOrder(license: License): License {
  const { activation } = license;
  return {
    format: license.format,
    license_id: license.license_id,
    customer: { id: license.customer.id, name: license.customer.name },
    deployment_id: license.deployment_id,
    sequence: license.sequence,
    template: license.template,
    issued_at: license.issued_at,
    not_before: license.not_before,
    expires_at: license.expires_at,
    binding: license.binding,
    ...(activation === undefined ? {} : { activation: { days: activation.days } }),
    features: license.features,
    quotas: license.quotas,
    lease_seconds: license.lease_seconds,
    grace_seconds: license.grace_seconds,
    clock_tolerance_seconds: license.clock_tolerance_seconds,
    critical: license.critical,
  };
}

function withSettings<T>(base: Record<Namespace, Record<string, T>>, settings: readonly Setting<T>[]): Record<Namespace, Record<string, T>> {
  const result = { global: { ...base.global }, account: { ...base.account }, team: { ...base.team } };
  for (const { namespace, key, value } of settings) result[namespace][key] = value;
  return result;
}

function changed(base: License, changes: Changes): License {
  const days = changes.activation_days ?? base.activation?.days;
  const { activation: _, ...rest } = base;
  return inReadingOrder({
    ...rest,
    customer: { id: changes.customer_id ?? base.customer.id, name: changes.customer_name ?? base.customer.name },
    deployment_id: changes.deployment_id ?? base.deployment_id,
    sequence: changes.sequence ?? base.sequence,
    binding: changes.binding ?? base.binding,
    ...(days === undefined ? {} : { activation: { days } }),
    features: withSettings(base.features, changes.features),
    quotas: withSettings(base.quotas, changes.quotas),
    lease_seconds: changes.lease_seconds ?? base.lease_seconds,
    grace_seconds: changes.grace_seconds ?? base.grace_seconds,
    clock_tolerance_seconds: changes.clock_tolerance_seconds ?? base.clock_tolerance_seconds,
  });
}

/** A new license from a template. Bound to nothing unless the changes say otherwise; sequence 1. */
export function fromTemplate(template: TemplateName, issue: Issue, changes: Changes): License {
  const base: License = {
    ...termsOf(template),
    ...issue,
    format: LICENSE_FORMAT,
    customer: { id: "", name: "" },
    deployment_id: "",
    sequence: 1,
    binding: { kind: "any" },
  };
  return changed(base, changes);
}

/** The license that takes the place of `old`: its terms, the next sequence, new dates, and the changes. */
export function renewed(old: License, issue: Issue, changes: Changes): License {
  return changed({ ...old, ...issue, sequence: old.sequence + 1 }, changes);
}

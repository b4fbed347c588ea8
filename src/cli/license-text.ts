/** A license as people read it, and as `--json` gives it. Pure. */
import type { SignedLicense } from "../license/document.ts";
import type { SignedRevocation } from "../license/revocation.ts";

const namespaces = ["global", "account", "team"] as const;

/** Epoch seconds as an instant in UTC that is easy on the eye. */
export function instantText(seconds: number): string {
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

type License = SignedLicense["license"];

function bindingText({ binding }: License): string {
  switch (binding.kind) {
    case "any":
      return "not bound";
    case "first_use":
      return "the host it is first used on";
    case "host":
      return `a host that shows ${binding.required} of ${binding.fingerprints.length} known parts`;
    case "cluster":
      return `the clusters ${binding.ids.join(", ")}`;
  }
}

function quotaText(limit: number): string {
  return limit < 0 ? "unlimited" : limit === 0 ? "disabled" : String(limit);
}

function featureLine(license: License, namespace: (typeof namespaces)[number]): string {
  const on = Object.entries(license.features[namespace]).flatMap(([key, isOn]) => (isOn ? [key] : []));
  return on.length === 0 ? "none" : on.join(", ");
}

function quotaLine(license: License, namespace: (typeof namespaces)[number]): string {
  const entries = Object.entries(license.quotas[namespace]).map(([key, limit]) => `${key} ${quotaText(limit)}`);
  return entries.length === 0 ? "none" : entries.join(", ");
}

/** Whether the license's own dates hold at `now`, epoch seconds; a trial's days are counted by the License Server. */
export function datesAt(license: License, now: number): "in_force" | "not_yet_valid" | "expired" {
  if (now < license.not_before) return "not_yet_valid";
  return now >= license.expires_at ? "expired" : "in_force";
}

const datesText = { in_force: "now in force", not_yet_valid: "not valid yet", expired: "over" } as const;

/** The lines that describe a revocation. */
export function revocationLines({ revocation, key }: SignedRevocation): readonly string[] {
  return [
    `Revocation   ${revocation.revocation_id}, sequence ${revocation.sequence}`,
    `Revokes      the license ${revocation.license_id} and every earlier one of its deployment`,
    `Deployment   ${revocation.deployment_id}`,
    `Issued       ${instantText(revocation.issued_at)}`,
    `Reason       ${revocation.reason}`,
    `Signed by    ${key.kid} (${key.purpose} key of this build)`,
  ];
}

/** The lines that describe a license; `now` in epoch seconds. */
export function licenseLines({ license, key }: SignedLicense, now: number): readonly string[] {
  const trial = license.activation === undefined ? "" : `, ${license.activation.days} days from first use`;
  return [
    `License      ${license.license_id}, sequence ${license.sequence}, template ${license.template}`,
    `Customer     ${license.customer.name} (${license.customer.id})`,
    `Deployment   ${license.deployment_id}`,
    `Valid        ${instantText(license.not_before)} to ${instantText(license.expires_at)}${trial}; ${datesText[datesAt(license, now)]}`,
    `Issued       ${instantText(license.issued_at)}`,
    `Bound to     ${bindingText(license)}`,
    ...namespaces.map((namespace) => `Features     ${namespace}: ${featureLine(license, namespace)}`),
    ...namespaces.map((namespace) => `Quotas       ${namespace}: ${quotaLine(license, namespace)}`),
    `Signed by    ${key.kid} (${key.purpose} key of this build)`,
  ];
}

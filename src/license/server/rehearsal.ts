/**
 * What a license file would do, said before it is installed.
 *
 * Rule: pure; compares the judged file with the license in force.
 */
import type { Candidate } from "./candidate.ts";
import type { License, Namespace } from "../document.ts";
import type { Moment } from "./in-force.ts";
import { revocationReason } from "../revocation.ts";
import { isOpen, type LicenseStanding } from "./standing.ts";

type Value = string | number | boolean | null;

export interface Difference {
  /** Member of the license, such as `expires_at` or `quotas.team.max_agents`. */
  readonly key: string;
  readonly from: Value;
  readonly to: Value;
}

export interface LicenseTest {
  readonly outcome: "accepted" | "unchanged" | "refused";
  /** Stable word of the refusal; null when it is not refused. */
  readonly refusal: string | null;
  readonly message: string;
  /** The state the deployment would be in. */
  readonly state: LicenseStanding["state"];
  readonly license: Pick<License, "license_id" | "deployment_id" | "template" | "sequence" | "issued_at" | "not_before" | "expires_at"> | null;
  readonly differences: readonly Difference[];
  readonly warnings: readonly string[];
}

const namespaces: readonly Namespace[] = ["global", "account", "team"];

function flattened(license: License): ReadonlyMap<string, Value> {
  const { license_id, deployment_id, template, sequence, not_before, expires_at, binding, lease_seconds, grace_seconds, clock_tolerance_seconds } = license;
  const plain = { license_id, deployment_id, template, sequence, not_before, expires_at, lease_seconds, grace_seconds, clock_tolerance_seconds };
  const flat = new Map<string, Value>([...Object.entries(plain), ["customer.name", license.customer.name], ["binding", binding.kind]]);
  for (const namespace of namespaces) {
    for (const [key, on] of Object.entries(license.features[namespace])) flat.set(`features.${namespace}.${key}`, on);
    for (const [key, cap] of Object.entries(license.quotas[namespace])) flat.set(`quotas.${namespace}.${key}`, cap);
  }
  return flat;
}

/** What an absent key means: a feature that is off, a quota of 0. */
function absent(key: string): Value {
  if (key.startsWith("features.")) return false;
  return key.startsWith("quotas.") ? 0 : null;
}

function differencesOf(from: License, to: License): readonly Difference[] {
  const before = flattened(from);
  const after = flattened(to);
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].flatMap((key) => {
    const difference = { key, from: before.get(key) ?? absent(key), to: after.get(key) ?? absent(key) };
    return difference.from === difference.to ? [] : [difference];
  });
}

function isLess({ key, from, to }: Difference): boolean {
  if (key.startsWith("features.")) return from === true;
  if (!key.startsWith("quotas.") || typeof from !== "number" || typeof to !== "number") return false;
  return to !== -1 && (from === -1 || to < from);
}

function warningsOf(differences: readonly Difference[], from: License, to: License): readonly string[] {
  const warnings = differences.filter(isLess).map(({ key, from: old, to: now }) => `${key} goes from ${old} to ${now}.`);
  if (to.expires_at < from.expires_at) warnings.push("It ends earlier than the license in force.");
  if (to.deployment_id !== from.deployment_id) warnings.push("It is for another deployment id.");
  if (to.customer.id !== from.customer.id) warnings.push("It is for another customer.");
  return warnings;
}

function factsOf({ license_id, deployment_id, template, sequence, issued_at, not_before, expires_at }: License): LicenseTest["license"] {
  return { license_id, deployment_id, template, sequence, issued_at, not_before, expires_at };
}

/** The answer for a revocation that was not taken yet. */
function testOfRevocation({ revocation, standing }: Extract<Candidate, { kind: "revoking" }>, { accepted, standing: now }: Moment): LicenseTest {
  const isShutting = isOpen(now.state) && !isOpen(standing.state);
  return {
    outcome: "accepted",
    refusal: null,
    message: `The file is a revocation and would be accepted. ${revocationReason(revocation)}`,
    state: standing.state,
    license: accepted === undefined ? null : factsOf(accepted.license),
    differences: now.state === standing.state ? [] : [{ key: "state", from: now.state, to: standing.state }],
    warnings: isShutting ? ["It ends the license in force at once and without grace; only a license that the vendor issues later opens again."] : [],
  };
}

/** The test's answer for a file that was judged at `moment`. */
export function testOf(candidate: Candidate, moment: Moment): LicenseTest {
  const { accepted, standing } = moment;
  const current = accepted?.license;
  if (candidate.kind === "revoking") return testOfRevocation(candidate, moment);
  if (candidate.kind === "unchanged" || candidate.kind === "known_revocation") {
    const license = current === undefined ? null : factsOf(current);
    const message = candidate.kind === "unchanged" ? "This is the license in force." : "This revocation was taken before.";
    return { outcome: "unchanged", refusal: null, message, state: standing.state, license, differences: [], warnings: [] };
  }
  const { license } = candidate;
  const differences = license === undefined || current === undefined ? [] : differencesOf(current, license);
  const warnings = license === undefined || current === undefined ? [] : warningsOf(differences, current, license);
  const facts = { license: license === undefined ? null : factsOf(license), differences };
  if (candidate.kind === "refused") {
    return { outcome: "refused", refusal: candidate.problem.refusal, message: candidate.problem.message, state: standing.state, ...facts, warnings };
  }
  const shut = isOpen(candidate.standing.state) ? [] : [`It would not open anything: ${candidate.standing.reason}`];
  return { outcome: "accepted", refusal: null, message: "The file would be accepted.", state: candidate.standing.state, ...facts, warnings: [...shut, ...warnings] };
}

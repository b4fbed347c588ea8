/**
 * `inspect`: verifies a license or a revocation with the public keys and tells everything in it.
 *
 * Rule: the content of a file that does not verify is never shown; it would be somebody's word for nothing.
 */
import { resolve } from "node:path";
import type { License, Namespace, SignedLicense } from "../license/document.ts";
import { openVendorFile } from "../license/vendor-file.ts";
import { type Answer, type Command, nowSeconds, shownInstant } from "./command.ts";
import { keysDirOption, loadTrustedKeys } from "./key-files.ts";
import { shownRevocation } from "./revoke.ts";
import { openFile } from "./signing.ts";

function shownBinding({ binding }: License): string {
  switch (binding.kind) {
    case "any":
      return "nothing";
    case "first_use":
      return "the host of its first use";
    case "host":
      return `a host with ${binding.required} of these parts: ${binding.fingerprints.join(" ")}`;
    case "cluster":
      return `a cluster: ${binding.ids.join(" ")}`;
  }
}

function inForce({ not_before, expires_at }: License, now: number): "not_yet" | "yes" | "ended" {
  if (now < not_before) return "not_yet";
  return now < expires_at ? "yes" : "ended";
}

const inWords = { not_yet: "not yet in force", yes: "in force", ended: "ended" } as const;

function namespaces<T>(map: Readonly<Record<Namespace, Readonly<Record<string, T>>>>, show: (value: T) => string): readonly string[] {
  return (["global", "account", "team"] as const).flatMap((namespace) =>
    Object.entries(map[namespace]).map(([key, value]) => `  ${`${namespace}.${key}`.padEnd(34)} ${show(value)}`),
  );
}

/** The license as lines for people. Pure. */
export function shownLicense({ license, key }: SignedLicense, now: number): string {
  const { activation, customer } = license;
  return [
    `license     ${license.license_id} (${license.template}, format ${license.format})`,
    `customer    ${customer.name} (${customer.id})`,
    `deployment  ${license.deployment_id}, sequence ${license.sequence}`,
    `issued      ${shownInstant(license.issued_at)}`,
    `holds       ${shownInstant(license.not_before)} to ${shownInstant(license.expires_at)}: ${inWords[inForce(license, now)]}`,
    ...(activation === undefined ? [] : [`activation  ends ${activation.days} days after its first use`]),
    `bound to    ${shownBinding(license)}`,
    `leases      ${license.lease_seconds} s, grace ${license.grace_seconds} s, clock tolerance ${license.clock_tolerance_seconds} s`,
    ...(license.critical.length === 0 ? [] : [`critical    ${license.critical.join(" ")}`]),
    "features",
    ...namespaces(license.features, (on) => (on ? "on" : "off")),
    "quotas",
    ...namespaces(license.quotas, (limit) => (limit === -1 ? "unlimited" : String(limit))),
    `signed by   ${key.kid} (${key.purpose}): the signature is good`,
  ].join("\n");
}

export const inspect: Command = {
  name: "inspect",
  summary: "Verify a license or a revocation and show everything in it.",
  operands: ["FILE"],
  options: { "keys-dir": keysDirOption },
  notes: ["A license that has ended is still a good file: exit 0. A file that is refused: exit 7, with the reason's word."],
  run(desk, given): Answer {
    given.mistakes.refuse();
    const trusted = loadTrustedKeys(resolve(desk.directory, given.value("keys-dir") ?? ""));
    const signed = openFile(resolve(desk.directory, given.operands[0] ?? ""), (file) => openVendorFile(file, trusted));
    if (signed.kind === "revocation") {
      const { key, revocation } = signed;
      return { json: { kid: key.kid, purpose: key.purpose, revocation }, text: shownRevocation(signed) };
    }
    const now = nowSeconds(desk);
    return {
      json: { kid: signed.key.kid, purpose: signed.key.purpose, in_force: inForce(signed.license, now), license: signed.license },
      text: shownLicense(signed, now),
    };
  },
};

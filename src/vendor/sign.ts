/**
 * `sign`: makes a license file from a template, a complete payload, or the license it renews.
 *
 * Rule: what the line says is interpreted here; the key and the proof that the file is good are `signing.ts`.
 */
import { resolve } from "node:path";
import { signJws } from "../crypto/jws.ts";
import { parseStrictJson, StrictJsonError } from "../crypto/strict-json.ts";
import { Fault } from "../fault.ts";
import { type TemplateName, templateNames } from "../license/catalog.ts";
import { type KeyPurpose, type License, LICENSE_TYP, openLicense, type SignedLicense, type TrustedKey } from "../license/document.ts";
import type { Arguments, Options } from "./arguments.ts";
import { type Answer, type Command, type Desk, nowSeconds, shownInstant } from "./command.ts";
import { readFile } from "./files.ts";
import { loadTrustedKeys } from "./key-files.ts";
import { type Changes, fromTemplate, type Issue, renewed } from "./payload.ts";
import { checked, keyFor, keyOptions, openFile, type Read, writeVerified } from "./signing.ts";
import { type BindingChoice, bindingOf, featureSettings, hostBindingIn, instantOf, numberOf, quotaSettings } from "./values.ts";

const DAY_SECONDS = 86_400;
const SEQUENCE_MAX = 999_999_999_999_999;

const sources = ["template", "from", "renew"] as const;
const ends = ["expires", "days", "expires-in-seconds"] as const;

/** Options that shape the payload; none of them goes with `--from`, whose payload is complete. */
const payloadOptions = {
  "license-id": { kind: "value", placeholder: "ID", says: "name of this very license (default: a new UUID)" },
  "customer-id": { kind: "value", placeholder: "ID", says: "the customer in your books" },
  "customer-name": { kind: "value", placeholder: "NAME", says: "the customer as people read it" },
  "deployment-id": { kind: "value", placeholder: "ID", says: "the installation the license is for" },
  sequence: { kind: "value", placeholder: "N", says: "grows with each re-issue for a deployment (default: 1; with --renew one more than before)" },
  "not-before": { kind: "value", placeholder: "DATE", says: "first moment (default: now)" },
  expires: { kind: "value", placeholder: "DATE", says: "end: 2027-06-30 (its first moment, UTC) or 2027-06-30T12:00:00Z" },
  days: { kind: "value", placeholder: "N", says: "end: so many days after the first moment" },
  "expires-in-seconds": { kind: "value", placeholder: "N", says: "end: so many seconds from now, for tests and demonstrations" },
  binding: { kind: "value", placeholder: "B", says: "any, first-use, host:FILE or cluster:ID,ID (default: any; with --renew as before)" },
  "binding-required": { kind: "value", placeholder: "N", says: "with host:FILE: how many parts must be found (default: two thirds)" },
  "activation-days": { kind: "value", placeholder: "N", says: "trial only: days from first use (default: 30)" },
  feature: { kind: "list", placeholder: "NAMESPACE.KEY=on|off", says: "a feature otherwise than the template has it; may be repeated" },
  quota: { kind: "list", placeholder: "NAMESPACE.KEY=N|unlimited", says: "a quota otherwise than the template has it; may be repeated" },
  "lease-seconds": { kind: "value", placeholder: "N", says: "life of a lease, 5 to 86400 (default: 300)" },
  "grace-seconds": { kind: "value", placeholder: "N", says: "how long a lease is obeyed without a License Server, up to 86400 (default: 86400)" },
  "clock-tolerance-seconds": { kind: "value", placeholder: "N", says: "how far the clock may step back, 1 to 3600 (default: 90)" },
} as const satisfies Options;

const options = {
  template: { kind: "value", placeholder: "NAME", says: "start from a template: trial, enterprise or saas" },
  renew: { kind: "value", placeholder: "FILE", says: "start from a license: its terms, the next sequence, new dates" },
  from: { kind: "value", placeholder: "FILE", says: "sign this complete JSON payload as it is" },
  ...payloadOptions,
  out: { kind: "value", placeholder: "FILE", says: "the license file to write (default: DEPLOYMENT-SEQUENCE.lic)" },
  ...keyOptions,
} as const satisfies Options;

function chosen(given: Arguments, names: readonly string[]): readonly string[] {
  return names.filter((name) => given.has(name));
}

function refuseMixture(given: Arguments): void {
  const from = chosen(given, sources);
  if (from.length !== 1) given.mistakes.add("Give one of --template, --renew and --from.");
  if (given.has("from")) {
    for (const name of chosen(given, Object.keys(payloadOptions))) given.mistakes.add(`--${name} does not go with --from, whose payload is complete.`);
    return;
  }
  if (chosen(given, ends).length !== 1) given.mistakes.add("Give one of --expires, --days and --expires-in-seconds.");
  if (!given.has("template")) return;
  for (const name of ["customer-id", "customer-name", "deployment-id"]) if (!given.has(name)) given.mistakes.add(`--${name} is missing.`);
}

function templateOf(given: Arguments): TemplateName | undefined {
  const text = given.value("template");
  if (text === undefined) return undefined;
  const name = templateNames.find((template) => template === text);
  if (name === undefined) given.mistakes.add(`There is no template "${text}"; there are: ${templateNames.join(", ")}.`);
  return name;
}

function issueOf(desk: Desk, given: Arguments): Issue {
  const now = nowSeconds(desk);
  const notBefore = instantOf(given, "not-before") ?? now;
  const days = numberOf(given, "days", [1, 36_500]);
  const seconds = numberOf(given, "expires-in-seconds", [1, 315_360_000]);
  const end = instantOf(given, "expires") ?? (days === undefined ? now + (seconds ?? 0) : notBefore + days * DAY_SECONDS);
  return {
    license_id: given.value("license-id") ?? desk.services.random.uuid(),
    issued_at: now,
    not_before: notBefore,
    expires_at: end,
  };
}

/** The changes on the line, the binding still to be made. */
function changesOf(given: Arguments): Omit<Changes, "binding"> {
  return {
    customer_id: given.value("customer-id"),
    customer_name: given.value("customer-name"),
    deployment_id: given.value("deployment-id"),
    sequence: numberOf(given, "sequence", [1, SEQUENCE_MAX]),
    activation_days: numberOf(given, "activation-days", [1, 30]),
    lease_seconds: numberOf(given, "lease-seconds", [5, 86_400]),
    grace_seconds: numberOf(given, "grace-seconds", [0, 86_400]),
    clock_tolerance_seconds: numberOf(given, "clock-tolerance-seconds", [1, 3_600]),
    features: featureSettings(given),
    quotas: quotaSettings(given),
  };
}

function bindingFor(choice: BindingChoice | undefined, required: number | undefined, deploymentId: string): License["binding"] | undefined {
  if (choice === undefined) return undefined;
  if (choice.kind === "cluster") return { kind: "cluster", ids: [...choice.ids] };
  if (choice.kind !== "host") return { kind: choice.kind };
  const host = hostBindingIn(choice.path, required);
  if (host.deploymentId === undefined || host.deploymentId === deploymentId) return host.binding;
  throw new Fault("invalid_request", `The host parts were hashed for the deployment ${host.deploymentId}, not for ${deploymentId}.`, {
    hint: "Ask the customer to run cyberun license fingerprint with this deployment id.",
  });
}

function reader(trusted: readonly TrustedKey[]): Read<SignedLicense> {
  return (file) => openLicense(file, trusted);
}

function payloadIn(path: string): object {
  try {
    const payload = parseStrictJson(readFile(path));
    if (typeof payload === "object" && payload !== null) return payload;
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause;
    throw new Fault("invalid_request", `${path} is not strict JSON: ${cause.message}.`, { cause });
  }
  throw new Fault("invalid_request", `${path} is not a JSON object.`);
}

function purposeFor(payload: object): KeyPurpose {
  return "template" in payload && payload.template === "trial" ? "trial" : "license";
}

/** A renewal that its deployment would refuse as older is a slip at the desk, not a license. */
function refuseStandstill(old: License, next: License): License {
  if (next.deployment_id !== old.deployment_id || next.sequence > old.sequence) return next;
  throw new Fault("invalid_request", `A renewal needs a sequence above ${old.sequence}, not ${next.sequence}.`, {
    hint: "Leave --sequence out: a renewal takes the next one.",
  });
}

function answer(path: string, { license, key }: SignedLicense): Answer {
  const { license_id, deployment_id, sequence, template, not_before, expires_at } = license;
  return {
    json: { file: path, kid: key.kid, license_id, deployment_id, sequence, template, not_before, expires_at },
    text: [
      `wrote      ${path}`,
      `license    ${license_id} (${template})`,
      `deployment ${deployment_id}, sequence ${sequence}`,
      `holds      ${shownInstant(not_before)} to ${shownInstant(expires_at)}`,
      `signed by  ${key.kid} (${key.purpose}); read back and verified`,
    ].join("\n"),
  };
}

/** Everything the line says, interpreted; mistakes are refused before any file is opened. */
function payloadMaker(desk: Desk, given: Arguments): (trusted: readonly TrustedKey[]) => object {
  const at = (name: string) => resolve(desk.directory, given.value(name) ?? "");
  refuseMixture(given);
  const template = templateOf(given);
  const issue = issueOf(desk, given);
  const partial = changesOf(given);
  const choice = bindingOf(desk, given);
  const required = numberOf(given, "binding-required", [1, 64]);
  if (required !== undefined && choice?.kind !== "host") given.mistakes.add("--binding-required goes with --binding host:FILE.");
  given.mistakes.refuse();
  return (trusted) => {
    if (given.has("from")) return payloadIn(at("from"));
    const old = given.has("renew") ? openFile(at("renew"), reader(trusted)).license : undefined;
    const deploymentId = given.value("deployment-id") ?? old?.deployment_id ?? "";
    const changes: Changes = { ...partial, binding: bindingFor(choice, required, deploymentId) };
    return old === undefined ? fromTemplate(template ?? "enterprise", issue, changes) : refuseStandstill(old, renewed(old, issue, changes));
  };
}

export const sign: Command = {
  name: "sign",
  summary: "Sign a license file; it is read back and verified before success is reported.",
  operands: [],
  options,
  notes: [
    "One of --template, --renew and --from says where the payload comes from.",
    "Nothing is ever overwritten. A license that a reader would refuse is not written (exit 7).",
  ],
  run(desk, given): Answer {
    const makePayload = payloadMaker(desk, given);
    const trusted = loadTrustedKeys(resolve(desk.directory, given.value("keys-dir") ?? ""));
    const payload = makePayload(trusted);
    const text = `${signJws(LICENSE_TYP, keyFor(desk, given, { purpose: purposeFor(payload), trusted }), payload)}\n`;
    const read = reader(trusted);
    const { deployment_id, sequence } = checked(Buffer.from(text), read).license;
    const path = resolve(desk.directory, given.value("out") ?? `${deployment_id}-${sequence}.lic`);
    return answer(path, writeVerified(path, text, read));
  },
};

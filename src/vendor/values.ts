/**
 * Values of options as typed things: numbers, instants, bindings, features, quotas.
 *
 * Rule: pure but for the one file a host binding names. A value that is wrong adds a sentence to the mistakes and gives
 * undefined, so that one run shows every mistake.
 */
import { resolve } from "node:path";
import { Fault } from "../fault.ts";
import { features, findFeature, findQuota, quotas } from "../license/catalog.ts";
import type { License, Namespace } from "../license/document.ts";
import type { Arguments } from "./arguments.ts";
import type { Desk } from "./command.ts";
import { readFile } from "./files.ts";
import type { Setting } from "./payload.ts";

/** A whole number from `min` to `max`, or undefined when the option is absent or wrong. */
export function numberOf(given: Arguments, name: string, [min, max]: readonly [number, number]): number | undefined {
  const text = given.value(name);
  if (text === undefined || text === "") return undefined;
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  given.mistakes.add(`--${name} is a whole number from ${min} to ${max}, not "${text}".`);
  return undefined;
}

const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$/;

/** Epoch seconds of `2027-06-30` (its first moment, UTC) or `2027-06-30T12:00:00Z`. */
export function instantOf(given: Arguments, name: string): number | undefined {
  const text = given.value(name);
  if (text === undefined || text === "") return undefined;
  const full = text.includes("T") ? text : `${text}T00:00:00Z`;
  const at = DATE.test(text) ? Date.parse(full) : Number.NaN;
  // A day that the month does not have is carried over by the parser; written back it differs.
  if (!Number.isNaN(at) && new Date(at).toISOString().startsWith(full.slice(0, 19))) return at / 1000;
  given.mistakes.add(`--${name} is a date such as 2027-06-30 or 2027-06-30T12:00:00Z, not "${text}".`);
  return undefined;
}

interface Assignment {
  readonly namespace: Namespace;
  readonly key: string;
  readonly value: string;
}

const ASSIGNMENT = /^(global|account|team)\.([a-z][a-z0-9_]*)=(.*)$/;

function assignmentOf(text: string): Assignment | undefined {
  const [, namespace, key, value] = ASSIGNMENT.exec(text) ?? [];
  if ((namespace !== "global" && namespace !== "account" && namespace !== "team") || key === undefined || value === undefined) {
    return undefined;
  }
  return { namespace, key, value };
}

interface SettingKind<T> {
  readonly option: "feature" | "quota";
  readonly form: string;
  readonly names: readonly { readonly namespace: Namespace; readonly key: string }[];
  isKnown(namespace: Namespace, key: string): boolean;
  valueOf(text: string): T | undefined;
}

function settingsOf<T>(given: Arguments, kind: SettingKind<T>): readonly Setting<T>[] {
  const { option } = kind;
  return given.list(option).flatMap((text) => {
    const assignment = assignmentOf(text);
    const value = assignment === undefined ? undefined : kind.valueOf(assignment.value);
    if (assignment === undefined || value === undefined) {
      given.mistakes.add(`--${option} has the form ${kind.form}, not "${text}".`);
      return [];
    }
    const { namespace, key } = assignment;
    if (kind.isKnown(namespace, key)) return [{ namespace, key, value }];
    const known = kind.names.map((entry) => `${entry.namespace}.${entry.key}`).join(", ");
    given.mistakes.add(`There is no ${option} ${namespace}.${key}; the catalog has: ${known}.`);
    return [];
  });
}

export function featureSettings(given: Arguments): readonly Setting<boolean>[] {
  return settingsOf(given, {
    option: "feature",
    form: "NAMESPACE.KEY=on|off",
    names: features,
    isKnown: (namespace, key) => findFeature(namespace, key) !== undefined,
    valueOf: (text) => (text === "on" ? true : text === "off" ? false : undefined),
  });
}

export function quotaSettings(given: Arguments): readonly Setting<number>[] {
  return settingsOf(given, {
    option: "quota",
    form: "NAMESPACE.KEY=N|unlimited",
    names: quotas,
    isKnown: (namespace, key) => findQuota(namespace, key) !== undefined,
    valueOf: (text) => (text === "unlimited" || text === "-1" ? -1 : /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined),
  });
}

interface HostParts {
  readonly fingerprints: readonly string[];
  readonly required: number | undefined;
  readonly deploymentId: string | undefined;
}

/** Either what `cyberun license fingerprint --json` prints, or one host part a line. */
function hostPartsIn(text: string): HostParts {
  if (!text.trimStart().startsWith("{")) {
    return { fingerprints: text.split(/\s+/).filter((word) => word !== ""), required: undefined, deploymentId: undefined };
  }
  const json: unknown = JSON.parse(text);
  const member = new Map(Object.entries(typeof json === "object" && json !== null ? json : {}));
  const fingerprints: unknown = member.get("fingerprints");
  const required: unknown = member.get("required");
  const deploymentId: unknown = member.get("deployment_id");
  return {
    fingerprints: Array.isArray(fingerprints) ? fingerprints.map(String) : [],
    required: typeof required === "number" ? required : undefined,
    deploymentId: typeof deploymentId === "string" ? deploymentId : undefined,
  };
}

/** Two thirds, rounded up: a changed network card or disk is no new host, a new machine is. */
function usualRequired(parts: number): number {
  return Math.ceil((parts * 2) / 3);
}

export interface HostBinding {
  readonly binding: License["binding"];
  /** The deployment the parts were hashed for; undefined when the file does not say. */
  readonly deploymentId: string | undefined;
}

/** Reads a file of hashed host parts. Throws a Fault when there is none in it. */
export function hostBindingIn(path: string, required: number | undefined): HostBinding {
  const text = readFile(path).toString("utf8");
  let parts: HostParts;
  try {
    parts = hostPartsIn(text);
  } catch (cause) {
    throw new Fault("invalid_request", `${path} is neither JSON nor a list of host parts.`, { cause });
  }
  const { fingerprints, deploymentId } = parts;
  if (fingerprints.length === 0) throw new Fault("invalid_request", `${path} lists no host parts.`);
  return {
    binding: { kind: "host", fingerprints: [...fingerprints], required: required ?? parts.required ?? usualRequired(fingerprints.length) },
    deploymentId,
  };
}

/** What `--binding` says, before any file is read. */
export type BindingChoice =
  | { readonly kind: "any" | "first_use" }
  | { readonly kind: "host"; readonly path: string }
  | { readonly kind: "cluster"; readonly ids: readonly string[] };

export function bindingOf(desk: Desk, given: Arguments): BindingChoice | undefined {
  const text = given.value("binding");
  if (text === undefined || text === "") return undefined;
  if (text === "any") return { kind: "any" };
  if (text === "first-use") return { kind: "first_use" };
  const [, kind, rest] = /^(host|cluster):(.+)$/.exec(text) ?? [];
  if (kind === "host" && rest !== undefined) return { kind, path: resolve(desk.directory, rest) };
  if (kind === "cluster" && rest !== undefined) return { kind, ids: rest.split(",") };
  given.mistakes.add(`--binding is any, first-use, host:FILE or cluster:ID,ID, not "${text}".`);
  return undefined;
}

/**
 * Binding: whether a license belongs to this host or cluster.
 *
 *     any         belongs everywhere
 *     first_use   remembers the host of its first use; later at least half of the kinds of parts remembered then must
 *                 be found again, and two of them where there are two. A kind (machine-id, board, mac, disk) is found
 *                 when any one of its parts is, so that a host with eight network cards is not eight times a card.
 *     host        lists hashed parts and how many of them must be found (k of n)
 *     cluster     lists cluster ids; the configured one must be among them
 *
 * Rule: pure. Parts are read by `host-parts.ts`; what was remembered is kept by the License Server.
 */
import { unreachable } from "../../fault.ts";
import { partName } from "./host-parts.ts";

/** The binding of a license (`document.ts`), read-only. */
export type Binding =
  | { readonly kind: "any" | "first_use" }
  | HostBinding
  | { readonly kind: "cluster"; readonly ids: readonly string[] };

interface HostBinding {
  readonly kind: "host";
  readonly fingerprints: readonly string[];
  readonly required: number;
}

export interface BindingFacts {
  /** The host's parts as they are now, hashed for the license's deployment. */
  readonly parts: readonly string[];
  /** The configured cluster id. */
  readonly clusterId: string | undefined;
  /** What a `first_use` license of this deployment was bound to; undefined before its first use. */
  readonly boundParts: readonly string[] | undefined;
}

export type BindingVerdict =
  | { readonly kind: "bound"; /** Kinds of parts that have changed since, for a warning. */ readonly changed: readonly string[] }
  | { readonly kind: "newly_bound"; readonly parts: readonly string[] }
  | { readonly kind: "not_bound"; readonly reason: string };

function namesOf(parts: readonly string[]): readonly string[] {
  return [...new Set(parts.map(partName))];
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}

/** How many kinds of parts have to be found again when `count` were remembered. */
export function kindsRequired(count: number): number {
  return Math.max(Math.min(2, count), Math.ceil(count / 2));
}

function checkFirstUse({ parts, boundParts }: BindingFacts): BindingVerdict {
  if (boundParts === undefined) {
    if (parts.length > 0) return { kind: "newly_bound", parts };
    return {
      kind: "not_bound",
      reason: "The license binds itself to its first host, and no part of this host can be read; in a container mount the host's /etc/machine-id.",
    };
  }
  const remembered = namesOf(boundParts);
  const found = namesOf(boundParts.filter((part) => parts.includes(part)));
  const changed = remembered.filter((name) => !found.includes(name));
  const required = kindsRequired(remembered.length);
  if (remembered.length > 0 && found.length >= required) return { kind: "bound", changed };
  return {
    kind: "not_bound",
    reason: `The license was first used on another host: of ${listed(remembered)} at least ${required} must be the same, and ${listed(changed)} differ.`,
  };
}

function checkHost({ fingerprints, required }: HostBinding, parts: readonly string[]): BindingVerdict {
  const missing = fingerprints.filter((part) => !parts.includes(part));
  if (fingerprints.length - missing.length >= required) return { kind: "bound", changed: namesOf(missing) };
  return {
    kind: "not_bound",
    reason: `The license names ${fingerprints.length} parts of its host and needs ${required}; ${fingerprints.length - missing.length} were found here. Not found: ${listed(namesOf(missing))}.`,
  };
}

function checkCluster(ids: readonly string[], clusterId: string | undefined): BindingVerdict {
  if (clusterId !== undefined && ids.includes(clusterId)) return { kind: "bound", changed: [] };
  return {
    kind: "not_bound",
    reason:
      clusterId === undefined
        ? "The license is bound to a cluster and no cluster id is configured here (CYBERUN_CLUSTER_ID)."
        : `The license is bound to other clusters than ${clusterId}.`,
  };
}

/** Whether a license with this `binding` belongs here. The reason names kinds of parts, never a value. */
export function checkBinding(binding: Binding, facts: BindingFacts): BindingVerdict {
  switch (binding.kind) {
    case "any":
      return { kind: "bound", changed: [] };
    case "first_use":
      return checkFirstUse(facts);
    case "host":
      return checkHost(binding, facts.parts);
    case "cluster":
      return checkCluster(binding.ids, facts.clusterId);
    default:
      return unreachable(binding);
  }
}

/**
 * What narrows a key: scopes, for integrations, and the networks it may be used from.
 *
 * Rule: nothing given is no restriction, and an empty list is refused, because it would mean either everything or
 * nothing. What the store holds is read so that damage and words of a newer build allow less, never more.
 */
import { isWithin } from "../addresses.ts";
import { findNetwork, findPeerAddress, networkText } from "../cidr.ts";
import { Fault, invalidField } from "../fault.ts";
import { isScope, type Scope, scopeNames } from "../gate/scopes.ts";
import type { CredentialKind } from "./kinds.ts";

const CIDRS_MAX = 50;

export interface RestrictionInput {
  /** Integration keys only; without it the key has all of the runtime surface. */
  readonly scopes?: readonly string[] | undefined;
  /** IPv4 and IPv6 networks; without it the key may be used from everywhere. */
  readonly allowed_cidrs?: readonly string[] | undefined;
}

/** As the row keeps them: JSON arrays, each entry once and in its one form. */
export interface StoredRestrictions {
  readonly scopes: string | null;
  readonly allowed_cidrs: string | null;
}

function requireScopes(kind: CredentialKind, given: readonly string[] | undefined): readonly Scope[] | undefined {
  if (given === undefined) return undefined;
  if (kind !== "integration") throw invalidField("scopes", "is for integration keys only");
  if (given.length === 0) throw invalidField("scopes", "is left out for a key with all scopes, and otherwise names one at least");
  if (!given.every(isScope)) throw invalidField("scopes", `is a list of ${scopeNames.join(", ")}`);
  return scopeNames.filter((scope) => given.includes(scope));
}

function requireNetworks(given: readonly string[] | undefined): readonly string[] | undefined {
  if (given === undefined) return undefined;
  if (given.length === 0) throw invalidField("allowed_cidrs", "is left out for a key that works from everywhere, and otherwise names one network at least");
  if (given.length > CIDRS_MAX) throw invalidField("allowed_cidrs", `names ${CIDRS_MAX} networks at most`);
  const networks = given.map(findNetwork);
  const texts = networks.flatMap((network) => (network === undefined ? [] : networkText(network)));
  if (texts.length === given.length) return [...new Set(texts)];
  const place = networks.indexOf(undefined);
  throw invalidField(`allowed_cidrs/${place}`, "is no network in the form of 192.0.2.0/24 or 2001:db8::/32, with no bits behind the prefix, and no single address");
}

/** Throws Fault `invalid_request` for what cannot be meant. */
export function requireRestrictions(kind: CredentialKind, { scopes, allowed_cidrs }: RestrictionInput): StoredRestrictions {
  const stored = (list: readonly string[] | undefined) => (list === undefined ? null : JSON.stringify(list));
  return { scopes: stored(requireScopes(kind, scopes)), allowed_cidrs: stored(requireNetworks(allowed_cidrs)) };
}

/** The texts in a stored list; undefined for no restriction. */
export function readList(stored: string | null): readonly string[] | undefined {
  if (stored === null) return undefined;
  const list: unknown = JSON.parse(stored);
  return Array.isArray(list) ? list.filter((text): text is string => typeof text === "string") : [];
}

/** The scopes of a key; undefined for all. Words that this build does not know are none. */
export function readScopes(stored: string | null): readonly Scope[] | undefined {
  return readList(stored)?.filter(isScope);
}

function isAllowedFrom(networks: readonly string[], address: string | undefined): boolean {
  const found = address === undefined ? undefined : findPeerAddress(address);
  if (found === undefined) return false;
  return networks.some((text) => {
    const network = findNetwork(text);
    return network !== undefined && isWithin(network, found);
  });
}

/**
 * Throws Fault `forbidden` when a good key is shown from outside of its networks. The address is told, because a proxy
 * that is not named in the configuration is the usual reason; which networks are allowed is not.
 */
export function requireAllowedFrom(stored: string | null, address: string | undefined): void {
  const networks = readList(stored);
  if (networks === undefined || isAllowedFrom(networks, address)) return;
  throw new Fault("forbidden", "The key may not be used from this address.", {
    hint: `The request came from ${address ?? "nowhere"}. Use the key from one of its allowed networks, or make a key for this one.`,
    details: { address: address ?? null },
  });
}

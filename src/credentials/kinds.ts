/**
 * The kinds of credential, and the family of key each one has.
 *
 *     integration  sk-   runtime API and MCP for one team; no person
 *     agent        ak-   the gateway, nothing else
 *     device       dk-   a person within one team; made by pairing only
 */
import type { KeyFamily } from "../crypto/tokens.ts";

export const credentialKinds = ["integration", "agent", "device"] as const;
export type CredentialKind = (typeof credentialKinds)[number];

export const familyOf = { integration: "sk", agent: "ak", device: "dk" } as const satisfies Record<CredentialKind, KeyFamily>;

/** The kind of that name, or undefined. */
export function findKind(text: string | undefined): CredentialKind | undefined {
  return credentialKinds.find((kind) => kind === text);
}

/** The kind whose keys are of `family`. */
export function kindOf(family: KeyFamily): CredentialKind {
  switch (family) {
    case "sk":
      return "integration";
    case "ak":
      return "agent";
    case "dk":
      return "device";
  }
}

export type KeyStatus = "active" | "expired" | "revoked";

interface Ends {
  readonly revoked_at: number | null;
  readonly expires_at: number | null;
}

/** Revoked outlasts expired: it was somebody's decision. */
export function statusOf({ revoked_at, expires_at }: Ends, now: number): KeyStatus {
  if (revoked_at !== null) return "revoked";
  return expires_at !== null && expires_at <= now ? "expired" : "active";
}

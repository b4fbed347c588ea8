/**
 * Who asks. Made by `http/authenticate` from a credential, or by the CLI for the operator on the host.
 *
 * Rule: identity comes from the credential alone, never from a body or a query.
 */

import type { Scope } from "./scopes.ts";

export type CallerKind = "anonymous" | "user" | "device" | "integration" | "agent" | "lease_client" | "operator" | "system";

/** What a caller calls an attempt, so that its repeat does the deed once. */
export interface Attempt {
  readonly key: string;
  /** Set by the gate: the answer is the one that was given before. */
  isReplay: boolean;
}

/** How the call came. */
interface From {
  /** Where it came from, for audit and limits. Undefined for calls that cross no socket. */
  readonly address?: string | undefined;
  readonly attempt?: Attempt | undefined;
}

/** What a person of another site may be here, by the rules for that site. */
export interface Visitor {
  readonly siteId: string;
  /** Undefined: every team that they are a member of. */
  readonly teamIds: readonly string[] | undefined;
  /** The largest role that counts, whatever the membership says. */
  readonly roleMax: string;
}

/** A person: by access token (`X-Team-ID` chooses the team) or by dashboard cookie. */
export interface UserCaller extends From {
  readonly kind: "user";
  readonly userId: string;
  readonly sessionId: string;
  readonly isAdministrator: boolean;
  /** Taken from `X-Team-ID`; membership is checked by the operation, in its transaction. */
  readonly teamId: string | undefined;
  /** Set for a person who came with another site's token: they change nobody's way in here, not even their own. */
  readonly visitor?: Visitor | undefined;
}

/** A paired device (`dk-`): a person within one team. */
export interface DeviceCaller extends From {
  readonly kind: "device";
  readonly credentialId: string;
  readonly userId: string;
  readonly teamId: string;
  /** Which of the credential's secrets was shown: what opened a stream has to stay good while it is open. */
  readonly keyPrefix?: string | undefined;
}

/** An integration (`sk-`) or an agent (`ak-`): one team, no person. */
export interface TeamCaller extends From {
  readonly kind: "integration" | "agent";
  readonly credentialId: string;
  readonly teamId: string;
  /** As for a device. */
  readonly keyPrefix?: string | undefined;
  /** What an integration key is narrowed to; undefined for all that its kind may do. */
  readonly scopes?: readonly Scope[] | undefined;
}

/** A role that proved its enrolled client key to the License Server. */
export interface LeaseClientCaller extends From {
  readonly kind: "lease_client";
  readonly clientId: string;
}

/** Nobody yet (`anonymous`), whoever holds the data directory on the host (`operator`), or a job of ours (`system`). */
export interface PlainCaller extends From {
  readonly kind: "anonymous" | "operator" | "system";
}

export type Caller = UserCaller | DeviceCaller | TeamCaller | LeaseClientCaller | PlainCaller;

export const operator: Caller = { kind: "operator" };
export const system: Caller = { kind: "system" };

/** The caller as audit and logs name it: `kind:id`, or the kind alone. */
export function actorOf(caller: Caller): string {
  switch (caller.kind) {
    case "user":
      return `user:${caller.userId}`;
    case "device":
    case "integration":
    case "agent":
      return `${caller.kind}:${caller.credentialId}`;
    case "lease_client":
      return `lease_client:${caller.clientId}`;
    default:
      return caller.kind;
  }
}

/**
 * What browsers are asked for (WebAuthn level 3 sections 5.1.3 and 5.1.4 in their JSON forms).
 *
 * Rule: wishes only. A browser may do otherwise, so whatever matters is checked again in `verification.ts`.
 */
import { encodeBase64url } from "../../crypto/base64url.ts";
import { CHALLENGE_SECONDS } from "./challenges.ts";
import type { RelyingParty } from "./relying-party.ts";
import { algorithms } from "./verification.ts";

export interface Descriptor {
  readonly type: "public-key";
  readonly id: string;
  readonly transports: readonly string[];
}

export interface CreationOptions {
  readonly rp: { readonly id: string; readonly name: string };
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly challenge: string;
  readonly pubKeyCredParams: readonly { readonly type: "public-key"; readonly alg: number }[];
  readonly timeout: number;
  readonly attestation: "none";
  readonly excludeCredentials: readonly Descriptor[];
  readonly authenticatorSelection: { readonly residentKey: "preferred"; readonly requireResidentKey: false; readonly userVerification: "preferred" };
}

export interface RequestOptions {
  readonly challenge: string;
  readonly rpId: string;
  readonly timeout: number;
  readonly userVerification: "required" | "preferred";
  /** Empty: whichever passkey of this site the person chooses. */
  readonly allowCredentials: readonly Descriptor[];
}

export interface Owner {
  readonly id: string;
  readonly emailAddress: string;
  readonly displayName: string;
}

interface Creation {
  readonly party: RelyingParty;
  readonly siteName: string;
  readonly owner: Owner;
  readonly challenge: string;
  readonly known: readonly Descriptor[];
}

const timeout = CHALLENGE_SECONDS * 1_000;

/** What the store's columns mean to a browser. */
export function descriptorOf(passkey: { readonly credential_id: string; readonly transports: string }): Descriptor {
  const transports: unknown = JSON.parse(passkey.transports);
  return { type: "public-key", id: passkey.credential_id, transports: Array.isArray(transports) ? transports.map(String) : [] };
}

/** Discoverable where the authenticator has room, so that no name has to be typed. */
export function creationOptions({ party, siteName, owner, challenge, known }: Creation): CreationOptions {
  return {
    rp: { id: party.id, name: siteName },
    // The id that an authenticator gives back; it says nothing about the person (section 14.6.1).
    user: { id: encodeBase64url(owner.id), name: owner.emailAddress, displayName: owner.displayName },
    challenge,
    pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key" as const, alg })),
    timeout,
    attestation: "none",
    excludeCredentials: known,
    authenticatorSelection: { residentKey: "preferred", requireResidentKey: false, userVerification: "preferred" },
  };
}

export function requestOptions(party: RelyingParty, asked: Pick<RequestOptions, "challenge" | "allowCredentials" | "userVerification">): RequestOptions {
  return { ...asked, rpId: party.id, timeout };
}

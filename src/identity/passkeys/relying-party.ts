/**
 * Who asks for passkeys: the issuer.
 *
 * A passkey is bound to a host name for good (the relying party id) and is made and used by pages of one origin. That is
 * the issuer's, where people sign in: its address is configured, never taken from a header, and it is the one address
 * that cannot change anyway, because it is the issuer's name in every token. So the API, whose address may be another,
 * shows no passkey page of its own; programs hand on what a page of the issuer's origin has made.
 */
import { isIP } from "node:net";
import { Fault } from "../../fault.ts";
import type { Settings } from "../../settings.ts";

export interface RelyingParty {
  /** WebAuthn level 3 section 5.1.2: a host name, without port. */
  readonly id: string;
  /** The one origin whose pages count, compared as a whole: no suffix, no other port. */
  readonly origin: string;
}

/** The relying party; undefined where browsers would refuse: an address without a name, or a name without https that is not localhost. */
export function findRelyingParty({ issuerUrl }: Pick<Settings, "issuerUrl">): RelyingParty | undefined {
  const { hostname, origin, protocol } = new URL(issuerUrl);
  const isName = isIP(hostname) === 0 && !hostname.startsWith("[");
  const isSecure = protocol === "https:" || hostname === "localhost" || hostname.endsWith(".localhost");
  return isName && isSecure ? { id: hostname, origin } : undefined;
}

/** Throws Fault `unavailable` where there can be no passkeys. */
export function requireRelyingParty(settings: Pick<Settings, "issuerUrl">): RelyingParty {
  const found = findRelyingParty(settings);
  if (found !== undefined) return found;
  throw new Fault("unavailable", "This deployment cannot use passkeys: browsers want the issuer to have a host name and https.", {
    hint: "The operator sets issuer_url to an https address with a name; for a trial, http://localhost with the port.",
  });
}

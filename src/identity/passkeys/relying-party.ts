/**
 * Who asks for passkeys: the issuer.
 *
 * A passkey is bound to a host name for good (the relying party id). That is the issuer's, where people sign in: its
 * address is configured, never taken from a header, and it is the one address that cannot change anyway, because it is
 * the issuer's name in every token. Passkeys are made on the issuer's own pages. They are used there, and at the
 * dashboard where browsers let them: when its host is the issuer's or lies below it. Elsewhere the dashboard asks for a
 * code, and programs hand on what a page of the issuer's origin has made.
 */
import { isIP } from "node:net";
import { Fault } from "../../fault.ts";
import type { Settings } from "../../settings.ts";

export interface RelyingParty {
  /** WebAuthn level 3 section 5.1.2: a host name, without port. */
  readonly id: string;
  /** The configured origins whose pages count, each compared as a whole: no suffix, no other port. */
  readonly origins: readonly string[];
}

type Addresses = Pick<Settings, "issuerUrl" | "publicUrl">;

function isSecure({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || hostname === "localhost" || hostname.endsWith(".localhost");
}

/** The relying party; undefined where browsers would refuse: an address without a name, or a name without https that is not localhost. */
export function findRelyingParty({ issuerUrl, publicUrl }: Addresses): RelyingParty | undefined {
  const [issuer, dashboard] = [new URL(issuerUrl), new URL(publicUrl)];
  const id = issuer.hostname;
  const isName = isIP(id) === 0 && !id.startsWith("[");
  if (!isName || !isSecure(issuer)) return undefined;
  const isBelow = dashboard.hostname === id || dashboard.hostname.endsWith(`.${id}`);
  return { id, origins: isBelow && isSecure(dashboard) ? [issuer.origin, dashboard.origin] : [issuer.origin] };
}

/** Whether pages at `siteUrl` may ask for passkeys. */
export function mayAskAt(settings: Addresses, siteUrl: string): boolean {
  return findRelyingParty(settings)?.origins.includes(new URL(siteUrl).origin) === true;
}

/** Throws Fault `unavailable` where there can be no passkeys. */
export function requireRelyingParty(settings: Addresses): RelyingParty {
  const found = findRelyingParty(settings);
  if (found !== undefined) return found;
  throw new Fault("unavailable", "This deployment cannot use passkeys: browsers want the issuer to have a host name and https.", {
    hint: "The operator sets issuer_url to an https address with a name; for a trial, http://localhost with the port.",
  });
}

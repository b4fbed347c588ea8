/**
 * The address of a webhook, as far as it can be judged without a look at the network; the dialler judges it again at every
 * attempt, with what its name leads to then.
 *
 * Rule: a refusal here is a kindness to whoever typed the address, and the dialler's is what protects.
 */
import { findAddressBytes } from "../addresses.ts";
import { problemOfAddresses, requireDestination } from "../dialler.ts";
import { invalidField } from "../fault.ts";
import type { Settings } from "../settings.ts";

const URL_CHARACTERS_MAX = 2_048;

export interface Target {
  readonly webhook_url: string;
  /** What has a limit on calls at a time: host and port. */
  readonly host: string;
}

/** Throws Fault `invalid_request` for what can never be called. */
export function requireTarget({ dialAllow }: Pick<Settings, "dialAllow">, given: unknown): Target {
  if (typeof given !== "string" || !given.startsWith("https://") || given.length > URL_CHARACTERS_MAX) {
    throw invalidField("webhook_url", `is an address that begins with https:// and has at most ${URL_CHARACTERS_MAX} characters`);
  }
  // Tabs and line ends, which the parser would drop, and what is not ASCII have an escaped spelling.
  if (!/^[!-~]+$/.test(given)) throw invalidField("webhook_url", "has characters that an address cannot have");
  const destination = requireDestination(given);
  const { url, hostname } = destination;
  const isAddress = findAddressBytes(hostname) !== undefined;
  if (isAddress && problemOfAddresses(destination, [hostname], dialAllow) !== undefined) {
    throw invalidField("webhook_url", "names an address that this deployment may not reach; the operator may allow it with CYBERUN_DIAL_ALLOW");
  }
  return { webhook_url: given, host: `${hostname}:${url.port || "443"}` };
}

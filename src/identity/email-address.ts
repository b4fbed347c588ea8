/**
 * Email addresses: one account, one bucket, one invitation for all spellings of a name.
 *
 * The address is brought to Unicode's compatibility form before it is looked at, never after: a full-width `＠` or dot
 * that turns into the plain sign later would move the border between name and domain (GHSA-7rqj-j65f-68wh).
 */
import { domainToASCII } from "node:url";
import { invalidField } from "../fault.ts";

/** RFC 5321 section 4.5.3.1, as corrected by RFC 3696 erratum 1690. */
const ADDRESS_BYTES_MAX = 254;
const LOCAL_BYTES_MAX = 64;
const DOMAIN_CHARACTERS_MAX = 253;
/** RFC 5322 atoms and RFC 6531 letters; no quoted names, no comments, no control or white space of any script. */
const LOCAL = /^[^\p{C}\p{Z}"(),:;<>@[\\\]]+$/u;
const DOMAIN_TYPED = /^[\p{L}\p{M}\p{N}.-]+$/u;
const DOMAIN_ASCII = /^(?=.*[a-z])[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

export interface EmailAddress {
  /** As it is shown and written to: the name as typed, the domain in ASCII. */
  readonly address: string;
  /** The same for all spellings. */
  readonly key: string;
}

/** Upper before lower case: `ß`/`ss` and the two small sigmas fall together as well. */
function folded(text: string): string {
  return text.toUpperCase().toLowerCase().normalize("NFKC");
}

/** The address, or undefined when `text` is none. */
export function findEmailAddress(text: string): EmailAddress | undefined {
  if (text.length > ADDRESS_BYTES_MAX || !text.isWellFormed()) return undefined;
  const [local, typedDomain, ...more] = text.trim().normalize("NFKC").split("@");
  if (local === undefined || typedDomain === undefined || more.length > 0) return undefined;
  if (!LOCAL.test(local) || Buffer.byteLength(local) > LOCAL_BYTES_MAX || !DOMAIN_TYPED.test(typedDomain)) return undefined;
  const domain = domainToASCII(typedDomain);
  if (!DOMAIN_ASCII.test(domain) || domain.length > DOMAIN_CHARACTERS_MAX) return undefined;
  const address = `${local}@${domain}`;
  return Buffer.byteLength(address) > ADDRESS_BYTES_MAX ? undefined : { address, key: `${folded(local)}@${domain}` };
}

/** The address. Throws Fault `invalid_request` when `text` is none. */
export function requireEmailAddress(text: string): EmailAddress {
  const found = findEmailAddress(text);
  if (found === undefined) throw invalidField("email_address", "is not an email address such as name@example.com");
  return found;
}

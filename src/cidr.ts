/**
 * Networks as people name them in lists: read strictly and written in one form (RFC 4632, RFC 5952).
 *
 * Rule: pure. An IPv4 address inside IPv6 (`::ffff:192.0.2.1`) is the IPv4 address: a listener for both families sees
 * IPv4 peers in that form, and a list must not mean something else because of it.
 */
import { type AddressBytes, type AddressRange, findAddressBytes, findRange, isWithin } from "./addresses.ts";

const MAPPED_BITS = 96;
const mapped: AddressRange = { bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0], prefixBits: MAPPED_BITS };

/** The address of a peer, or undefined for text that is none. */
export function findPeerAddress(text: string): AddressBytes | undefined {
  const bytes = findAddressBytes(text);
  return bytes !== undefined && isWithin(mapped, bytes) ? bytes.slice(12) : bytes;
}

/**
 * The network that `text` names: `10.0.0.0/8`, `2001:db8::/32`, or one address. Undefined for anything else, also for a
 * network with bits behind its prefix: whoever writes `10.1.2.3/8` means something else than what they get.
 */
export function findNetwork(text: string): AddressRange | undefined {
  // `/08` has two readings.
  const range = /\/0\d/.test(text) ? undefined : findRange(text);
  if (range === undefined || range.prefixBits < MAPPED_BITS || !isWithin(mapped, range.bytes)) return range;
  return { bytes: range.bytes.slice(12), prefixBits: range.prefixBits - MAPPED_BITS };
}

/** The longest run of zero groups, two at least and the first of equals: what `::` stands for (RFC 5952 section 4.2). */
function longestZeros(groups: readonly number[]): { readonly at: number; readonly length: number } {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < groups.length; at += 1) {
    const end = groups.findIndex((group, index) => index >= at && group !== 0);
    const length = (end < 0 ? groups.length : end) - at;
    if (length > best.length) best = { at, length };
  }
  return best;
}

function ipv6Text(bytes: AddressBytes): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0));
  const texts = groups.map((group) => group.toString(16));
  const { at, length } = longestZeros(groups);
  return at < 0 ? texts.join(":") : `${texts.slice(0, at).join(":")}::${texts.slice(at + length).join(":")}`;
}

/** An address in its one form. */
export function addressText(bytes: AddressBytes): string {
  return bytes.length === 4 ? bytes.join(".") : ipv6Text(bytes);
}

/** The one form in which a network is kept and shown, with its prefix. */
export function networkText({ bytes, prefixBits }: AddressRange): string {
  return `${addressText(bytes)}/${prefixBits}`;
}

const SOURCE_BITS_V6 = 64;

/**
 * What limits and counts take for one source: an IPv4 address, or an IPv6 network of 64 bits, since a household or a
 * server is given a whole one (RFC 6177 section 2). Text that is no address stands for itself.
 */
export function sourceOf(address: string): string {
  const bytes = findPeerAddress(address);
  if (bytes === undefined) return address;
  if (bytes.length === 4) return addressText(bytes);
  return networkText({ bytes: bytes.map((byte, index) => (index < SOURCE_BITS_V6 / 8 ? byte : 0)), prefixBits: SOURCE_BITS_V6 });
}

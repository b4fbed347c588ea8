/**
 * IP addresses, and which of them are somebody's own network rather than the internet.
 *
 * Rule: pure. What is not known to be public is not public: IPv4 by the IANA special-purpose registry (RFC 6890), IPv6 by
 * being global unicast (RFC 4291 section 2.4) and none of the forms that lead elsewhere.
 */
import { isIP } from "node:net";

/** 4 or 16 bytes. */
export type AddressBytes = readonly number[];

/** What an address is for. Everything but `public` is refused to addresses that somebody supplied. */
export type AddressKind = "public" | "private" | "loopback" | "shared" | "link_local" | "multicast" | "reserved" | "transition";

/** A block of addresses (RFC 4632 section 3.1). */
export interface AddressRange {
  readonly bytes: AddressBytes;
  readonly prefixBits: number;
}

const RANGE = /^([0-9A-Fa-f.:]{2,45})(?:\/(\d{1,3}))?$/;

function sixteenBytes(text: string): AddressBytes | undefined {
  // The URL parser takes every spelling to one (RFC 5952), without dots.
  const host = URL.parse(`http://[${text}]/`)?.hostname;
  if (host === undefined) return undefined;
  const [head = "", tail = ""] = host.slice(1, -1).split("::");
  const words = (part: string) => (part === "" ? [] : part.split(":").map((word) => Number.parseInt(word, 16)));
  const [left, right] = [words(head), words(tail)];
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
  return all.flatMap((word) => [word >> 8, word & 0xff]);
}

/** The bytes of an address in its usual form, or undefined for text that is none. An address with a zone is none. */
export function findAddressBytes(text: string): AddressBytes | undefined {
  const version = isIP(text);
  if (version === 4) return text.split(".").map(Number);
  return version === 6 ? sixteenBytes(text) : undefined;
}

/** `10.0.0.0/8`, `fd00::/8`, or one address; undefined for anything else, also for bits beyond the prefix. */
export function findRange(text: string): AddressRange | undefined {
  const [, address = "", prefix] = RANGE.exec(text) ?? [];
  const bytes = findAddressBytes(address);
  if (bytes === undefined) return undefined;
  const prefixBits = prefix === undefined ? bytes.length * 8 : Number(prefix);
  if (prefixBits > bytes.length * 8) return undefined;
  const isBeyond = bytes.some((byte, index) => (byte & (0xff >> Math.min(8, Math.max(0, prefixBits - index * 8)))) !== 0);
  return isBeyond ? undefined : { bytes, prefixBits };
}

export function isWithin({ bytes, prefixBits }: AddressRange, address: AddressBytes): boolean {
  if (bytes.length !== address.length) return false;
  return bytes.every((byte, index) => {
    const mask = 0xff & ~(0xff >> Math.min(8, Math.max(0, prefixBits - index * 8)));
    return (byte & mask) === ((address[index] ?? 0) & mask);
  });
}

interface Block {
  readonly range: AddressRange;
  readonly kind: AddressKind;
}

function block(text: string, kind: AddressKind): Block {
  const range = findRange(text);
  if (range === undefined) throw new Error(`${text} is no range`);
  return { range, kind };
}

/** The first block that an address is in says what it is. */
const blocks: readonly Block[] = [
  block("0.0.0.0/8", "reserved"),
  block("10.0.0.0/8", "private"),
  block("100.64.0.0/10", "shared"),
  block("127.0.0.0/8", "loopback"),
  block("169.254.0.0/16", "link_local"),
  block("172.16.0.0/12", "private"),
  block("192.0.0.0/24", "reserved"),
  block("192.0.2.0/24", "reserved"),
  block("192.88.99.0/24", "transition"),
  block("192.168.0.0/16", "private"),
  block("198.18.0.0/15", "reserved"),
  block("198.51.100.0/24", "reserved"),
  block("203.0.113.0/24", "reserved"),
  block("224.0.0.0/4", "multicast"),
  block("240.0.0.0/4", "reserved"),
  block("0.0.0.0/0", "public"),
  block("::1/128", "loopback"),
  block("::/128", "reserved"),
  // Forms that carry an IPv4 address: whoever connects to one may end at that.
  block("::/96", "transition"),
  block("::ffff:0:0/96", "transition"),
  block("::ffff:0:0:0/96", "transition"),
  block("64:ff9b::/96", "transition"),
  block("64:ff9b:1::/48", "transition"),
  block("2001::/23", "transition"),
  block("2002::/16", "transition"),
  block("2001:db8::/32", "reserved"),
  block("3fff::/20", "reserved"),
  block("2000::/3", "public"),
  block("fc00::/7", "private"),
  block("fe80::/10", "link_local"),
  block("ff00::/8", "multicast"),
];

export function kindOfAddress(address: AddressBytes): AddressKind {
  return blocks.find(({ range }) => isWithin(range, address))?.kind ?? "reserved";
}

/** Where the IPv4 address stands in the forms that carry one whole: mapped, compatible, NAT64 (RFC 6052), 6to4 (RFC 3056). */
const carriers: readonly { readonly range: AddressRange; readonly at: number }[] = [
  { range: block("::ffff:0:0/96", "transition").range, at: 12 },
  { range: block("::/96", "transition").range, at: 12 },
  { range: block("64:ff9b::/96", "transition").range, at: 12 },
  { range: block("2002::/16", "transition").range, at: 2 },
];

/** The IPv4 address that an IPv6 address carries, or undefined. */
export function findCarriedAddress(address: AddressBytes): AddressBytes | undefined {
  // The loopback and the unspecified address have the compatible form too, and carry none.
  const carrier = kindOfAddress(address) === "transition" ? carriers.find(({ range }) => isWithin(range, address)) : undefined;
  return carrier === undefined ? undefined : address.slice(carrier.at, carrier.at + 4);
}

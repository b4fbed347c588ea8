/**
 * Internet addresses as numbers, and which source a limit or a count takes one for.
 *
 * A household or a server is given a whole /64 of IPv6, so that is one source (RFC 6177 section 2); IPv4 counts singly.
 * It must not know where an address comes from.
 */
import { isIP } from "node:net";

const V4_BITS = 32;
const V6_BITS = 128;
const SOURCE_BITS_V6 = 64;
const GROUPS = 8;

interface Address {
  readonly bits: typeof V4_BITS | typeof V6_BITS;
  readonly value: bigint;
}

function valueOfV4(text: string): bigint {
  return text.split(".").reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function groupsOf(text: string): readonly bigint[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [BigInt(`0x${group}`)];
    const value = valueOfV4(group);
    return [value >> 16n, value & 0xffffn];
  });
}

function valueOfV6(text: string): bigint {
  const [head = "", tail] = text.split("::");
  const left = groupsOf(head);
  const right = groupsOf(tail ?? "");
  const zeros = Array<bigint>(GROUPS - left.length - right.length).fill(0n);
  return [...left, ...zeros, ...right].reduce((value, group) => (value << 16n) | group, 0n);
}

/** Undefined for what is no address. An IPv4 address in IPv6 dress (`::ffff:192.0.2.1`) is the IPv4 one; a zone is dropped. */
function findAddress(text: string): Address | undefined {
  const [bare = ""] = text.split("%");
  const kind = isIP(bare);
  if (kind === 0) return undefined;
  if (kind === 4) return { bits: V4_BITS, value: valueOfV4(bare) };
  const value = valueOfV6(bare);
  return value >> 32n === 0xffffn ? { bits: V4_BITS, value: value & 0xffffffffn } : { bits: V6_BITS, value };
}

function textOfV4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");
}

function textOfV6(value: bigint): string {
  const groups = Array.from({ length: GROUPS }, (_, index) => (value >> BigInt(16 * (GROUPS - 1 - index))) & 0xffffn);
  // The browser's own rules write it in the one canonical form (RFC 5952).
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1);
}

/** What limits and counts take for one source: the IPv4 address, or the IPv6 network `…/64`. Other text stands for itself. */
export function sourceOf(text: string): string {
  if (!text.includes(":")) return text;
  const address = findAddress(text);
  if (address === undefined) return text;
  if (address.bits === V4_BITS) return textOfV4(address.value);
  const rest = BigInt(V6_BITS - SOURCE_BITS_V6);
  return `${textOfV6((address.value >> rest) << rest)}/${SOURCE_BITS_V6}`;
}

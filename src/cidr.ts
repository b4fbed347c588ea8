/**
 * Internet addresses and networks (RFC 4632, RFC 4291 section 2.3), read strictly and written in one form.
 *
 * Rule: pure. An IPv4 address inside IPv6 (`::ffff:192.0.2.1`) is the IPv4 address: a listener for both families sees
 * IPv4 peers in that form, and a list must not mean something else because of it.
 */

const MAPPED_PREFIX_BITS = 96;

/** 4 bytes for IPv4, 16 for IPv6. */
export type Address = readonly number[];

export interface Network {
  readonly address: Address;
  /** Leading bits that an address has to share. */
  readonly prefixBits: number;
}

const byteForm = /^(?:0|[1-9]\d{0,2})$/;
const groupForm = /^[0-9a-f]{1,4}$/i;

/** Leading zeros are refused: some readers take them for octal, so that `010.0.0.1` has two meanings. */
function findIpv4(text: string): Address | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => byteForm.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

/** The bytes of one side of `::`; the last group may be an IPv4 address. */
function findGroups(text: string, mayEndInIpv4: boolean): Address | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    const isLast = index === groups.length - 1;
    const ipv4 = isLast && mayEndInIpv4 && group.includes(".") ? findIpv4(group) : undefined;
    if (ipv4 === undefined && !groupForm.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    bytes.push(...(ipv4 ?? [value >> 8, value & 0xff]));
  }
  return bytes;
}

function findIpv6(text: string): Address | undefined {
  const halves = text.split("::");
  const [front = "", back] = halves;
  if (halves.length > 2) return undefined;
  const first = findGroups(front, back === undefined);
  const last = back === undefined ? [] : findGroups(back, true);
  if (first === undefined || last === undefined) return undefined;
  const missing = 16 - first.length - last.length;
  // `::` stands for one group at least (RFC 4291 section 2.2).
  if (back === undefined ? missing !== 0 : missing < 2) return undefined;
  return [...first, ...new Array<number>(missing).fill(0), ...last];
}

function isMapped(address: Address): boolean {
  return address.length === 16 && address.slice(0, 10).every((byte) => byte === 0) && address[10] === 0xff && address[11] === 0xff;
}

function findAny(text: string): Address | undefined {
  return text.includes(":") ? findIpv6(text) : findIpv4(text);
}

/** The address that `text` is, or undefined. Zones (`%eth0`) and everything else that is no plain address are refused. */
export function findAddress(text: string): Address | undefined {
  const address = findAny(text);
  return address !== undefined && isMapped(address) ? address.slice(12) : address;
}

/** The bits of `byte` number `index` that belong to the first `prefixBits` bits. */
function maskOf(index: number, prefixBits: number): number {
  const bits = Math.min(8, Math.max(0, prefixBits - index * 8));
  return (0xff << (8 - bits)) & 0xff;
}

function hasHostBits({ address, prefixBits }: Network): boolean {
  return address.some((byte, index) => (byte & ~maskOf(index, prefixBits)) !== 0);
}

/**
 * The network that `text` names: `10.0.0.0/8`, `2001:db8::/32`, or one address. Undefined for anything else, also for a
 * network with bits behind its prefix: whoever writes `10.1.2.3/8` means something else than what they get.
 */
export function findNetwork(text: string): Network | undefined {
  const [addressText = "", prefixText, ...more] = text.split("/");
  const address = findAny(addressText);
  if (address === undefined || more.length > 0) return undefined;
  const widthBits = address.length * 8;
  if (prefixText !== undefined && !byteForm.test(prefixText)) return undefined;
  const network = { address, prefixBits: prefixText === undefined ? widthBits : Number(prefixText) };
  if (network.prefixBits > widthBits || hasHostBits(network)) return undefined;
  if (!isMapped(address) || network.prefixBits < MAPPED_PREFIX_BITS) return network;
  return { address: address.slice(12), prefixBits: network.prefixBits - MAPPED_PREFIX_BITS };
}

export function isInNetwork({ address: network, prefixBits }: Network, address: Address): boolean {
  if (network.length !== address.length) return false;
  return network.every((byte, index) => ((byte ^ (address[index] ?? 0)) & maskOf(index, prefixBits)) === 0);
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

function ipv6Text(address: Address): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((address[2 * index] ?? 0) << 8) | (address[2 * index + 1] ?? 0));
  const texts = groups.map((group) => group.toString(16));
  const { at, length } = longestZeros(groups);
  return at < 0 ? texts.join(":") : `${texts.slice(0, at).join(":")}::${texts.slice(at + length).join(":")}`;
}

/** The one form in which a network is kept and shown, with its prefix (RFC 5952 for IPv6). */
export function networkText({ address, prefixBits }: Network): string {
  return `${address.length === 4 ? address.join(".") : ipv6Text(address)}/${prefixBits}`;
}

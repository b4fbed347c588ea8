/**
 * Where a request came from: the peer of the connection, or what a proxy that the operator trusts says about it.
 *
 * Whoever dials in can write any header, so one counts only when the peer is a configured proxy, and is read from its
 * end: each trusted proxy wrote the entry before it, and the first address that is none of them is the client's.
 * Only the one header counts that the operator names, because a proxy that appends to one passes the other on as it came.
 */
import { isWithin } from "../addresses.ts";
import { addressText, findPeerAddress } from "../cidr.ts";
import type { ForwardedHeader, TrustedProxies } from "../settings.ts";

/** Entries that are looked at, from the end: no chain of proxies is longer. */
const HOPS_MAX = 20;

/** The parts of a list header, with quoted strings left whole (RFC 9110 section 5.6.1). */
const parts = /(?:"(?:[^"\\]|\\.)*"|[^,"])+/g;
/** `for=192.0.2.1`, `for="[2001:db8::1]:4711"` among the pairs of one element (RFC 7239 section 4). */
const forPair = /(?:^|;)\s*for\s*=\s*(?:"([^"\\]*)"|([^\s;",]+))\s*(?=;|$)/i;
const withPort = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::\d{1,5})?$/;

/** The bare address of an entry, with or without brackets and port; undefined for names and obfuscated ones. */
function findEntry(entry: string): string | undefined {
  const [, v6, v4] = withPort.exec(entry) ?? [];
  const bytes = findPeerAddress(v6 ?? v4 ?? entry);
  return bytes === undefined ? undefined : addressText(bytes);
}

function entriesOf(value: string, header: ForwardedHeader): readonly string[] {
  const all = (value.match(parts) ?? []).map((part) => part.trim());
  if (header === "x-forwarded-for") return all;
  return all.map((element) => {
    const [, quoted, plain] = forPair.exec(element) ?? [];
    return quoted ?? plain ?? "";
  });
}

function isTrusted({ networks }: TrustedProxies, address: string): boolean {
  const bytes = findPeerAddress(address);
  return bytes !== undefined && networks.some((network) => isWithin(network, bytes));
}

/** The client's address; `peer` without trusted proxies, and the last proxy that can be believed when an entry says nothing. */
export function clientAddress(headers: Headers, peer: string | undefined, proxies: TrustedProxies): string | undefined {
  if (peer === undefined || proxies.networks.length === 0 || !isTrusted(proxies, peer)) return peer;
  let address = peer;
  for (const entry of entriesOf(headers.get(proxies.header) ?? "", proxies.header).slice(-HOPS_MAX).toReversed()) {
    const found = findEntry(entry);
    if (found === undefined) return address;
    address = found;
    if (!isTrusted(proxies, found)) return address;
  }
  return address;
}

/** Whose word about an address counts (advisories on trusted forwarding headers): a table of refusals longer than that of passes. */
import { describe, expect, test } from "bun:test";
import { findNetwork } from "../../src/cidr.ts";
import { clientAddress } from "../../src/http/client-address.ts";
import type { ForwardedHeader } from "../../src/settings.ts";

const networks = ["10.0.0.0/8", "2001:db8:ffff::/48"].map((text) => {
  const found = findNetwork(text);
  if (found === undefined) throw new Error(text);
  return found;
});
const PROXY = "10.0.0.1";

function seen(header: ForwardedHeader, value: string, peer = PROXY): string | undefined {
  return clientAddress(new Headers({ [header]: value }), peer, { networks, header });
}

describe("x-forwarded-for of a trusted proxy", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["192.0.2.1:4711", "192.0.2.1"],
    ["2001:db8::1", "2001:db8::1"],
    ["2001:0DB8:0:0::1", "2001:db8::1"],
    ["[2001:db8::1]:4711", "2001:db8::1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    // What the client wrote itself stands before what the proxy saw.
    ["127.0.0.1, 192.0.2.1", "192.0.2.1"],
    ["10.0.0.9, 192.0.2.1", "192.0.2.1"],
    // Two proxies of ours.
    ["6.6.6.6, 192.0.2.1, 10.9.9.9", "192.0.2.1"],
    ["192.0.2.1, 2001:db8:ffff::7", "192.0.2.1"],
    // Nobody but proxies: the farthest that is believed.
    ["10.9.9.9, 10.8.8.8", "10.9.9.9"],
  ])("%s is %s", (value, address) => expect(seen("x-forwarded-for", value)).toBe(address));

  test.each([
    ["", PROXY],
    [",", PROXY],
    ["unknown", PROXY],
    ["localhost", PROXY],
    ["192.0.2.1, unknown", PROXY],
    ["192.0.2.1, unknown, 10.9.9.9", "10.9.9.9"],
    ["192.0.2.1; 192.0.2.2", PROXY],
    ["192.0.2.256", PROXY],
    ["3221225985", PROXY],
    ["0xc0000201", PROXY],
    ["192.0.2.1:port", PROXY],
    ["[2001:db8::1", PROXY],
    ["fe80::1%eth0", PROXY],
    ['"192.0.2.1"', PROXY],
    ["for=192.0.2.1", PROXY],
  ])("%s says nothing: %s", (value, address) => expect(seen("x-forwarded-for", value)).toBe(address));
});

describe("forwarded of a trusted proxy (RFC 7239)", () => {
  test.each([
    ["for=192.0.2.1", "192.0.2.1"],
    ["For=192.0.2.1;proto=https;by=10.0.0.1", "192.0.2.1"],
    ['proto=https; for="[2001:db8::1]:4711"', "2001:db8::1"],
    ["for=6.6.6.6, for=192.0.2.1", "192.0.2.1"],
    ['for="a, for=6.6.6.6", for=192.0.2.1', "192.0.2.1"],
    ["for=192.0.2.1, for=10.9.9.9;proto=http", "192.0.2.1"],
  ])("%s is %s", (value, address) => expect(seen("forwarded", value)).toBe(address));

  test.each([["for=unknown"], ["for=_hidden"], ["by=192.0.2.1"], ["xfor=192.0.2.1"], ['for="192.0.2.1'], ["192.0.2.1"], ['by="for=6.6.6.6"'], ["proto=for=6.6.6.6"]])("%s says nothing", (value) =>
    expect(seen("forwarded", value)).toBe(PROXY),
  );
});

describe("nobody else's header counts", () => {
  test.each([["192.0.2.50"], ["127.0.0.1"], ["::1"], ["11.0.0.1"], ["2001:db8:fffe::1"]])("of %s", (peer) => expect(seen("x-forwarded-for", "192.0.2.1", peer)).toBe(peer));

  test("without trusted proxies the peer is the client, loopback included", () => {
    const headers = new Headers({ "x-forwarded-for": "192.0.2.1", forwarded: "for=192.0.2.1" });
    expect(clientAddress(headers, "127.0.0.1", { networks: [], header: "x-forwarded-for" })).toBe("127.0.0.1");
  });

  test("the header that is not the configured one passes through proxies as clients wrote it", () => {
    const headers = new Headers({ "x-forwarded-for": "192.0.2.1", forwarded: "for=6.6.6.6" });
    expect(clientAddress(headers, PROXY, { networks, header: "x-forwarded-for" })).toBe("192.0.2.1");
    expect(clientAddress(headers, PROXY, { networks, header: "forwarded" })).toBe("6.6.6.6");
  });

  test("a peer that is seen as IPv4 in IPv6 is the proxy that it is", () => expect(seen("x-forwarded-for", "192.0.2.1", "::ffff:10.0.0.1")).toBe("192.0.2.1"));

  test("only so many hops are looked at", () => {
    expect(seen("x-forwarded-for", ["192.0.2.1", ...Array.from({ length: 1_000 }, () => "10.1.1.1")].join(", "))).toBe("10.1.1.1");
  });

  test("a call that crossed no socket has no address", () => expect(clientAddress(new Headers({ "x-forwarded-for": "192.0.2.1" }), undefined, { networks, header: "x-forwarded-for" })).toBeUndefined());
});

import { describe, expect, test } from "bun:test";
import { type AddressKind, findAddressBytes, findCarriedAddress, findRange, isWithin, kindOfAddress } from "../src/addresses.ts";

function kindOf(text: string): AddressKind | undefined {
  const bytes = findAddressBytes(text);
  return bytes === undefined ? undefined : kindOfAddress(bytes);
}

/** First and last of each block, and their neighbours outside of it. */
const kinds: readonly (readonly [AddressKind, readonly string[]])[] = [
  ["public", ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0"]],
  ["public", ["172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"]],
  ["public", ["2600::1", "2606:4700:4700::1111", "2a00:1450:4001::200e", "2001:200::1", "3ffe::1"]],
  ["private", ["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255", "fc00::1", "fdff:ffff::1"]],
  ["loopback", ["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"]],
  ["shared", ["100.64.0.0", "100.127.255.255"]],
  ["link_local", ["169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::1", "febf::1"]],
  ["multicast", ["224.0.0.1", "239.255.255.255", "ff02::1"]],
  ["reserved", ["0.0.0.0", "0.255.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "240.0.0.1", "255.255.255.255"]],
  ["reserved", ["::", "2001:db8::1", "3fff:0fff::1", "4000::1", "fec0::1", "100::1", "5f00::1"]],
  ["transition", ["192.88.99.1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::ffff:0:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::", "2001::1", "2001:0:4136::1"]],
];

test.each(kinds.flatMap(([kind, addresses]) => addresses.map((address) => [address, kind] as const)))("%s is %s", (address, kind) => {
  expect(kindOf(address)).toBe(kind);
});

test.each(["", "localhost", "127.1", "0x7f.0.0.1", "2130706433", "127.0.0.1.", "256.0.0.1", "::ffff:1.2.3", "fe80::1%eth0", "[::1]", "1:2:3:4:5:6:7", "::1::", "10.0.0.0/8", " 10.0.0.1"])(
  "%j is no address",
  (text) => {
    expect(findAddressBytes(text)).toBeUndefined();
  },
);

test("every spelling of an IPv6 address is one address", () => {
  for (const text of ["::ffff:127.0.0.1", "::FFFF:7f00:1", "0:0:0:0:0:ffff:7f00:0001", "0000:0000::ffff:127.0.0.1"]) {
    expect(findAddressBytes(text)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1]);
  }
});

describe("a range", () => {
  test.each([
    ["10.0.0.0/8", "10.200.0.1", "11.0.0.0"],
    ["192.168.1.7", "192.168.1.7", "192.168.1.8"],
    ["172.16.0.0/12", "172.31.255.255", "172.32.0.0"],
    ["10.20.30.128/25", "10.20.30.129", "10.20.30.127"],
    ["0.0.0.0/0", "8.8.8.8", "::1"],
    ["fd00::/8", "fd12::1", "fc00::1"],
    ["fd00:0:0:8000::/49", "fd00:0:0:8001::1", "fd00:0:1::1"],
    ["::ffff:10.0.0.1", "::ffff:a00:1", "10.0.0.1"],
  ])("%s holds %s and not %s", (text, inside, outside) => {
    const range = findRange(text);
    if (range === undefined) throw new Error("no range");
    expect(isWithin(range, findAddressBytes(inside) ?? [])).toBe(true);
    expect(isWithin(range, findAddressBytes(outside) ?? [])).toBe(false);
  });

  test.each(["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "fd00::/129", "fd00::1/64", "a.example/8", "", "/8", "10/8"])("%j is none", (text) => {
    expect(findRange(text)).toBeUndefined();
  });
});

test("the IPv4 address inside of an IPv6 one is found", () => {
  const carried = (text: string) => findCarriedAddress(findAddressBytes(text) ?? [])?.join(".");
  expect(["::ffff:10.1.2.3", "::10.1.2.3", "64:ff9b::10.1.2.3", "2002:0a01:0203::1", "2600::1", "10.1.2.3", "::1", "::"].map(carried)).toEqual(["10.1.2.3", "10.1.2.3", "10.1.2.3", "10.1.2.3", undefined, undefined, undefined, undefined]);
});

import { describe, expect, test } from "bun:test";
import { isWithin } from "../src/addresses.ts";
import { findNetwork, findPeerAddress, networkText } from "../src/cidr.ts";

const canonical = (text: string) => {
  const network = findNetwork(text);
  return network === undefined ? undefined : networkText(network);
};

describe("a network is kept in one form", () => {
  test.each([
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["192.0.2.7", "192.0.2.7/32"],
    ["192.0.2.128/25", "192.0.2.128/25"],
    ["::/0", "::/0"],
    ["::1", "::1/128"],
    ["2001:DB8::/32", "2001:db8::/32"],
    ["2001:0db8:0000:0000:0000:0000:0000:0000/32", "2001:db8::/32"],
    ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1/128"],
    ["2001:0:0:1::", "2001:0:0:1::/128"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1/128"],
    ["fe80::/10", "fe80::/10"],
    ["::ffff:192.0.2.1", "192.0.2.1/32"],
    ["::ffff:c000:201", "192.0.2.1/32"],
    ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
    ["::FFFF:0:0/96", "0.0.0.0/0"],
    ["64:ff9b::192.0.2.1", "64:ff9b::c000:201/128"],
  ])("%s is %s", (text, form) => {
    expect(canonical(text)).toBe(form);
    expect(canonical(form)).toBe(form);
  });
});

describe("what is no network is refused", () => {
  test.each([
    "", " ", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.0/ 8", " 10.0.0.0/8", "10.0.0.0/8\n",
    "10.0.0/8", "10/8", "10.0.0.0.0", "010.0.0.1", "10.0.0.256", "0x0a.0.0.1", "167772160", "10.0.0.1e0", "١٠.0.0.1", "10.0.0.1/8", "10.1.0.0/8", "192.0.2.1/31",
    "*", "0.0.0.0/0.0.0.0", "10.0.0.0-10.0.0.9", "localhost", "example.com", "[::1]", "::1%lo", "fe80::1%eth0/64", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", ":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:", "12345::", "g::", "::1/129", "2001:db8::1/32", "::192.0.2", "1.2.3.4::", "::1.2.3.4:5",
    "::ffff:10.0.0.1/104", "::ffff:010.0.0.1", "::/0x0",
  ])("%j", (text) => {
    expect(canonical(text)).toBeUndefined();
  });
});

describe("an address is in a network or it is not", () => {
  test.each([
    ["10.0.0.0/8", "10.255.255.255", true],
    ["10.0.0.0/8", "11.0.0.0", false],
    ["10.0.0.0/8", "9.255.255.255", false],
    ["10.0.0.0/8", "::ffff:10.1.2.3", true],
    ["10.0.0.0/8", "::ffff:a01:203", true],
    ["10.0.0.0/8", "::10.1.2.3", false],
    ["192.0.2.128/25", "192.0.2.127", false],
    ["192.0.2.128/25", "192.0.2.128", true],
    ["192.0.2.7/32", "192.0.2.7", true],
    ["192.0.2.7/32", "192.0.2.6", false],
    ["0.0.0.0/0", "255.255.255.255", true],
    // The two families stay apart, except for the one form in which IPv6 carries IPv4.
    ["0.0.0.0/0", "::1", false],
    ["::/0", "127.0.0.1", false],
    ["::/0", "::ffff:127.0.0.1", false],
    ["::ffff:0:0/96", "127.0.0.1", true],
    ["::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true],
    ["2001:db8::/33", "2001:db8:7fff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["::1/128", "::1", true],
    ["::1/128", "::2", false],
  ])("%s and %s: %p", (network, address, expected) => {
    const [parsed, found] = [findNetwork(network), findPeerAddress(address)];
    expect(parsed === undefined || found === undefined ? undefined : isWithin(parsed, found)).toBe(expected);
  });

  test.each(["", "x", "10.0.0.1/32", "fe80::1%eth0", "10.0.0.1:80", "unknown"])("%j is no address", (text) => {
    expect(findPeerAddress(text)).toBeUndefined();
  });
});

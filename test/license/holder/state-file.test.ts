import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { expect, test } from "bun:test";
import { leaseSite, stateOf } from "../../support/lease-site.ts";

test("a role's state survives a restart byte for byte", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  await holder.stop();
  const before = readFileSync(site.directory.leaseState("api"), "utf8");
  site.services.replaceFetch(() => Promise.reject(new Error("the network is cut")));
  const later = await site.role("api", [server]);
  expect(stateOf(later)).toBe("ok");
  await later.stop();
  expect(readFileSync(site.directory.leaseState("api"), "utf8")).toBe(before);
});

const replaced = (text: string, pattern: RegExp, by: string) => {
  expect(text).toMatch(pattern);
  return text.replace(pattern, by);
};

/** Files that must not be believed. */
const damages: readonly (readonly [string, (text: string) => string])[] = [
  ["empty", () => ""],
  ["torn", (text) => text.slice(0, -20)],
  ["of zeros", (text) => "\0".repeat(text.length)],
  ["JSON of another kind", () => '{"format":1}\n'],
  ["of a newer format", (text) => replaced(text, /^\{"format":1/, '{"format":2')],
  ["with a higher high-water mark taken back", (text) => replaced(text, /"high_water_ms":\d+/, '"high_water_ms":0')],
  ["with a pin added", (text) => replaced(text, /"pins":\[/, `"pins":["${Buffer.alloc(32, 4).toString("base64url")}"`)],
  ["with a lower counter", (text) => replaced(text, /"counter":\d+/, '"counter":0')],
  ["with another MAC", (text) => replaced(text, /"mac":"./, text.includes('"mac":"_') ? '"mac":"A' : '"mac":"_')],
  ["with a member added outside", (text) => replaced(text, /\}\n$/, ',"more":1}\n')],
  ["too large", (text) => `${" ".repeat(300_000)}${text}`],
];

for (const [name, damage] of damages) {
  test(`a state file that is ${name} is set aside, told of, and the role starts without a lease`, async () => {
    await using site = leaseSite();
    const server = site.server();
    const path = site.directory.leaseState("api");
    await (await site.role("api", [server])).stop();
    const damaged = damage(readFileSync(path, "utf8"));
    writeFileSync(path, damaged);
    site.services.replaceFetch(() => Promise.reject(new Error("the network is cut")));
    const holder = await site.role("api", [server]);
    expect(stateOf(holder)).toBe("missing");
    expect(readFileSync(`${path}.damaged`, "utf8")).toBe(damaged);
    expect(site.log.map(({ event }) => event)).toContain("lease.state_damaged");
    site.services.replaceFetch();
    await holder.refresh();
    expect(stateOf(holder)).toBe("ok");
  });
}

test("a directory in the place of the state file is set aside too", async () => {
  await using site = leaseSite();
  const server = site.server();
  const path = site.directory.leaseState("api");
  mkdirSync(path, { recursive: true });
  const holder = await site.role("api", [server]);
  expect(stateOf(holder)).toBe("ok");
  await holder.stop();
  expect(readFileSync(path, "utf8")).toStartWith('{"format":1,');
});

test("a role whose state cannot be written goes on, says so, and writes it later", async () => {
  await using site = leaseSite();
  const server = site.server();
  const path = site.directory.leaseState("api");
  const beside = `${path}.${process.pid}.new`;
  mkdirSync(beside, { recursive: true });
  const holder = await site.role("api", [server]);
  expect(stateOf(holder)).toBe("ok");
  expect(site.log.map(({ event }) => event)).toContain("lease.state_not_written");
  expect(existsSync(path)).toBe(false);
  rmdirSync(beside);
  site.services.clock.advance(60_000);
  expect(existsSync(path)).toBe(true);
});

/** The signing desk's side of releases: the keys, the list of them, and what `bundle` refuses. What it makes is judged in `test/release`. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { minisignPublicKey } from "../../src/release/minisign.ts";
import { publicX } from "../../src/crypto/jws.ts";
import { readPrivateKey } from "../../src/vendor/private-key.ts";
import { type TestDesk, testDesk } from "../support/desk.ts";
import { smallBuild } from "../support/release.ts";

const roots = (desk: TestDesk): readonly string[] => JSON.parse(desk.read("embedded-keys/release-roots.json")).roots;
const list = (desk: TestDesk) => JSON.parse(desk.read("embedded-keys/release-keys.json"));

/** A desk with both root keys and a release key. */
function deskWithKeys(): TestDesk & { readonly key: string } {
  const desk = testDesk();
  for (const kind of ["create-root", "create-root"]) desk.json("release-keys", kind);
  return Object.assign(desk, { key: String(desk.json("release-keys", "create")["key"]) });
}

describe("the keys of releases", () => {
  test("are two roots at most, with private halves that are their owner's alone", () => {
    using desk = testDesk();
    const { key, public_key, private_key_file } = desk.json("release-keys", "create-root");
    expect(private_key_file).toBe(join(desk.directory, `vendor-keys/root-${String(key)}.pem`));
    expect(statSync(String(private_key_file)).mode & 0o777).toBe(0o600);
    expect(minisignPublicKey(publicX(readPrivateKey(desk.read(`vendor-keys/root-${String(key)}.pem`), undefined).publicKey))).toBe(String(public_key));
    desk.json("release-keys", "create-root");
    const before = desk.read("embedded-keys/release-roots.json");
    expect(desk.run("release-keys", "create-root")).toMatchObject({ exitCode: 6, error: expect.stringContaining("There are 2 root keys already.") });
    expect([desk.read("embedded-keys/release-roots.json"), readdirSync(join(desk.directory, "vendor-keys")).length]).toEqual([before, 2]);
  });

  test("need a root key to be put on the list, and are asked for before anything is made", () => {
    using desk = testDesk();
    expect(desk.run("release-keys", "create")).toMatchObject({ exitCode: 5, error: expect.stringContaining("No private root key") });
    expect(existsSync(join(desk.directory, "vendor-keys"))).toBe(false);
  });

  test("stay on the list with a serial that grows, are revoked once, and builds embed that list", () => {
    using desk = deskWithKeys();
    desk.json("release-keys", "create");
    expect(list(desk)).toMatchObject({ serial: 2, keys: [{ revoked_at: null }, { revoked_at: null }] });
    expect(desk.json("release-keys", "revoke", desk.key)).toEqual({ key: desk.key, serial: 3 });
    expect(list(desk).keys.map(({ revoked_at }: { readonly revoked_at: number | null }) => revoked_at === null)).toEqual([false, true]);
    expect(JSON.parse(desk.read("embedded-keys/release-roots.json"))).toEqual({ roots: roots(desk), known: list(desk) });
    for (const id of [desk.key, "0000000000000000"]) expect(desk.run("release-keys", "revoke", id)).toMatchObject({ exitCode: 5, error: expect.stringContaining(`There is no release key ${id} that is not revoked.`) });
    expect(list(desk).serial).toBe(3);
  });

  test("are refused from a list that somebody has changed", () => {
    using desk = deskWithKeys();
    desk.write("embedded-keys/release-keys.json", desk.read("embedded-keys/release-keys.json").replace('"serial": 1', '"serial": 9'));
    expect(desk.run("release-keys", "create")).toMatchObject({ exitCode: 6, error: expect.stringContaining("is not signed by a root key") });
  });

  test("never lie in the folder that builds embed", () => {
    using desk = testDesk();
    expect(desk.run("release-keys", "create-root", "--private-dir", "embedded-keys/private")).toMatchObject({ exitCode: 2, error: expect.stringContaining("may not be inside the folder of public keys") });
  });
});

describe("bundle refuses", () => {
  const refusals: readonly (readonly [name: string, exit: number, says: RegExp, prepare: (desk: TestDesk & { readonly key: string }) => readonly string[]])[] = [
    ["a folder that is no build", 5, /There is no .*build\.json/, () => ["elsewhere"]],
    ["a file that exists", 6, /exists already and is left as it is/, (desk) => (desk.write("out.tar.gz", "kept"), ["build", "--out", "out.tar.gz"])],
    ["a license of a stranger", 7, /This is not a good license/, (desk) => (desk.write("site.lic", "a.b.c"), ["build", "--license", "site.lic"])],
    ["facts that no executable would read", 6, /manifest of the release cannot be read/, (desk) => (desk.write("build/build.json", JSON.stringify({ version: "one", target: "linux-x64", built_at: 1, upgrades_from: "0.1.0", schema: { from: 1, to: 1 } })), ["build"])],
    ["a key that is revoked", 5, /No private release key/, (desk) => (desk.json("release-keys", "revoke", desk.key), ["build"])],
  ];

  test.each(refusals)("%s", (_name, exit, says, prepare) => {
    using desk = deskWithKeys();
    desk.json("keys", "create");
    smallBuild(join(desk.directory, "build"), "1.0.0");
    const words = prepare(desk);
    const before = readdirSync(desk.directory).toSorted();
    expect(desk.run("bundle", ...words)).toMatchObject({ exitCode: exit, error: expect.stringMatching(says) });
    expect(readdirSync(desk.directory).toSorted()).toEqual(before);
  });
});

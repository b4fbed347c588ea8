import { afterAll, expect, test } from "bun:test";
import { appendFileSync, cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostWithSystemd, listAnew, type Site, siteIn, testInShells, writeScript } from "./support/installer.ts";
import { type ReleaseDesk, releaseDesk, smallBuild } from "./support/release.ts";
import { testNeeding } from "./support/skip.ts";

const folder = mkdtempSync(join(tmpdir(), "cyberun-install-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const inShells = testInShells(folder);

function deskAt(name: string): ReleaseDesk {
  mkdirSync(join(folder, name));
  return releaseDesk(join(folder, name));
}
const desk = deskAt("desk");
const rootKeys: readonly string[] = JSON.parse(readFileSync(join(desk.keys, "release-roots.json"), "utf8")).roots;
/** The one that signed the list of release keys: the newer one. */
const rootKey = rootKeys.at(-1) ?? "";

/** What stands for the executable says yes when it is asked to judge a release, and its version to anything else. */
function buildOf(version: string, name = version): string {
  const build = smallBuild(join(folder, `build-${name}`), version);
  writeScript(join(build, "cyberun"), `[ "$1" = trial ] && echo "trial in $CYBERUN_DATA_DIR" && exit 0\necho "cyberun ${version}"`);
  return build;
}
const first = desk.bundle(buildOf("1.0.0"), "1.0.0.tar.gz");
const second = desk.bundle(buildOf("2.0.0"), "2.0.0.tar.gz");

const trusting = (site: Site, ...args: readonly string[]) => site.install("--allow-unverified", ...args);
const onlyFirst = { current: "releases/1.0.0", previous: "", releases: ["1.0.0"] };

/** The first release in use, and the second one unpacked. */
function withFirst(site: Site): void {
  site.unpack(first);
  expect(trusting(site)).toMatchObject({ exitCode: 0, stderr: "" });
  site.unpack(second);
}

inShells("a release is installed, runs, and is told with its version", (site) => {
  site.unpack(first);
  const { exitCode, stdout, stderr } = trusting(site);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toBe(`NOT verified: the sums fit, and nothing here says who made them\ninstalled ${site.link}: cyberun 1.0.0\n${site.prefix}/bin is not in your PATH\n`);
  expect([readlinkSync(site.link), statSync(site.link).mode & 0o777, site.state()]).toEqual(["../lib/cyberun/current/cyberun", 0o755, onlyFirst]);
  expect(readdirSync(site.library).toSorted()).toEqual(["current", "releases"]);
});

inShells("without a way to know who made it, it is refused, and the way is told", (site) => {
  site.unpack(first);
  expect(site.install()).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/nothing here says who made the release: .*--root-key.*--allow-unverified; nothing was changed\n$/) });
  expect(existsSync(site.prefix)).toBe(false);
});

/** Refused with this sentence, before anything was written. */
function expectRefused(site: Site, args: readonly string[], says: string): void {
  expect(site.install(...args)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(says) });
  expect(existsSync(site.prefix)).toBe(false);
}

testNeeding("minisign", "the vendor's root key is enough, and no other one is", () => {
  const site = siteIn(mkdtempSync(join(folder, "site-")), "dash");
  site.unpack(first);
  expectRefused(site, ["--root-key", rootKeys[0] ?? ""], "not signed by the key of --root-key");
  expect(site.install("--root-key", rootKey)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("verified: signed by the vendor whose root key was given") });
});

const forged: readonly (readonly [name: string, prepare: (site: Site) => void, says: string])[] = [
  ["a file and its sum changed together", ({ at }) => writeFileSync(at("licences.txt"), "other\n"), "not those of its signed manifest"],
  ["two files exchanged, with their sums", ({ at }) => (renameSync(at("sbom.cdx.json"), at("x")), renameSync(at("licences.txt"), at("sbom.cdx.json")), renameSync(at("x"), at("licences.txt"))), "not those of its signed manifest"],
  ["a manifest changed", ({ at }) => appendFileSync(at("manifest.json"), "\n"), "not signed by a release key"],
  ["the signature of another file", ({ at }) => cpSync(at("release-keys.json.minisig"), at("manifest.json.minisig")), "not signed by a release key"],
  ["no signature in the file of it", ({ at }) => writeFileSync(at("manifest.json.minisig"), ""), "not signed by a release key"],
  ["a list of keys changed", ({ at }) => appendFileSync(at("release-keys.json"), "\n"), "list of release keys is not signed"],
];
for (const [name, prepare, says] of forged) {
  testNeeding("minisign", `${name} is refused with the root key at hand`, () => {
    const site = siteIn(mkdtempSync(join(folder, "site-")), "dash");
    site.unpack(first);
    prepare(site);
    listAnew(site);
    expectRefused(site, ["--root-key", rootKey], says);
  });
}

testNeeding("minisign", "a file that the signed manifest does not name is refused though the list has it", () => {
  const site = siteIn(mkdtempSync(join(folder, "site-")), "dash");
  site.unpack(first);
  writeFileSync(site.at("extra"), "extra");
  appendFileSync(site.at("SHA256SUMS"), `${"0".repeat(64)}  extra\n`);
  listAnew(site);
  expectRefused(site, ["--root-key", rootKey], "not those of its signed manifest");
});

testNeeding("minisign", "a release that a revoked key signed is refused", () => {
  const own = deskAt("revoking");
  const site = siteIn(mkdtempSync(join(folder, "site-")), "dash");
  site.unpack(own.bundle(buildOf("1.0.0", "revoked"), "revoked.tar.gz"));
  const key = /"public_key":"(RW[^"]+)"/.exec(readFileSync(site.at("release-keys.json"), "utf8"))?.[1] ?? "";
  const id = Buffer.from(key, "base64").subarray(2, 10).reverse().toString("hex").toUpperCase();
  own.vendor("release-keys", "revoke", id);
  for (const name of ["release-keys.json", "release-keys.json.minisig"]) cpSync(join(own.keys, name), site.at(name));
  listAnew(site);
  const roots: readonly string[] = JSON.parse(readFileSync(join(own.keys, "release-roots.json"), "utf8")).roots;
  expectRefused(site, ["--root-key", roots.at(-1) ?? ""], "that is not revoked");
});

inShells("a root key without minisign is refused, and what is no key is a wrong call", (site) => {
  site.unpack(first);
  // Everything that the script needs, and minisign not.
  const names = ["id", "dirname", "pwd", "sha256sum", "cut", "cat", "find", "head", "sort"];
  const path = join(site.folder, "few");
  mkdirSync(path);
  for (const name of names) symlinkSync(Bun.which(name) ?? "", join(path, name));
  expect(site.script(["--prefix", site.prefix, "--root-key", rootKey], { PATH: path })).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("--root-key needs minisign") });
  expect(site.install("--root-key", "ABC")).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("begins with RW") });
  rmSync(join(path, "sha256sum"));
  expect(site.script(["--prefix", site.prefix], { PATH: path })).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("nothing to check sums with") });
});

inShells("a second time it changes nothing; the next release keeps the one before", (site) => {
  withFirst(site);
  site.unpack(first);
  const inodes = () => [join(site.library, "releases", "1.0.0"), join(site.library, "releases", "1.0.0", "cyberun")].map((path) => statSync(path).ino).concat([site.link, join(site.library, "current")].map((path) => lstatSync(path).ino));
  const before = inodes();
  expect(site.install().stdout).toContain("1.0.0 is in use: up to date");
  expect(inodes()).toEqual(before);
  site.unpack(second);
  expect(site.install().stdout).toContain("verified: the cyberun that is installed knows who signed it");
  expect(site.state()).toEqual({ current: "releases/2.0.0", previous: "releases/1.0.0", releases: ["1.0.0", "2.0.0"] });
  expect(Bun.spawnSync([site.link]).stdout.toString()).toBe("cyberun 2.0.0\n");
});

inShells("the no of the release that is installed is final, whatever else is given", (site) => {
  withFirst(site);
  writeScript(join(site.library, "current", "cyberun"), 'echo "cyberun: a release key of nobody" >&2; exit 6');
  for (const args of [[], ["--allow-unverified"], ["--root-key", rootKey], ["--allow-unsigned"]]) {
    expect(site.install(...args)).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/refuses this release: cyberun: a release key of nobody.*nothing was changed/) });
  }
  expect(site.state()).toEqual(onlyFirst);
});

inShells("one that is installed and cannot be run has not answered, and is repaired", (site) => {
  withFirst(site);
  site.unpack(first);
  writeFileSync(join(site.library, "current", "cyberun"), "#!/nowhere/sh\n");
  expect(site.install()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("nothing here says who made the release") });
  expect(trusting(site).exitCode).toBe(0);
  expect(Bun.spawnSync([site.link]).stdout.toString()).toBe("cyberun 1.0.0\n");
  expect(site.state()).toEqual(onlyFirst);
});

inShells("a dry run says each step and does none", (site) => {
  site.unpack(first);
  const { exitCode, stdout } = trusting(site, "--dry-run", "--trial");
  expect(exitCode).toBe(0);
  expect(stdout.split("\n").filter((line) => line.startsWith("would "))).toEqual([`would copy the release to ${site.library}/releases/1.0.0`, `would point ${site.library}/current to releases/1.0.0`, `would point ${site.link} to it`, "would start a trial"]);
  expect(existsSync(site.prefix)).toBe(false);
  trusting(site);
  expect(site.install("--uninstall", "--dry-run").stdout).toBe(`would remove ${site.link} and the releases in ${site.library}\n`);
  expect(site.state()).toEqual(onlyFirst);
});

inShells("uninstalling removes releases and links alone, and twice is no error", (site) => {
  withFirst(site);
  mkdirSync(join(site.library, "data"));
  const { exitCode, stdout } = site.install("--uninstall");
  expect([exitCode, stdout]).toEqual([0, `${site.library} holds other files and stays\nremoved ${site.link} and ${site.library}/releases; data directories, configuration, licenses and the user cyberun were left as they are\n`]);
  expect([readdirSync(site.library), readdirSync(join(site.prefix, "bin"))]).toEqual([["data"], []]);
  expect(site.install("--uninstall")).toEqual({ exitCode: 0, stdout: `nothing to remove: ${site.library}/releases does not exist\n`, stderr: "" });
});

const sumsWith = ({ at }: Site, line: string) => appendFileSync(at("SHA256SUMS"), `${line}\n`);
const zeros = "0".repeat(64);
const refusals: readonly (readonly [name: string, prepare: (site: Site) => void, says: RegExp])[] = [
  ["an executable that was changed", ({ at }) => writeFileSync(at("cyberun"), "#!/bin/sh\n"), /SHA-256 of cyberun is not the one/],
  ["a document that was changed", ({ at }) => writeFileSync(at("docs/index.html"), "other"), /SHA-256 of docs\/index\.html is not the one/],
  ["a file more", ({ at }) => writeFileSync(at("extra"), "extra"), /does not list extra/],
  ["a file more that a line told twice makes up for", (site) => (writeFileSync(site.at("extra"), "extra"), sumsWith(site, readFileSync(site.at("SHA256SUMS"), "utf8").split("\n")[0] ?? "")), /does not list extra/],
  ["a signature more", ({ at }) => writeFileSync(at("docs/a.minisig"), "extra"), /does not list docs\/a\.minisig/],
  ["a name of two lines", ({ at }) => writeFileSync(at("a\nb"), "extra"), /whose name no release has/],
  ["a link more", ({ at }) => symlinkSync("/etc/passwd", at("docs/extra")), /holds links/],
  ["a link in the place of a file", ({ at }) => (renameSync(at("licences.txt"), join(at(".."), "licences.txt")), symlinkSync("../licences.txt", at("licences.txt"))), /holds links/],
  ["a link in the place of a folder", ({ at }) => (renameSync(at("docs"), join(at(".."), "docs")), symlinkSync("../docs", at("docs"))), /holds links/],
  ["a file less", ({ at }) => rmSync(at("licences.txt")), /licences\.txt is missing/],
  ["no executable", ({ at }) => rmSync(at("cyberun")), /does not exist: unpack a release/],
  ["no list", ({ at }) => rmSync(at("SHA256SUMS")), /SHA256SUMS is missing/],
  ["an empty list", ({ at }) => writeFileSync(at("SHA256SUMS"), ""), /does not list cyberun/],
  ["no manifest", ({ at }) => rmSync(at("manifest.json")), /manifest\.json is missing/],
  ["no signature", ({ at }) => rmSync(at("manifest.json.minisig")), /manifest\.json\.minisig is missing/],
  ["a list that leads out of the folder", (site) => sumsWith(site, `${zeros}  ../install.sh`), /names a file that no release has/],
  ["a list that leads out of the folder on the way", (site) => sumsWith(site, `${zeros}  docs/../../x`), /names a file that no release has/],
  ["a list with a whole path", (site) => sumsWith(site, `${zeros}  /etc/passwd`), /names a file that no release has/],
  ["a list with two sums for a file", (site) => sumsWith(site, `${zeros}  cyberun`), /is not the one in SHA256SUMS/],
  ["a manifest whose version leads elsewhere", (site) => (writeFileSync(site.at("manifest.json"), '{\n  "version": "../../x"\n}\n'), listAnew(site)), /names a version/],
  ["an executable of another version", (site) => (writeScript(site.at("cyberun"), "echo cyberun 3.0.0"), listAnew(site)), /another version than 2\.0\.0/],
  ["an executable that does not run", (site) => (writeScript(site.at("cyberun"), "exit 1"), listAnew(site)), /does not run on this machine/],
];
for (const [name, prepare, says] of refusals) {
  inShells(`${name} is refused, and what was installed stays`, (site) => {
    withFirst(site);
    prepare(site);
    const { exitCode, stderr } = trusting(site);
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(says)]);
    expect(stderr).toEndWith("nothing was changed\n");
    expect(site.state()).toEqual(onlyFirst);
  });
}

const interruptions: readonly (readonly [name: string, copy: string, exitCode: number, says: string])[] = [
  ["that is stopped", "kill -TERM $PPID", 130, "stopped"],
  ["that finds no room", "exit 1", 1, "is there room"],
  ["of a file that changed meanwhile", 'for into; do :; done; /bin/cp "$@" && echo other >"$into/licences.txt"', 1, "SHA-256 of licences.txt is not the one"],
];
for (const [name, copy, exitCode, says] of interruptions) {
  inShells(`a copy ${name} leaves the release before in use, and nothing of its own`, (site) => {
    withFirst(site);
    expect(site.script(["--prefix", site.prefix, "--no-service"], site.commands({ cp: copy }))).toMatchObject({ exitCode, stderr: expect.stringContaining(says) });
    expect(site.state()).toEqual(onlyFirst);
  });
}

inShells("a copy that was killed is no hindrance to the next", (site) => {
  withFirst(site);
  const { exitCode } = site.script(["--prefix", site.prefix, "--no-service"], site.commands({ cp: "kill -KILL $PPID" }));
  expect([exitCode, site.state().current]).not.toEqual([0, "releases/2.0.0"]);
  expect(Bun.spawnSync([site.link]).stdout.toString()).toBe("cyberun 1.0.0\n");
  expect([site.install().exitCode, site.state().current]).toEqual([0, "releases/2.0.0"]);
});

inShells("the same version with other files takes its place, or does not when it is stopped on the way", (site) => {
  withFirst(site);
  site.unpack(first);
  writeFileSync(site.at("licences.txt"), "other\n");
  listAnew(site);
  const installed = () => readFileSync(join(site.library, "releases", "1.0.0", "licences.txt"), "utf8");
  const stopped = site.commands({ mv: 'case "$*" in *.new.*) kill -TERM $PPID; exit 1 ;; esac; exec /bin/mv "$@"' });
  expect(site.script(["--prefix", site.prefix, "--no-service"], stopped).exitCode).not.toBe(0);
  expect([installed(), site.state()]).toEqual(["none\n", onlyFirst]);
  expect([trusting(site).exitCode, installed(), site.state()]).toEqual([0, "other\n", onlyFirst]);
});

for (const args of [["--bogus"], ["--prefix"], ["--prefix", ""], ["--root-key"], ["--data-dir", "here"], ["--data-dir", "/a b"], ["extra"]]) {
  inShells(`the arguments ${JSON.stringify(args)} are refused and nothing is done`, (site) => {
    site.unpack(first);
    expect(site.install(...args).exitCode).toBe(2);
    expect(existsSync(site.prefix)).toBe(false);
  });
}

inShells("what is in the place of the link and is none is left alone", (site) => {
  site.unpack(first);
  mkdirSync(site.link, { recursive: true });
  expect(trusting(site)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("is not a link, and so not of an installer") });
  expect(existsSync(site.library)).toBe(false);
});

inShells("another folder can be named, with spaces in its name", (site) => {
  site.unpack(first);
  expect(site.script(["--prefix", "my prefix", "--no-service", "--allow-unverified"]).exitCode).toBe(0);
  expect(Bun.spawnSync([join(site.folder, "my prefix", "bin", "cyberun")]).stdout.toString()).toBe("cyberun 1.0.0\n");
});

inShells("who is not root installs into the home, and tries it with data there", (site) => {
  site.unpack(first);
  const person = site.commands({ id: "echo 1000" });
  const lastLine = (args: readonly string[], environment = {}) => site.script(["--allow-unverified", "--trial", ...args], { ...person, ...environment }).stdout.trimEnd().split("\n").at(-1);
  expect(lastLine([])).toBe(`trial in ${site.folder}/.local/share/cyberun`);
  expect(readlinkSync(join(site.folder, ".local", "bin", "cyberun"))).toBe("../lib/cyberun/current/cyberun");
  expect(lastLine([], { XDG_DATA_HOME: "/xdg" })).toBe("trial in /xdg/cyberun");
  expect(lastLine([], { XDG_DATA_HOME: "/xdg", CYBERUN_DATA_DIR: "/mine" })).toBe("trial in /mine");
  expect(lastLine(["--data-dir", "/told"], { CYBERUN_DATA_DIR: "/mine" })).toBe("trial in /told");
  expect(site.script(["--allow-unverified"], { ...person, HOME: "" })).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("HOME is not set") });
});

inShells("the folder of a build is installed when that is allowed, and otherwise not", (site) => {
  site.unpack(first);
  for (const name of readdirSync(site.at("."))) if (/^(?:manifest|release-keys|SHA256SUMS)/.test(name)) rmSync(site.at(name));
  expectRefused(site, ["--allow-unverified"], "manifest.json is missing");
  expect(site.install("--allow-unsigned").stdout).toStartWith("NOT verified: a build without a manifest, as --allow-unsigned allows\ninstalled ");
  expect(site.state()).toEqual(onlyFirst);
});

const commandsOfMaking = (data: string) => [expect.stringMatching(/^useradd --system .* cyberun$/), `chown cyberun:cyberun ${data}`, "systemctl daemon-reload", "systemctl enable -q cyberun.service"];

inShells("root gets a service with a user of its own and a closed data directory, once", (site) => {
  site.unpack(first);
  const { root, environment, said } = hostWithSystemd(site);
  const data = join(root, "data");
  const asRoot = (...args: readonly string[]) => site.script(["--prefix", site.prefix, "--allow-unverified", "--data-dir", data, ...args], environment);
  expect(asRoot("--dry-run").stdout).toMatch(/would make the user cyberun[^]*would make .* mode 0700\nwould write .*cyberun\.service and enable it/);
  expect([said(), existsSync(data), existsSync(site.prefix)]).toEqual([[""], false, false]);
  expect(asRoot()).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/license install FILE[^]*cyberun doctor[^]*systemctl start cyberun\n/) });
  expect(said()).toEqual(commandsOfMaking(data));
  expect(statSync(data).mode & 0o777).toBe(0o700);
  const unit = join(root, "etc/systemd/system/cyberun.service");
  expect(readFileSync(unit, "utf8")).toContain(`ExecStart="${site.link}" serve\nEnvironment=CYBERUN_DATA_DIR=${data}\n`);
  const { ino } = statSync(unit);
  expect(asRoot()).toMatchObject({ exitCode: 0, stdout: expect.not.stringContaining("systemctl start") });
  expect([statSync(unit).ino, said().filter((line) => !line.startsWith("chown"))]).toEqual([ino, commandsOfMaking(data).toSpliced(1, 1)]);
  site.unpack(second);
  expect(asRoot().stdout).toContain("the service takes it with: systemctl restart cyberun");
  expect(site.script(["--prefix", site.prefix, "--uninstall"], environment).exitCode).toBe(0);
  expect([existsSync(unit), existsSync(data), said().slice(-2)]).toEqual([false, true, ["systemctl disable -q --now cyberun.service", "systemctl daemon-reload"]]);
});

inShells("a unit that was changed is written anew, and the one of another place is left when this one goes", (site) => {
  site.unpack(first);
  const { root, environment } = hostWithSystemd(site);
  const unit = join(root, "etc/systemd/system/cyberun.service");
  const at = (prefix: string, ...args: readonly string[]) => site.script(["--prefix", prefix, "--allow-unverified", "--data-dir", join(root, "data"), ...args], environment).exitCode;
  expect(at(site.prefix)).toBe(0);
  const good = readFileSync(unit, "utf8");
  appendFileSync(unit, "# changed\n");
  expect([at(site.prefix), readFileSync(unit, "utf8")]).toEqual([0, good]);
  const other = join(site.folder, "other");
  expect([at(other, "--no-service"), at(other, "--uninstall"), readFileSync(unit, "utf8")]).toEqual([0, 0, good]);
});

inShells("a service that cannot be stopped keeps everything in its place", (site) => {
  site.unpack(first);
  const { root, environment } = hostWithSystemd(site);
  expect(site.script(["--prefix", site.prefix, "--allow-unverified", "--data-dir", join(root, "data")], environment).exitCode).toBe(0);
  const stuck = site.commands({ id: "echo 0", systemctl: "exit 1" });
  expect(site.script(["--prefix", site.prefix, "--uninstall"], { ...environment, ...stuck })).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("could not be stopped; nothing was changed") });
  expect([site.state(), existsSync(join(root, "etc/systemd/system/cyberun.service"))]).toEqual([onlyFirst, true]);
});

inShells("the license of a release is put where there is none, and through no link", (site) => {
  site.unpack(first);
  writeFileSync(site.at("license.lic"), "license\n");
  appendFileSync(site.at("SHA256SUMS"), `${zeros}  license.lic\n`);
  listAnew(site);
  const { root, environment, said } = hostWithSystemd(site);
  const [data, elsewhere] = [join(root, "data"), join(root, "elsewhere")];
  const asRoot = () => site.script(["--prefix", site.prefix, "--allow-unverified", "--data-dir", data], environment).exitCode;
  expect(asRoot()).toBe(0);
  const license = join(data, "license.lic");
  expect([readFileSync(license, "utf8"), statSync(license).mode & 0o777]).toEqual(["license\n", 0o600]);
  expect(said()).toContainEqual(expect.stringContaining(`chown cyberun:cyberun ${site.library}/license.new.`));
  writeFileSync(license, "a newer one\n");
  expect([asRoot(), readFileSync(license, "utf8")]).toEqual([0, "a newer one\n"]);
  writeFileSync(join(data, "master.key"), "");
  rmSync(license);
  symlinkSync(elsewhere, license);
  expect([asRoot(), existsSync(elsewhere)]).toEqual([0, false]);
});

inShells("a folder of something else, a home or a strange prefix is taken for no service", (site) => {
  site.unpack(first);
  const { root, environment, said } = hostWithSystemd(site);
  const full = join(root, "full");
  mkdirSync(full);
  writeFileSync(join(full, "letters.txt"), "");
  const refused = (prefix: string, data: string) => site.script(["--prefix", prefix, "--allow-unverified", "--data-dir", data], environment);
  expect(refused(site.prefix, full)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("none of them is of a deployment") });
  expect(refused(site.prefix, join("/home", "ada"))).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("homes are closed to it") });
  expect(refused(`${site.prefix}\nUser=root`, join(root, "data"))).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("a service needs a prefix of") });
  expect([said(), existsSync(site.prefix), statSync(full).mode & 0o777]).toEqual([[""], false, 0o755]);
});

testNeeding("systemd", "systemd takes the unit as it stands, and finds little that it may do", () => {
  const site = siteIn(mkdtempSync(join(folder, "site with spaces-")), "dash");
  site.unpack(first);
  const { root, environment } = hostWithSystemd(site);
  expect(site.script(["--prefix", site.prefix, "--allow-unverified"].concat("--data-dir", join(folder, "data")), environment).exitCode).toBe(0);
  const unit = join(root, "etc/systemd/system/cyberun.service");
  const judged = (...args: readonly string[]) => {
    const { exitCode, stderr } = Bun.spawnSync(["systemd-analyze", ...args, unit]);
    return { exitCode, stderr: stderr.toString() };
  };
  expect(judged("verify", "--man=no")).toEqual({ exitCode: 0, stderr: "" });
  expect(judged("security", "--offline=true", "--no-pager", "--threshold=25")).toMatchObject({ exitCode: 0 });
});

test("help is the head of the script", () => {
  const site = siteIn(mkdtempSync(join(folder, "site-")), "dash");
  site.unpack(first);
  const { stdout } = site.install("--help");
  expect(stdout).toStartWith("Installs cyberun from the folder of a release");
  expect(stdout).not.toContain("set -eu");
});

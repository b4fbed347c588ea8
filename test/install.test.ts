import { afterAll, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ReleaseDesk, releaseDesk, smallBuild } from "./support/release.ts";
import { testNeeding } from "./support/skip.ts";

const folder = mkdtempSync(join(tmpdir(), "cyberun-install-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

mkdirSync(join(folder, "desk"));
const desk: ReleaseDesk = releaseDesk(join(folder, "desk"));
const rootKeys: readonly string[] = JSON.parse(readFileSync(join(desk.keys, "release-roots.json"), "utf8")).roots;
/** The one that signed the list of release keys: the newer one. */
const rootKey = rootKeys.at(-1) ?? "";

function release(version: string): string {
  return desk.bundle(smallBuild(join(folder, `build-${version}`), version), `${version}.tar.gz`);
}
const releases = { "1.0.0": release("1.0.0"), "2.0.0": release("2.0.0") };

/** What an operator unpacked, and where it is installed; new for each test. */
let media = "";
let prefix = "";

function unpack(version: keyof typeof releases): void {
  const into = mkdtempSync(join(folder, "media-"));
  expect(Bun.spawnSync(["tar", "-xzf", releases[version], "-C", into]).exitCode).toBe(0);
  media = join(into, `cyberun-${version}-linux-x64`);
}

beforeEach(() => {
  prefix = join(mkdtempSync(join(folder, "host-")), "prefix");
  unpack("1.0.0");
});

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function script(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Outcome {
  const command = ["sh", join(media, "install.sh"), ...args];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: "/", env: { PATH: process.env["PATH"] ?? "", HOME: folder, ...environment } });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

const install = (...args: readonly string[]) => script(["--prefix", prefix, "--no-service", ...args]);
const trusting = (...args: readonly string[]) => install("--allow-unverified", ...args);
const library = () => join(prefix, "lib", "cyberun");
const link = () => join(prefix, "bin", "cyberun");

test("a release is installed, runs, and is told with its version", () => {
  const { exitCode, stdout, stderr } = trusting();
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toBe(`NOT verified: the sums fit, and nothing here says who made them\ninstalled ${link()}: cyberun 1.0.0\n${prefix}/bin is not in your PATH\n`);
  expect(readlinkSync(link())).toBe("../lib/cyberun/current/cyberun");
  expect(readlinkSync(join(library(), "current"))).toBe("releases/1.0.0");
  expect(statSync(link()).mode & 0o777).toBe(0o755);
  expect(readdirSync(library()).toSorted()).toEqual(["current", "releases"]);
});

test("without a way to know who made it, it is refused", () => {
  expect(install()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("nothing here says who made the release") });
  expect(existsSync(prefix)).toBe(false);
});

testNeeding("minisign", "the vendor's root key is enough, and no other one is", () => {
  expect(install("--root-key", rootKeys[0] ?? "")).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("not signed by the key of --root-key") });
  expect(existsSync(prefix)).toBe(false);
  expect(install("--root-key", rootKey)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("verified: signed by the vendor") });
});

testNeeding("minisign", "files and sums that were changed together do not fit the signed manifest", () => {
  writeFileSync(join(media, "licences.txt"), "other\n");
  const sums = readFileSync(join(media, "SHA256SUMS"), "utf8");
  const other = new Bun.CryptoHasher("sha256").update("other\n").digest("hex");
  writeFileSync(join(media, "SHA256SUMS"), sums.replace(/^[0-9a-f]{64}(?= {2}licences\.txt$)/m, other));
  expect(install("--root-key", rootKey)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("licences.txt is not in the signed manifest") });
  expect(existsSync(prefix)).toBe(false);
});

test("a second time it changes nothing; the next release keeps the one before", () => {
  trusting();
  const { ino } = statSync(join(library(), "releases", "1.0.0"));
  expect(trusting().stdout).toContain("1.0.0 is in use already");
  expect(statSync(join(library(), "releases", "1.0.0")).ino).toBe(ino);
  unpack("2.0.0");
  // The stand-in that is installed says yes to whatever it is asked.
  expect(install().stdout).toContain("verified: signed by the vendor of the release that is installed");
  expect([readlinkSync(join(library(), "current")), readlinkSync(join(library(), "previous"))]).toEqual(["releases/2.0.0", "releases/1.0.0"]);
});

test("an executable that is installed and says no decides", () => {
  trusting();
  writeFileSync(join(library(), "current", "cyberun"), "#!/bin/sh\nexit 6\n");
  unpack("2.0.0");
  expect(install()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("nothing here says who made the release") });
  expect(readlinkSync(join(library(), "current"))).toBe("releases/1.0.0");
});

test("a dry run says what would be done and does nothing", () => {
  expect(trusting("--dry-run")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`would install ${library()}/releases/1.0.0`) });
  expect(existsSync(prefix)).toBe(false);
  trusting();
  expect(install("--uninstall", "--dry-run").stdout).toContain("would remove");
  expect(lstatSync(link()).isSymbolicLink()).toBe(true);
});

test("uninstalling removes releases and links alone, and twice is no error", () => {
  trusting();
  mkdirSync(join(prefix, "share"));
  expect(install("--uninstall").stdout).toContain("data directories, licenses and the user cyberun were left as they are");
  expect([existsSync(library()), readdirSync(join(prefix, "bin")), existsSync(join(prefix, "share"))]).toEqual([false, [], true]);
  expect(install("--uninstall")).toEqual({ exitCode: 0, stdout: `nothing to remove: ${library()} does not exist\n`, stderr: "" });
});

const at = (name: string) => join(media, name);
const sumsWith = (line: string) => writeFileSync(at("SHA256SUMS"), `${readFileSync(at("SHA256SUMS"), "utf8")}${line}\n`);
const refusals: readonly (readonly [name: string, prepare: () => void, says: RegExp])[] = [
  ["an executable that was changed", () => writeFileSync(at("cyberun"), "#!/bin/sh\n"), /SHA-256 of cyberun is not the one/],
  ["a document that was changed", () => writeFileSync(at("docs/index.html"), "other"), /SHA-256 of docs\/index\.html is not the one/],
  ["a file more", () => writeFileSync(at("extra"), "extra"), /files that are not of the release/],
  ["a link more", () => symlinkSync("/etc/passwd", at("docs/extra")), /files that are not of the release/],
  ["a file less", () => rmSync(at("licences.txt")), /licences\.txt is missing/],
  ["a link in the place of a file", () => (rmSync(at("licences.txt")), symlinkSync("/etc/hostname", at("licences.txt"))), /licences\.txt is missing/],
  ["no executable", () => rmSync(at("cyberun")), /does not exist: unpack a release/],
  ["no list", () => rmSync(at("SHA256SUMS")), /SHA256SUMS is missing/],
  ["an empty list", () => writeFileSync(at("SHA256SUMS"), ""), /does not list cyberun/],
  ["no signature", () => rmSync(at("manifest.json.minisig")), /manifest\.json\.minisig is missing/],
  ["a list that leads out of the folder", () => sumsWith(`${"0".repeat(64)}  ../install.sh`), /names a file that no release has/],
  ["a list that leads out of the folder on the way", () => sumsWith(`${"0".repeat(64)}  docs/../../x`), /names a file that no release has/],
  ["a list with a whole path", () => sumsWith(`${"0".repeat(64)}  /etc/passwd`), /names a file that no release has/],
  ["a list with two sums for a file", () => sumsWith(`${"0".repeat(64)}  cyberun`), /is not the one in SHA256SUMS/],
];

test.each(refusals)("%s is refused, and what was installed stays", (_name, prepare, says) => {
  trusting();
  unpack("2.0.0");
  prepare();
  const { exitCode, stderr } = trusting();
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(says);
  expect(stderr).toContain("nothing was changed");
  expect([readlinkSync(join(library(), "current")), readdirSync(join(library(), "releases"))]).toEqual(["releases/1.0.0", ["1.0.0"]]);
});

test.each([[["--bogus"]], [["--prefix"]], [["--prefix", ""]], [["--root-key"]], [["--data-dir", "here"]], [["--data-dir", "/a b"]], [["extra"]]])("the arguments %p are refused and nothing is done", (args) => {
  expect(install(...args).exitCode).toBe(2);
  expect(existsSync(prefix)).toBe(false);
});

test("a folder in the place of the link is left alone", () => {
  mkdirSync(link(), { recursive: true });
  expect(trusting()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("is a folder") });
});

test("another folder can be named, with spaces in its name", () => {
  prefix = join(folder, "my prefix");
  expect(trusting()).toMatchObject({ exitCode: 0 });
  expect(Bun.spawnSync([link()]).stdout.toString()).toBe("cyberun 1.0.0\n");
});

test("a trial is started in place of the script, with a data directory of the person", () => {
  const { exitCode, stdout } = script(["--prefix", prefix, "--no-service", "--allow-unverified", "--trial"]);
  expect([exitCode, stdout.trimEnd().split("\n").at(-1)]).toEqual([0, "cyberun 1.0.0"]);
});

/** A host with systemd, whose commands write down what they are asked for. */
function hostWithSystemd(): { readonly root: string; readonly environment: Readonly<Record<string, string>>; said(): readonly string[] } {
  const root = mkdtempSync(join(folder, "root-"));
  const commands = join(root, "commands");
  mkdirSync(commands);
  mkdirSync(join(root, "run", "systemd", "system"), { recursive: true });
  const log = join(root, "said");
  writeFileSync(log, "");
  for (const name of ["systemctl", "useradd", "chown"]) writeFileSync(join(commands, name), `#!/bin/sh\necho "${name} $*" >> ${log}\n`, { mode: 0o755 });
  writeFileSync(join(commands, "id"), `#!/bin/sh\n[ "$1" = -u ] && echo 0 && exit 0\ngrep -q useradd ${log}\n`, { mode: 0o755 });
  for (const name of readdirSync(commands)) chmodSync(join(commands, name), 0o755);
  return { root, environment: { PATH: `${commands}:${process.env["PATH"] ?? ""}`, CYBERUN_INSTALL_ROOT: root }, said: () => readFileSync(log, "utf8").trimEnd().split("\n") };
}

test("root gets a service with a user of its own and a closed data directory, once", () => {
  const { root, environment, said } = hostWithSystemd();
  const data = join(root, "data");
  const asRoot = () => script(["--prefix", prefix, "--allow-unverified", "--data-dir", data], environment);
  expect(asRoot()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("systemctl start cyberun") });
  expect(said()).toEqual([expect.stringMatching(/^useradd --system .* cyberun$/), `chown cyberun:cyberun ${data}`, "systemctl daemon-reload", "systemctl enable -q cyberun.service"]);
  expect(statSync(data).mode & 0o777).toBe(0o700);
  const unit = join(root, "etc/systemd/system/cyberun.service");
  expect(readFileSync(unit, "utf8")).toContain(`ExecStart=${link()} serve\nEnvironment=CYBERUN_DATA_DIR=${data}\n`);
  const { ino } = statSync(unit);
  expect(asRoot()).toMatchObject({ exitCode: 0, stdout: expect.not.stringContaining("systemctl start") });
  expect(statSync(unit).ino).toBe(ino);
  expect(script(["--prefix", prefix, "--uninstall"], environment)).toMatchObject({ exitCode: 0 });
  expect([existsSync(unit), existsSync(data), said().at(-2)]).toEqual([false, true, "systemctl disable -q --now cyberun.service"]);
});

test("help is the head of the script", () => {
  const { stdout } = install("--help");
  expect(stdout).toStartWith("Installs cyberun from the folder of a release");
  expect(stdout).not.toContain("set -eu");
});

import { afterAll, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../build/executables.ts";

const folder = mkdtempSync(join(tmpdir(), "cyberun-install-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The folder an operator copied, and where it is installed; new for each test. */
let media = "";
let prefix = "";
beforeEach(() => {
  [media, prefix] = [mkdtempSync(join(folder, "media-")), join(mkdtempSync(join(folder, "host-")), "prefix")];
  cpSync(join(root, "install.sh"), join(media, "install.sh"));
  writeExecutable("1.0.0");
});

/** A stand-in that is small; what is proved here is the installing. */
function writeExecutable(version: string): void {
  writeFileSync(join(media, "cyberun"), `#!/bin/sh\necho "cyberun ${version}"\n`, { mode: 0o755 });
}

function writeSums(text: string): void {
  writeFileSync(join(media, "SHA256SUMS"), text);
}

const sumOf = (name: string) => createHash("sha256").update(readFileSync(join(media, name))).digest("hex");
const target = () => join(prefix, "bin", "cyberun");

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function install(...args: readonly string[]): Outcome {
  const command = ["sh", join(media, "install.sh"), "--prefix", prefix, ...args];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: "/", env: { PATH: process.env["PATH"] ?? "", HOME: folder } });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

test("the executable is installed, runs, and is told with its version", () => {
  writeSums(`${sumOf("cyberun")}  cyberun\n`);
  const { exitCode, stdout, stderr } = install();
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toBe(`SHA-256 is the one in SHA256SUMS\ninstalled ${target()}: cyberun 1.0.0\n${prefix}/bin is not in your PATH\n`);
  expect(statSync(target()).mode & 0o777).toBe(0o755);
  expect(readdirSync(join(prefix, "bin"))).toEqual(["cyberun"]);
});

test("without a list it says that nothing was checked", () => {
  expect(install().stdout).toStartWith("not checked: no SHA256SUMS beside the executable\n");
  expect(existsSync(target())).toBe(true);
});

test("a second time it changes nothing, and a newer one replaces the old", () => {
  install();
  const { ino } = statSync(target());
  expect(install().stdout).toContain(`${target()} is up to date`);
  expect(statSync(target()).ino).toBe(ino);
  writeExecutable("1.1.0");
  expect(install().stdout).toContain(`installed ${target()}: cyberun 1.1.0`);
});

test("a dry run says what would be done and does nothing", () => {
  expect(install("--dry-run")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`would install ${target()}`) });
  expect(existsSync(prefix)).toBe(false);
  install();
  expect(install("--uninstall", "--dry-run").stdout).toBe(`would remove ${target()}\n`);
  expect(existsSync(target())).toBe(true);
});

test("uninstalling removes the executable alone, and twice is no error", () => {
  install();
  mkdirSync(join(prefix, "share"));
  expect(install("--uninstall").stdout).toContain(`removed ${target()}`);
  expect(existsSync(target())).toBe(false);
  expect(existsSync(join(prefix, "share"))).toBe(true);
  expect(install("--uninstall")).toEqual({ exitCode: 0, stdout: `nothing to remove: ${target()} does not exist\n`, stderr: "" });
});

const refusals: readonly (readonly [name: string, prepare: () => void, says: RegExp])[] = [
  ["a sum that differs", () => writeSums(`${"0".repeat(64)}  cyberun\n`), /is not the one in SHA256SUMS/],
  ["a list without the executable", () => writeSums(`${sumOf("cyberun")}  cyberun-vendor\n`), /does not list cyberun/],
  ["an empty list", () => writeSums(""), /does not list cyberun/],
  ["a list with two sums for it", () => writeSums(`${sumOf("cyberun")}  cyberun\n${"0".repeat(64)}  cyberun\n`), /is not the one/],
  ["a list that names it in another folder", () => writeSums(`${sumOf("cyberun")}  other/cyberun\n`), /does not list cyberun/],
  ["an executable that does not run here", () => writeFileSync(join(media, "cyberun"), "#!/bin/sh\nexit 1\n"), /does not run on this machine/],
  ["an executable of another machine", () => writeFileSync(join(media, "cyberun"), Buffer.from("7f454c4602010100deadbeef", "hex")), /does not run on this machine/],
  ["no executable", () => rmSync(join(media, "cyberun")), /does not exist/],
];

test.each(refusals)("%s is refused, and what was installed stays", (_name, prepare, says) => {
  install();
  const before = readFileSync(target(), "utf8");
  writeExecutable("6.6.6");
  prepare();
  const { exitCode, stderr } = install();
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(says);
  expect(readFileSync(target(), "utf8")).toBe(before);
  expect(readdirSync(join(prefix, "bin"))).toEqual(["cyberun"]);
});

test.each([[["--bogus"]], [["--prefix"]], [["--prefix", ""]], [["--from"]], [["extra"]]])("the arguments %p are refused and nothing is done", (args) => {
  expect(install(...args).exitCode).toBe(2);
  expect(existsSync(prefix)).toBe(false);
});

test("a folder in the place of the executable is left alone", () => {
  mkdirSync(target(), { recursive: true });
  expect(install()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("is a folder") });
  expect(install("--uninstall")).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("is a folder") });
});

test("another folder can be named, with spaces in its name", () => {
  const other = join(folder, "a b", "c");
  mkdirSync(other, { recursive: true });
  cpSync(join(media, "cyberun"), join(other, "cyberun"));
  rmSync(join(media, "cyberun"));
  chmodSync(join(other, "cyberun"), 0o644);
  prefix = join(folder, "my prefix");
  expect(install("--from", other)).toMatchObject({ exitCode: 0 });
  expect(statSync(target()).mode & 0o777).toBe(0o755);
});

test("help is the head of the script", () => {
  const { stdout } = install("--help");
  expect(stdout).toStartWith("Installs cyberun from the folder");
  expect(stdout).not.toContain("set -eu");
});

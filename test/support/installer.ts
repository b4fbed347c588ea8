/**
 * What an operator has before `install.sh` runs: a release unpacked from a medium, a place to install it to, and a host whose commands
 * can be stood in for.
 *
 * Rule: the script runs in a real shell with real files; only what would change this very host (`useradd`, `systemctl`) is played.
 */
import { expect } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { testNeeding } from "./skip.ts";

type Shell = "dash" | "busybox";
type Environment = Readonly<Record<string, string>>;

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Site {
  /** A folder for this test alone. */
  readonly folder: string;
  readonly prefix: string;
  readonly library: string;
  readonly link: string;
  /** Unpacks a release in the place of the one before. */
  unpack(bundle: string): void;
  /** A file of the release that is unpacked. */
  at(name: string): string;
  script(args: readonly string[], environment?: Environment): Outcome;
  /** Below the prefix, without a service. */
  install(...args: readonly string[]): Outcome;
  /** Commands that take the place of the host's, by name; gives the environment that has them. */
  commands(scripts: Readonly<Record<string, string>>): Environment;
  /** Versions that the links name, and the folders of releases. */
  state(): { readonly current: string; readonly previous: string; readonly releases: readonly string[] };
}

export function writeScript(path: string, text: string): void {
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
}

/** With busybox its other commands come along, for a host that has busybox has nothing else. */
function pathFor(shell: Shell, folder: string): string {
  const path = process.env["PATH"] ?? "";
  if (shell === "dash") return path;
  const applets = join(folder, "applets");
  mkdirSync(applets);
  expect(Bun.spawnSync(["busybox", "--install", "-s", applets]).exitCode).toBe(0);
  return `${applets}:${path}`;
}

function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function foldersIn(path: string): readonly string[] {
  try {
    return readdirSync(path).toSorted();
  } catch {
    return [];
  }
}

interface Media {
  readonly folder: string;
  readonly bundle: string;
}

/** The folder that the release unpacks to. */
function unpacked({ folder, bundle }: Media): string {
  const into = mkdtempSync(join(folder, "media-"));
  expect(Bun.spawnSync(["tar", "-xzf", bundle, "-C", into]).exitCode).toBe(0);
  return join(into, readdirSync(into)[0] ?? "");
}

export function siteIn(folder: string, shell: Shell): Site {
  const path = pathFor(shell, folder);
  const interpreter = shell === "busybox" ? [Bun.which("busybox") ?? "busybox", "sh"] : [Bun.which("dash") ?? "/bin/sh"];
  const prefix = join(folder, "prefix");
  const library = join(prefix, "lib", "cyberun");
  let media = "";
  const script = (args: readonly string[], environment: Environment = {}): Outcome => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([...interpreter, join(media, "install.sh"), ...args], { cwd: folder, env: { PATH: path, HOME: folder, ...environment } });
    return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  };
  return {
    folder,
    prefix,
    library,
    link: join(prefix, "bin", "cyberun"),
    unpack: (bundle) => (media = unpacked({ folder, bundle })),
    at: (name) => join(media, name),
    script,
    install: (...args) => script(["--prefix", prefix, "--no-service", ...args]),
    commands(scripts) {
      const place = mkdtempSync(join(folder, "commands-"));
      for (const [name, text] of Object.entries(scripts)) writeScript(join(place, name), text);
      return { PATH: `${place}:${path}` };
    },
    state: () => ({ current: linkAt(join(library, "current")), previous: linkAt(join(library, "previous")), releases: foldersIn(join(library, "releases")) }),
  };
}

/** The files that `SHA256SUMS` lists, listed anew as they are now: what somebody does who changes files and sums together. */
export function listAnew(site: Site): void {
  const names = readFileSync(site.at("SHA256SUMS"), "utf8").trimEnd().split("\n").map((line) => line.slice(66));
  const sum = (name: string) => new Bun.CryptoHasher("sha256").update(readFileSync(site.at(name))).digest("hex");
  writeFileSync(site.at("SHA256SUMS"), names.map((name) => `${sum(name)}  ${name}\n`).join(""));
}

interface Host {
  readonly environment: Environment;
  /** Where `/etc` and `/run` are. */
  readonly root: string;
  /** What the commands were asked for, each in a line. */
  said(): readonly string[];
}

/** A host with systemd as root sees it, whose commands write down what they are asked for. */
export function hostWithSystemd(site: Site): Host {
  const root = join(site.folder, "root");
  const log = join(site.folder, "said");
  mkdirSync(join(root, "run", "systemd", "system"), { recursive: true });
  writeFileSync(log, "");
  const noting = (name: string) => [name, `echo "${name} $*" >>'${log}'`] as const;
  const id = `[ "$1" = -u ] && echo 0 && exit 0\ngrep -q ^useradd '${log}'`;
  const commands = site.commands({ ...Object.fromEntries(["systemctl", "useradd", "chown"].map(noting)), id });
  return { root, environment: { ...commands, CYBERUN_INSTALL_ROOT: root }, said: () => readFileSync(log, "utf8").trimEnd().split("\n") };
}

export interface InShells {
  (name: string, body: (site: Site) => void): void;
}

/** A test in each shell, with a site of its own below the folder. */
export function testInShells(folder: string): InShells {
  const siteFor = (shell: Shell) => siteIn(mkdtempSync(join(folder, "site-")), shell);
  return (name, body) => {
    testNeeding([], `dash: ${name}`, () => body(siteFor("dash")));
    testNeeding("busybox", `busybox: ${name}`, () => body(siteFor("busybox")));
  };
}

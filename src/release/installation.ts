/**
 * An installation as `install.sh` makes it, and how another release takes its place.
 *
 *     ROOT/releases/VERSION/     a release, unpacked
 *     ROOT/current               link to the one in use
 *     ROOT/previous              link to the one before it
 *
 * Rule: a link is replaced as a whole, so that at every moment one release is in use. It must not know what a release does.
 */
import { chmodSync, closeSync, existsSync, fchmodSync, fsyncSync, lstatSync, mkdirSync, openSync, readlinkSync, realpathSync, renameSync, rmSync, symlinkSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { flushDirectory } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import { executableName, isVersion, type ReleaseManifest } from "./documents.ts";
import type { TarSink } from "./tar.ts";
import { type Trust, verifyRelease } from "./verify.ts";

export interface Installation {
  /** The folder with `releases` and the links. */
  readonly root: string;
  /** Version in use. */
  readonly version: string;
}

/** The installation that the executable belongs to. Throws Fault `conflict` when it is in none. */
export function installationOf(executable: string): Installation {
  const folder = dirname(realpathSync(executable));
  const root = dirname(dirname(folder));
  const isInstalled = basename(dirname(folder)) === "releases" && existsSync(join(root, "current")) && realpathSync(join(root, "current")) === folder;
  if (isInstalled) return { root, version: basename(folder) };
  throw new Fault("conflict", `The executable ${executable} is not the one in use of an installation.`, { hint: "Install a release with its install.sh, and run this by the link that it made." });
}

function releaseFolder({ root }: Installation, version: string): string {
  return join(root, "releases", version);
}

export function executableOf(installation: Installation, version: string): string {
  return join(releaseFolder(installation, version), executableName({ target: process.platform === "win32" ? "windows" : process.platform }));
}

function versionAt(link: string): string | undefined {
  const version = lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true ? basename(readlinkSync(link)) : undefined;
  return version !== undefined && isVersion(version) ? version : undefined;
}

/** Version of the release before; undefined when there is none. */
export function previousVersion(installation: Installation): string | undefined {
  const version = versionAt(join(installation.root, "previous"));
  return version !== undefined && existsSync(releaseFolder(installation, version)) ? version : undefined;
}

/** Replaces the link as a whole. */
function pointTo(root: string, name: "current" | "previous", version: string): void {
  const fresh = join(root, `.${name}.new`);
  rmSync(fresh, { force: true });
  symlinkSync(join("releases", version), fresh);
  renameSync(fresh, join(root, name));
  flushDirectory(root);
}

/** Puts the release of this version in use, and remembers the one that was. */
export function switchTo({ root, version: old }: Installation, version: string): void {
  pointTo(root, "previous", old);
  pointTo(root, "current", version);
}

/** Puts the links back to where they led before a switch. */
export function switchBack({ root, version }: Installation, previous: string | undefined): void {
  pointTo(root, "current", version);
  if (previous === undefined) rmSync(join(root, "previous"), { force: true });
  else pointTo(root, "previous", previous);
}

function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  // The user that serves has to get in, whatever the umask of the one who installs.
  chmodSync(path, 0o755);
}

function sinkAt(root: string, path: string): TarSink {
  const place = join(root, path);
  makeFolder(dirname(place));
  const file = openSync(place, "wx", 0o600);
  return {
    write(part) {
      for (let at = 0; at < part.length; ) at += writeSync(file, part, at);
    },
    end() {
      fchmodSync(file, /^(?:cyberun(?:\.exe)?|install\.sh)$/.test(path) ? 0o755 : 0o644);
      fsyncSync(file);
      closeSync(file);
    },
  };
}

interface Staging {
  readonly bundle: string;
  /** What it was when it was looked at first. */
  readonly version: string;
  readonly trust: Trust;
}

/** Unpacks a release beside the others, verified on the way; it is not in use yet. Throws as `verifyRelease` does. */
export function stageRelease(installation: Installation, { bundle, version, trust }: Staging): void {
  const fresh = join(installation.root, "releases", ".new");
  try {
    // Also what an attempt has left that was cut off.
    rmSync(fresh, { recursive: true, force: true });
    makeFolder(fresh);
    const { manifest } = verifyRelease(bundle, trust, ({ path }) => sinkAt(fresh, path));
    if (manifest.version !== version || version === installation.version) throw new Fault("conflict", "The release has changed since it was looked at. Nothing was changed.", { hint: "Run this again." });
    const place = releaseFolder(installation, version);
    rmSync(place, { recursive: true, force: true });
    renameSync(fresh, place);
    flushDirectory(dirname(place));
  } catch (cause) {
    rmSync(fresh, { recursive: true, force: true });
    if (cause instanceof Fault || !(cause instanceof Error) || !("syscall" in cause)) throw cause;
    throw new Fault("unavailable", `The release cannot be written to ${installation.root}. Nothing was changed.`, { hint: "Run this as the user that installed it, such as root, and look for free space.", cause });
  }
}

/** Takes a release away, unless it is the one in use, whatever was in use when the command began. */
export function removeRelease(installation: Installation, version: string): void {
  if (version !== versionAt(join(installation.root, "current"))) rmSync(releaseFolder(installation, version), { recursive: true, force: true });
}

/** The manifest of a release that is installed, as it was verified then. */
export function installedManifest(installation: Installation, version: string, trust: Trust): ReleaseManifest {
  return verifyRelease(releaseFolder(installation, version), trust).manifest;
}


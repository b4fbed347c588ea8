/**
 * An installation as `install.sh` makes it, and how another release takes its place.
 *
 *     ROOT/releases/VERSION/     a release, unpacked
 *     ROOT/current               link to the one in use
 *     ROOT/previous              link to the one before it
 *
 * Rule: a link is replaced as a whole, so that at every moment one release is in use. It must not know what a release does.
 */
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readlinkSync, realpathSync, renameSync, rmSync, symlinkSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Fault } from "../fault.ts";
import { executableName, isVersion, type ReleaseManifest } from "./documents.ts";
import type { TarSink } from "./tar.ts";
import { type Trust, type VerifiedRelease, verifyRelease } from "./verify.ts";

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

export function releaseFolder({ root }: Installation, version: string): string {
  return join(root, "releases", version);
}

export function executableOf(installation: Installation, version: string): string {
  return join(releaseFolder(installation, version), executableName({ target: process.platform === "win32" ? "windows" : process.platform }));
}

/** Version of the release before; undefined when there is none. */
export function previousVersion({ root }: Installation): string | undefined {
  const link = join(root, "previous");
  const version = existsSync(link) ? basename(readlinkSync(link)) : undefined;
  return version !== undefined && isVersion(version) ? version : undefined;
}

function flushFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function pointTo(root: string, name: string, version: string): void {
  const fresh = join(root, `.${name}.${process.pid}`);
  rmSync(fresh, { force: true });
  symlinkSync(join("releases", version), fresh);
  renameSync(fresh, join(root, name));
  flushFolder(root);
}

/** Puts the release of this version in use, and remembers the one that was. */
export function switchTo(installation: Installation, version: string): Installation {
  const { root, version: old } = installation;
  pointTo(root, "previous", old);
  pointTo(root, "current", version);
  return { root, version };
}

function sinkAt(root: string, path: string): TarSink {
  const place = join(root, path);
  mkdirSync(dirname(place), { recursive: true, mode: 0o755 });
  const file = openSync(place, "wx", 0o644);
  return {
    write(part) {
      for (let at = 0; at < part.length; ) at += writeSync(file, part, at);
    },
    end() {
      fsyncSync(file);
      closeSync(file);
      if (/^(?:cyberun(?:\.exe)?|install\.sh)$/.test(path)) chmodSync(place, 0o755);
    },
  };
}

/** Unpacks a release beside the others, verified on the way; it is not in use yet. Throws as `verifyRelease` does. */
export function stageRelease(installation: Installation, bundle: string, trust: Trust): VerifiedRelease {
  const fresh = join(installation.root, "releases", `.new.${process.pid}`);
  rmSync(fresh, { recursive: true, force: true });
  try {
    mkdirSync(fresh, { mode: 0o755 });
    const release = verifyRelease(bundle, trust, ({ path }) => sinkAt(fresh, path));
    const place = releaseFolder(installation, release.manifest.version);
    rmSync(place, { recursive: true, force: true });
    renameSync(fresh, place);
    flushFolder(dirname(place));
    return release;
  } catch (cause) {
    rmSync(fresh, { recursive: true, force: true });
    if (cause instanceof Fault || !(cause instanceof Error) || !("syscall" in cause)) throw cause;
    throw new Fault("unavailable", `The release cannot be written to ${installation.root}.`, { hint: "Run this as the user that installed it, such as root, and look for free space. Nothing was changed.", cause });
  }
}

/** Takes a release away that is not in use. */
export function removeRelease(installation: Installation, version: string): void {
  if (version !== installation.version) rmSync(releaseFolder(installation, version), { recursive: true, force: true });
}

/** The manifest of a release that is installed, as it was verified then. */
export function installedManifest(installation: Installation, version: string, trust: Trust): ReleaseManifest {
  return verifyRelease(releaseFolder(installation, version), trust).manifest;
}


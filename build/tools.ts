/**
 * The tools of other people that some tests need: how to find them, and which Debian packages bring them.
 *
 * Rule: looks, and changes nothing; `provision.ts` installs, `test/support/skip.ts` skips.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

interface Tool {
  /** The path of its command, or undefined. */
  find(): string | undefined;
  readonly packages: readonly string[];
}

function which(...names: readonly string[]): string | undefined {
  return names.map((name) => Bun.which(name)).find((path) => path !== null) ?? undefined;
}

/** Debian keeps PostgreSQL's server commands off the PATH, one folder for each major version. */
const POSTGRES_VERSIONS = "/usr/lib/postgresql";

function findPostgres(): string | undefined {
  const onPath = Bun.which("postgres");
  if (onPath !== null && Bun.which("initdb") !== null) return onPath;
  const versions = existsSync(POSTGRES_VERSIONS) ? readdirSync(POSTGRES_VERSIONS) : [];
  const newestFirst = versions.toSorted((left, right) => Number(right) - Number(left));
  return newestFirst.map((version) => join(POSTGRES_VERSIONS, version, "bin", "postgres")).find((path) => existsSync(path));
}

/** Debian's own Python: its libraries are for no other, whichever comes first on the PATH. */
const DEBIAN_PYTHON = "/usr/bin/python3";
const PYTHON_LIBRARIES = "/usr/lib/python3/dist-packages";

function findPythonWith(...libraries: readonly string[]): string | undefined {
  return [DEBIAN_PYTHON, ...libraries.map((name) => join(PYTHON_LIBRARIES, name))].every((path) => existsSync(path)) ? DEBIAN_PYTHON : undefined;
}

export const tools = {
  chromium: {
    find: () => which("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"),
    packages: ["chromium", "fonts-dejavu-core"],
  },
  postgres: { find: findPostgres, packages: ["postgresql"] },
  openssl: { find: () => which("openssl"), packages: ["openssl"] },
  python3: { find: () => which("python3"), packages: ["python3"] },
  zsh: { find: () => which("zsh"), packages: ["zsh"] },
  fish: { find: () => which("fish"), packages: ["fish"] },
  mandoc: { find: () => which("mandoc"), packages: ["mandoc"] },
  minisign: { find: () => which("minisign"), packages: ["minisign"] },
  busybox: { find: () => which("busybox"), packages: ["busybox"] },
  systemd: { find: () => which("systemd-analyze"), packages: ["systemd"] },
  authlib: {
    find: () => findPythonWith("authlib", "requests", "jwcrypto", "jwt", "cryptography"),
    packages: ["python3-authlib", "python3-requests", "python3-jwcrypto", "python3-jwt", "python3-cryptography"],
  },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof tools;

export const toolNames: readonly ToolName[] = ["chromium", "postgres", "openssl", "python3", "authlib", "zsh", "fish", "mandoc", "minisign", "busybox", "systemd"];

export function missingTools(): readonly ToolName[] {
  return toolNames.filter((name) => tools[name].find() === undefined);
}

export function packagesOf(names: readonly ToolName[]): readonly string[] {
  return names.flatMap((name) => tools[name].packages);
}

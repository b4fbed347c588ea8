/** What the figures were taken on and with, so that two reports can be compared. Reads, and changes nothing. */
import { Database } from "bun:sqlite";
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { join, resolve } from "node:path";
import { type Summary, summary } from "./statistics.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMegabytes: number;
  readonly kernel: string;
  /** Kind of the file system that the figures with a disk were taken on. */
  readonly fileSystem: string;
  /** One write of 4 KiB and its flush on that disk, in milliseconds: what every single durable commit costs at least. */
  readonly flushMs: Summary;
}

export interface Versions {
  readonly product: string;
  readonly bun: string;
  readonly sqlite: string;
  /** The cryptographic library inside the executable. */
  readonly crypto: string;
  /** The `openssl` command that checks licenses beside us; undefined when there is none. */
  readonly openssl: string | undefined;
}

const FLUSHES = 200;
const FLUSH_BYTES = 4_096;

/** The last line of /proc/mounts whose mount point holds `folder`; elsewhere than on Linux it is not known. */
function fileSystemOf(folder: string): string {
  let found = { at: "", kind: "unknown" };
  try {
    for (const line of readFileSync("/proc/mounts", "utf8").split("\n")) {
      const [, at = "", kind = "unknown"] = line.split(" ");
      const isAbove = at !== "" && `${resolve(folder)}/`.startsWith(at.endsWith("/") ? at : `${at}/`);
      if (isAbove && at.length >= found.at.length) found = { at, kind };
    }
  } catch {
    return "unknown";
  }
  return found.kind;
}

function flushTimes(folder: string): Summary {
  const path = join(folder, "flush");
  const file = openSync(path, "w");
  const block = new Uint8Array(FLUSH_BYTES);
  const timesMs = Array.from({ length: FLUSHES }, () => {
    const startedAtMs = performance.now();
    writeSync(file, block);
    fsyncSync(file);
    return performance.now() - startedAtMs;
  });
  closeSync(file);
  rmSync(path);
  return summary(timesMs);
}

/** Takes a fraction of a second: the disk's flush is measured. */
export function readMachine(folder: string): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryMegabytes: Math.round(totalmem() / 1024 / 1024),
    kernel: `${type()} ${release()}`,
    fileSystem: fileSystemOf(folder),
    flushMs: flushTimes(folder),
  };
}

/** The first line that a command prints; undefined when there is no such command or it fails. */
function firstLine(command: readonly string[]): string | undefined {
  const [program = ""] = command;
  if (Bun.which(program) === null) return undefined;
  const { success, stdout } = Bun.spawnSync([...command], { stderr: "ignore" });
  return success ? stdout.toString().trim().split("\n", 1)[0] : undefined;
}

function sqliteVersion(): string {
  using database = new Database(":memory:");
  const [row] = database.prepare<unknown, []>("select sqlite_version()").values();
  return String(row?.[0]);
}

/** `executable` is asked for its version, so that the report names what was really measured. */
export function readVersions(executable: string): Versions {
  return {
    product: firstLine([executable, "version"]) ?? "unknown",
    bun: Bun.version,
    sqlite: sqliteVersion(),
    crypto: `BoringSSL ${process.versions["boringssl"] ?? "unknown"}`,
    openssl: firstLine(["openssl", "version"]),
  };
}

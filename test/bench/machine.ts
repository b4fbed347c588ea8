/** What the figures were taken on and with, so that two reports can be compared. Reads, and changes nothing. */
import { Database } from "bun:sqlite";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
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

interface ProcessorTicks {
  readonly all: number;
  readonly busy: number;
  /** Of this process and of the children that have ended. */
  readonly own: number;
}

/** proc(5): /proc/stat counts the machine's ticks, /proc/self/stat ours; undefined elsewhere than on Linux. */
function processorTicks(): ProcessorTicks | undefined {
  if (!existsSync("/proc/stat")) return undefined;
  const [, ...ticks] = (readFileSync("/proc/stat", "latin1").split("\n", 1)[0] ?? "").split(/\s+/).slice(0, 9).map(Number);
  const [, rest = ""] = readFileSync("/proc/self/stat", "latin1").split(/\) /);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const [, , , idle = 0, waiting = 0] = ticks;
  return { all: sum(ticks), busy: sum(ticks) - idle - waiting, own: sum(rest.split(" ").slice(11, 15).map(Number)) };
}

/**
 * Watches what other programs take from the machine; the function it gives tells their share since, 0 to 1.
 * Call it when every process of the run has ended: a child counts as ours only then.
 */
export function watchOthers(): () => number | undefined {
  const before = processorTicks();
  return () => {
    const after = processorTicks();
    if (before === undefined || after === undefined) return undefined;
    return Math.max(0, (after.busy - before.busy - (after.own - before.own)) / (after.all - before.all));
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

/**
 * A small disk of its own, which a test may fill and mount anew, in a mount namespace where this machine lets a test make one; and a
 * program that is subject to permissions, whoever runs the tests.
 *
 *     await using disk = await openDisk(executable, folder);
 *     await run(["serve"], { executable: disk.executable, dataDir: disk.dataDir });
 */
import { chmodSync, closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const DISK_BYTES = 64 * 1024 * 1024;
const PIECE_BYTES = 4_096;
const apart = ["unshare", "--map-root-user", "--mount"] as const;

let isAllowed: boolean | undefined;

/** Whether a disk can be mounted here. */
export function canMount(): boolean {
  isAllowed ??= ["unshare", "nsenter", "mount"].every((name) => Bun.which(name) !== null) && Bun.spawnSync([...apart, "mount", "-t", "tmpfs", "none", "/tmp"], { stdio: ["ignore", "ignore", "ignore"] }).success;
  return isAllowed;
}

export interface OwnDisk extends AsyncDisposable {
  /** Runs the executable where the disk is mounted; the process keeps its number. */
  readonly executable: string;
  /** As the executable names it, and as the test reaches the same directory. */
  readonly dataDir: string;
  readonly seenDataDir: string;
  /** Leaves so many bytes free. */
  fill(leftBytes?: number): void;
  makeRoom(): void;
  remount(how: "ro" | "rw"): void;
}

function program(path: string, line: string): string {
  writeFileSync(path, `#!/bin/sh\nexec ${line} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Writes until nothing more fits. */
function fillUp(path: string): number {
  const file = openSync(path, "w");
  let bytes = 0;
  try {
    for (;;) bytes += writeSync(file, Buffer.alloc(PIECE_BYTES));
  } catch {
    return bytes;
  } finally {
    closeSync(file);
  }
}

export async function openDisk(executable: string, folder: string): Promise<OwnDisk> {
  const mount = join(folder, "disk");
  mkdirSync(mount);
  // It holds the namespace until its standard input ends.
  const line = `mount -t tmpfs -o size=${DISK_BYTES},mode=700 none "$0" && echo mounted && exec cat`;
  const holder = Bun.spawn([...apart, "/bin/sh", "-c", line, mount], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const output = holder.stdout.getReader();
  if ((await output.read()).done) throw new Error("no disk could be mounted");
  const inside = ["nsenter", "--target", String(holder.pid), "--user", "--mount", "--preserve-credentials"];
  const seen = join("/proc", String(holder.pid), "root", mount);
  const filler = join(seen, "filler");
  return {
    executable: program(join(folder, "on-disk"), `${inside.join(" ")} ${executable}`),
    dataDir: join(mount, "data"),
    seenDataDir: join(seen, "data"),
    fill(leftBytes = 0) {
      const bytes = fillUp(filler);
      if (leftBytes > 0) writeFileSync(filler, Buffer.alloc(bytes - leftBytes));
    },
    makeRoom: () => rmSync(filler),
    remount(how) {
      const { success, stderr } = Bun.spawnSync([...inside, "mount", "-o", `remount,${how}`, mount]);
      if (!success) throw new Error(stderr.toString());
    },
    async [Symbol.asyncDispose]() {
      await holder.stdin.end();
      await holder.exited;
    },
  };
}

const isRoot = process.getuid?.() === 0;
/** Without root's rights to pass permissions by. */
const bare = "setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search";

/** Whether a program can be subject to permissions here. */
export function canLosePermissions(): boolean {
  return !isRoot || (Bun.which("setpriv") !== null && Bun.spawnSync(["/bin/sh", "-c", `${bare} true`], { stdio: ["ignore", "ignore", "ignore"] }).success);
}

/** The executable, or a program in `folder` that runs it so. */
export function subjectToPermissions(executable: string, folder: string): string {
  return isRoot ? program(join(folder, "bare"), `${bare} ${executable}`) : executable;
}

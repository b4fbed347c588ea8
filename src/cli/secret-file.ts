/**
 * A file for a secret that is about to be made (`--out FILE`).
 *
 * The file is made first, new and for this user alone: a secret that is shown once must not be lost because it could not
 * be written, nor be put into a file that others hold open.
 */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { Fault } from "../fault.ts";
import type { Context } from "./context.ts";

const MODE = 0o600;

/** Removed again unless a secret is kept in it. */
export interface SecretFile extends Disposable {
  readonly path: string;
  /** Throws Fault `unavailable` when the disk does not take it. */
  keep(secret: string): void;
}

function openFault(path: string, cause: unknown): Fault {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EEXIST") return new Fault("conflict", `There is a file ${path} already, and it is not overwritten.`, { hint: "Name a new file with --out." });
  if (code === "ENOENT" || code === "ENOTDIR") return new Fault("not_found", `The folder of ${path} does not exist.`, { hint: "Make it first, or name another file with --out." });
  if (code === "EACCES" || code === "EPERM") return new Fault("forbidden", `This user may not make the file ${path}.`, { hint: "Name another file with --out." });
  return new Fault("unavailable", `The file ${path} cannot be made.`, { hint: "Name another file with --out.", cause });
}

function opened(path: string): number {
  try {
    return openSync(path, "wx", MODE);
  } catch (error) {
    throw openFault(path, error);
  }
}

/** The file that `--out` names; undefined without it. Throws a Fault when it cannot be made. */
export function findSecretFile({ options }: Pick<Context, "options">): SecretFile | undefined {
  const path = options.get("out");
  if (path === undefined) return undefined;
  const file = opened(path);
  let isKept = false;
  return {
    path,
    keep(secret) {
      try {
        writeSync(file, `${secret}\n`);
        fsyncSync(file);
        isKept = true;
      } catch (cause) {
        throw new Fault("unavailable", `The secret was made, but the file ${path} cannot be written.`, { hint: "Revoke it and make another one.", cause });
      }
    },
    [Symbol.dispose]() {
      closeSync(file);
      if (!isKept) rmSync(path, { force: true });
    },
  };
}

/** Files that a person names on the command line: read with a limit, and refused with a sentence that names them. */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { Fault } from "../fault.ts";

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** The bytes of the file at `path`. Throws Fault `not_found`, `forbidden`, `too_large` or `invalid_request`. */
export function readNamedFile(path: string, bytesMax: number): Buffer {
  try {
    const { size } = statSync(path);
    if (size > bytesMax) throw new Fault("too_large", `The file ${path} is larger than ${bytesMax} bytes.`, { hint: "Check that it is the right file." });
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const code = codeOf(error);
    if (code === "ENOENT") throw new Fault("not_found", `There is no file ${path}.`, { hint: `It was looked for at ${resolve(path)}.` });
    if (code === "EACCES" || code === "EPERM") throw new Fault("forbidden", `The file ${path} may not be read.`, { hint: "Run this as a user who may read it." });
    if (code === "EISDIR") throw new Fault("invalid_request", `${path} is a directory.`, { hint: "Name the file inside it." });
    throw error;
  }
}

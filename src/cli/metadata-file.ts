/** The file that `--metadata-file` names: members that no flag of a command says. */
import { Fault } from "../fault.ts";
import type { Context } from "./context.ts";
import { readNamedFile } from "./files.ts";

const METADATA_BYTES_MAX = 65_536;

export type Members = Readonly<Record<string, unknown>>;

function membersOf(value: unknown): Members | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : undefined;
}

/** Its members; empty without one. Throws Fault `invalid_request` when it holds anything but a JSON object. */
export function metadataInFile({ options }: Context): Members {
  const path = options.get("metadataFile");
  if (path === undefined) return {};
  const text = readNamedFile(path, METADATA_BYTES_MAX).toString("utf8");
  const hint = "It holds one JSON object with members such as redirect_uris or allowed_domains.";
  try {
    const members = membersOf(JSON.parse(text));
    if (members !== undefined) return members;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Fault("invalid_request", `The file ${path} is not a JSON object.`, { hint });
}

/**
 * The operator's logo for the pages: a file, checked by its bytes once at the start, and held in memory.
 *
 * Rule: what is in it cannot do anything. An SVG that holds a script, a foreign part or an address is refused here, and
 * what is served is shut into a sandbox besides, for whoever opens the picture itself.
 */
import { readFileSync, statSync } from "node:fs";
import { Fault } from "./fault.ts";

export const LOGO_BYTES_MAX = 100_000;

export interface Logo {
  readonly type: "image/png" | "image/webp" | "image/svg+xml";
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What an SVG must not hold, and how to say so. Names may carry a namespace's prefix. */
const forbidden: readonly (readonly [RegExp, string])[] = [
  [/<!DOCTYPE|<!ENTITY/i, "declares a document type"],
  [/<\?xml-/i, "names a style sheet"],
  [/<(?:[\w.-]+:)?(?:script|handler|listener)\b/i, "holds a script"],
  [/<(?:[\w.-]+:)?(?:foreignObject|iframe|object|embed|audio|video|a)\b/i, "holds a foreign part or a link"],
  [/[\s"'/]on[a-z]+\s*=/i, "handles events"],
  [/javascript:/i, "holds a script"],
  [/\b(?:href|src)\s*=\s*(?!["']#)/i, "names an address outside of itself"],
  [/url\(\s*(?!["']?\s*#)|@import/i, "names an address outside of itself"],
];

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function startsWith(bytes: Uint8Array, start: string, at = 0): boolean {
  return Buffer.from(bytes.subarray(at, at + start.length)).toString("latin1") === start;
}

function typeOf(bytes: Uint8Array): Logo["type"] | undefined {
  if (startsWith(bytes, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (startsWith(bytes, "RIFF") && startsWith(bytes, "WEBP", 8)) return "image/webp";
  return /^\s*(?:<\?xml [^>]*\?>\s*)?(?:<!--[\s\S]*?-->\s*)*<svg[\s>]/.test(textOf(bytes) ?? "") ? "image/svg+xml" : undefined;
}

/** The logo that `bytes` are, or why they are none. Pure. */
export function checkLogo(bytes: Uint8Array<ArrayBuffer>): Logo | { readonly problem: string } {
  if (bytes.length > LOGO_BYTES_MAX) return { problem: `is larger than ${LOGO_BYTES_MAX / 1_000} KB` };
  const type = typeOf(bytes);
  if (type === undefined) return { problem: "is no PNG, SVG (in UTF-8) or WebP" };
  const found = type === "image/svg+xml" ? forbidden.find(([pattern]) => pattern.test(textOf(bytes) ?? "")) : undefined;
  return found === undefined ? { type, bytes } : { problem: found[1] };
}

function bytesOf(file: string): Uint8Array<ArrayBuffer> {
  // One byte too many is enough to refuse; a disk image named by mistake is not read.
  return statSync(file).size > LOGO_BYTES_MAX ? new Uint8Array(LOGO_BYTES_MAX + 1) : new Uint8Array(readFileSync(file));
}

/** The logo in `file`; undefined when none is configured. Throws Fault `invalid_request` for a file that is none. */
export function readLogo(file: string | undefined): Logo | undefined {
  if (file === undefined) return undefined;
  const hint = `Name a PNG, WebP, or an SVG without scripts and addresses, of at most ${LOGO_BYTES_MAX / 1_000} KB.`;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = bytesOf(file);
  } catch (cause) {
    throw new Fault("invalid_request", `The logo ${file} cannot be read.`, { hint, cause });
  }
  const logo = checkLogo(bytes);
  if ("problem" in logo) throw new Fault("invalid_request", `The logo ${file} ${logo.problem}.`, { hint });
  return logo;
}

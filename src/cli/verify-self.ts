/**
 * `cyberun verify-self`: the SHA-256 of the running executable beside the one its vendor published.
 *
 * It shows damage and clumsy changes. A changed executable can print what it likes, so the text says how to check from
 * outside: tamper-evident, never tamper-proof.
 */
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Fault } from "../fault.ts";
import { MANIFEST } from "../release/documents.ts";
import { releaseTrust } from "../release/trust.ts";
import { type Trust, verifyRelease } from "../release/verify.ts";
import { trustedKeys } from "../license/trust.ts";
import type { Context, Result } from "./context.ts";
import { readNamedFile } from "./files.ts";
import { versionResult } from "./version.ts";

const SUMS_BYTES_MAX = 65_536;

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of createReadStream(path)) hash.update(part);
  return hash.digest("hex");
}

/** The sums in a file as `sha256sum` writes it, by file name without folder. */
export function parseSums(text: string): ReadonlyMap<string, string> {
  const lines = text.split("\n").flatMap((line) => [...line.matchAll(/^([0-9a-f]{64}) [ *](.+?)\r?$/g)]);
  return new Map(lines.map(([, sum = "", name = ""]) => [basename(name), sum]));
}

type Verdict = "match" | "mismatch" | "not_listed" | "no_sums";

const says: Readonly<Record<Verdict, string>> = {
  match: "matches the published sum",
  mismatch: "DIFFERS from the published sum: do not run this file",
  not_listed: "is not in the list of published sums",
  no_sums: "has nothing to be compared with; pass the vendor's list with --sums FILE",
};

/** Sums are published under the file's name. */
function verdictOf(sums: ReadonlyMap<string, string> | undefined, name: string, sum: string): Verdict {
  if (sums === undefined) return "no_sums";
  const published = sums.get(name);
  if (published === undefined) return [...sums.values()].includes(sum) ? "match" : "not_listed";
  return published === sum ? "match" : "mismatch";
}

function readSums(named: string | undefined, executable: string): ReadonlyMap<string, string> | undefined {
  const beside = join(dirname(executable), "SHA256SUMS");
  if (named === undefined && !existsSync(beside)) return undefined;
  const sums = parseSums(readNamedFile(named ?? beside, SUMS_BYTES_MAX).toString("utf8"));
  if (sums.size > 0) return sums;
  throw new Fault("invalid_request", `The file ${named ?? beside} holds no SHA-256 sums.`, { hint: "It must be as sha256sum writes it: sum, two spaces, file name." });
}

interface Against {
  /** Default: the list beside the executable. */
  readonly sumsFile: string | undefined;
  readonly trust: Trust;
}

/** The key that signed the release in whose folder the executable lies; null outside of one. Throws when that release is not whole. */
function findReleaseKey(executable: string, { sumsFile, trust }: Against): string | null {
  const folder = dirname(executable);
  if (sumsFile !== undefined || trust.roots.length === 0 || !existsSync(join(folder, MANIFEST))) return null;
  return verifyRelease(folder, trust).keyId;
}

/** Compares the file at `executable` with the sums at `sumsFile`, or with those beside it, and with the release that it lies in. */
export async function verifyExecutable(executable: string, against: Against): Promise<Result> {
  const { sumsFile } = against;
  const releaseKey = findReleaseKey(executable, against);
  const sums = readSums(sumsFile, executable);
  const sum = await sha256OfFile(executable);
  const verdict = verdictOf(sums, basename(executable), sum);
  const { data, text } = versionResult();
  const keys = trustedKeys.map(({ kid, purpose }) => ({ kid, purpose }));
  const lines = [
    text,
    `File       ${executable}`,
    `SHA-256    ${sum}`,
    `           ${says[verdict]}`,
    ...(releaseKey === null ? [] : [`Release    whole, signed by the vendor's release key ${releaseKey}`]),
    ...keys.map(({ kid, purpose }) => `Trusts     ${kid} (${purpose} key)`),
    "A changed executable could print the same. To be sure, compute the sum with another program (sha256sum) and compare it with the vendor's list, received another way.",
  ];
  return { data: { ...data, executable, sha256: sum, verdict, release_key: releaseKey, trusted_keys: keys }, text: lines.join("\n"), exit: exits[verdict] };
}

const exits = { match: 0, mismatch: 6, not_listed: 5, no_sums: 5 } as const satisfies Record<Verdict, number>;

export async function verifySelf({ options }: Context): Promise<Result> {
  if (!Bun.isStandaloneExecutable) {
    throw new Fault("invalid_request", "This runs from source, so there is no executable to compare.", { hint: "Build it first and run the built file." });
  }
  return await verifyExecutable(process.execPath, { sumsFile: options.get("sums"), trust: releaseTrust });
}

/** `cyberun keys scan`: finds keys of ours that lie where they should not. Offline, and without a store. */
import { type FoundKey, KeyScan } from "../credentials/key-scan.ts";
import { redactText } from "../log.ts";
import type { Context, Result } from "./context.ts";
import { EXIT_DENIED, EXIT_FOUND, EXIT_OK, type ExitCode } from "./exit-codes.ts";
import { FILES_MAX, problemOf, visit } from "./scan-files.ts";
import type { Terminal } from "./terminal.ts";

/** More are not listed: somebody has to act long before. */
export const FINDINGS_MAX = 10_000;

interface Finding extends FoundKey {
  readonly file: string;
}

interface Tally {
  readonly findings: Finding[];
  readonly unread: { readonly file: string; readonly problem: string }[];
  files: number;
  bytes: number;
  isCut: boolean;
}

/** A file's name as it can be printed: no control character reaches a terminal, and no key that stands in the name. */
function shownName(path: string): string {
  const harmless = path.replace(/([sad]k-[0-9A-Za-z]{8}_)[0-9A-Za-z]+/g, "$1•••");
  return redactText(harmless.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`));
}

/** One file that is being read. */
interface Reading {
  readonly file: string;
  readonly scan: KeyScan;
}

function take(tally: Tally, { file, scan }: Reading, chunk: Uint8Array): void {
  tally.bytes += chunk.length;
  for (const found of scan.next(chunk)) {
    if (tally.findings.length < FINDINGS_MAX) tally.findings.push({ file, ...found });
    else tally.isCut = true;
  }
}

function scanFiles(path: string, tally: Tally): void {
  for (const visited of visit(path)) {
    const file = shownName(visited.path);
    if (tally.files >= FILES_MAX) tally.isCut = true;
    if (tally.isCut) return;
    if ("problem" in visited) {
      tally.unread.push({ file, problem: visited.problem });
      continue;
    }
    tally.files += 1;
    const reading = { file, scan: new KeyScan() };
    try {
      for (const chunk of visited.chunks) take(tally, reading, chunk);
    } catch (error) {
      tally.unread.push({ file, problem: problemOf(error) });
    }
  }
}

async function scanInput(terminal: Terminal, tally: Tally): Promise<void> {
  const reading = { file: "-", scan: new KeyScan() };
  tally.files = 1;
  for await (const chunk of terminal.inputChunks()) take(tally, reading, chunk);
}

function exitOf({ findings, unread, isCut }: Tally): ExitCode {
  if (findings.length > 0) return EXIT_FOUND;
  return unread.length > 0 || isCut ? EXIT_DENIED : EXIT_OK;
}

function linesOf({ findings, unread, files, isCut }: Tally): readonly string[] {
  const count = findings.length === 0 ? "No key" : findings.length === 1 ? "1 key" : `${findings.length} keys`;
  const rest = [
    ...unread.map(({ file, problem }) => `${file}: not read (${problem})`),
    `${count} found in ${files} ${files === 1 ? "file" : "files"}${unread.length === 0 ? "" : `; ${unread.length} could not be read`}${isCut ? "; the rest was not looked at" : ""}.`,
    ...(findings.length === 0 ? [] : ["Revoke each one by the prefix that the list of credentials shows, also when the file is removed."]),
  ];
  return [...findings.map(({ file, line, kind, keyPrefix }) => `${file}:${line}  ${kind}  ${keyPrefix}`), ...rest];
}

export async function keysScan({ operands: [path = ""], terminal }: Context): Promise<Result> {
  const tally: Tally = { findings: [], unread: [], files: 0, bytes: 0, isCut: false };
  if (path === "-") await scanInput(terminal, tally);
  else scanFiles(path, tally);
  const found = tally.findings.map(({ file, line, offset, kind, keyPrefix }) => ({ file, line, offset, kind, key_prefix: keyPrefix }));
  const { files, bytes, unread, isCut } = tally;
  return { data: { found, files, bytes, unread, is_complete: !isCut && unread.length === 0 }, text: linesOf(tally).join("\n"), exit: exitOf(tally) };
}

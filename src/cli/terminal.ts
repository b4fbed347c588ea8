/**
 * Where a command talks: standard output for what was asked for, standard error for everything else, standard input.
 *
 * Rule: nobody is asked anything unless a person sits at a terminal, and what is typed as a password is not shown.
 */
import { Fault } from "../fault.ts";

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Whether a person can be asked. */
  readonly isInteractive: boolean;
  /** All of standard input, at most {@link INPUT_BYTES_MAX}. */
  readInput(): Promise<string>;
  /** Asks on the terminal without showing the answer. Undefined when it was interrupted. */
  askHidden(question: string): Promise<string | undefined>;
}

/** Thrown when a person breaks off at a question. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor() {
    super("interrupted");
  }
}

const INPUT_BYTES_MAX = 65_536;
const CONTROL_C = "\u0003";
const CONTROL_D = "\u0004";

async function readInput(): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of Bun.stdin.stream()) {
    bytes += part.length;
    if (bytes > INPUT_BYTES_MAX) throw new Fault("too_large", `Standard input is longer than ${INPUT_BYTES_MAX} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** What was typed so far after one more key, and whether that was the last. */
function typed(before: string, key: string): { readonly text: string | undefined; readonly isDone: boolean } {
  if (key === CONTROL_C || (key === CONTROL_D && before === "")) return { text: undefined, isDone: true };
  if (key === "\r" || key === "\n" || key === CONTROL_D) return { text: before, isDone: true };
  if (key === "\u007f" || key === "\b") return { text: [...before].slice(0, -1).join(""), isDone: false };
  return { text: key < " " ? before : before + key, isDone: false };
}

async function askHidden(question: string): Promise<string | undefined> {
  process.stderr.write(question);
  process.stdin.setRawMode(true);
  process.stdin.setEncoding("utf8");
  try {
    let text = "";
    for await (const chunk of process.stdin) {
      for (const key of String(chunk)) {
        const next = typed(text, key);
        if (next.isDone) return next.text;
        text = next.text ?? text;
      }
    }
    return undefined;
  } finally {
    process.stdin.setRawMode(false);
    process.stderr.write("\n");
  }
}

/** The streams of this process. */
export function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isInteractive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    readInput,
    askHidden,
  };
}

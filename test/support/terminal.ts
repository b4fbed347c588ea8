/** A terminal that remembers: what a command printed where, and what it is told when it asks. */
import type { Terminal } from "../../src/cli/terminal.ts";

export interface RecordedTerminal extends Terminal {
  readonly printed: { out: string; err: string };
}

export interface Answers {
  /** Standard input. */
  readonly input?: string;
  /** What is typed at each question; absent when nobody sits there. */
  readonly typed?: readonly (string | undefined)[];
}

export function recordedTerminal({ input = "", typed }: Answers = {}): RecordedTerminal {
  const printed = { out: "", err: "" };
  const left = [...(typed ?? [])];
  return {
    printed,
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
    isInteractive: typed !== undefined,
    readInput: async () => input,
    inputChunks: async function* () {
      yield Buffer.from(input);
    },
    ask: async (question) => {
      printed.err += question;
      return left.shift();
    },
    askHidden: async (questions) => {
      const answers: string[] = [];
      for (const question of questions) {
        printed.err += `${question}\n`;
        const answer = left.shift();
        if (answer === undefined) return undefined;
        answers.push(answer);
      }
      return answers;
    },
  };
}

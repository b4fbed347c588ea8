/** What a command gets and what it gives back. */
import type { Config } from "../config.ts";
import type { Services } from "../services.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { OptionName } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** What was asked for: the same facts as one JSON object and as lines for people. */
export interface Result {
  readonly data: Readonly<Record<string, unknown>>;
  /** Without a line end after the last line. */
  readonly text: string;
  /** 0 unless the answer itself is bad news, such as a license that has expired. */
  readonly exit?: ExitCode;
}

export interface Context {
  readonly config: Config;
  /** Remarks on the configuration that are no mistakes. */
  readonly notices: readonly string[];
  readonly options: ReadonlyMap<OptionName, string>;
  readonly operands: readonly string[];
  readonly services: Services;
  readonly terminal: Terminal;
  /** Prints a result before the command ends: what a server says once it serves. */
  print(result: Result): void;
}

/** A command. Undefined when everything was printed on the way. It throws a Fault for what is refused. */
export type Run = (context: Context) => Promise<Result | undefined>;

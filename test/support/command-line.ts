/** Runs a command line inside the test's process, in an environment of its own. */
import { dispatch } from "../../src/cli/dispatch.ts";
import { findCommandProblem } from "../../src/cli/answer-schemas.ts";
import { realServices, type Services } from "../../src/services.ts";
import { type Answers, recordedTerminal } from "./terminal.ts";

export interface CommandLineOptions extends Answers {
  readonly environment?: Readonly<Record<string, string>>;
  readonly services?: Services;
  readonly workingDirectory?: string;
}

export interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

export async function run(argv: readonly string[], options: CommandLineOptions = {}): Promise<Ran> {
  const terminal = recordedTerminal(options);
  const { environment = {}, services = realServices(), workingDirectory = "/" } = options;
  const exit = await dispatch(argv, { environment, services, workingDirectory, terminal, findAnswerProblem: findCommandProblem });
  return { exit, ...terminal.printed };
}

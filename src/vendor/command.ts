/** What a command of `cyberun-vendor` is: a table row with its options, and a function from arguments to an answer. */
import type { Services } from "../services.ts";
import type { Arguments, Options } from "./arguments.ts";

/** The world a command may touch. Relative paths count from `directory`. */
export interface Desk {
  readonly services: Services;
  readonly directory: string;
}

/** What a command answers: one JSON object for scripts, the same in words for people. */
export interface Answer {
  readonly json: object;
  readonly text: string;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Names of operands in order; one in square brackets may be left out. */
  readonly operands: readonly string[];
  readonly options: Options;
  /** Lines of the help below the options. */
  readonly notes?: readonly string[];
  run(desk: Desk, given: Arguments): Answer;
}

/** Epoch seconds of the desk's clock. */
export function nowSeconds(desk: Desk): number {
  return Math.floor(desk.services.clock.now() / 1000);
}

/** Epoch seconds as people read them. */
export function shownInstant(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/**
 * The bans of the house: what may not stand in a file, where, and what to write instead.
 *
 * Rule: each ban carries examples that it must catch and examples that it must let pass; `ban.test.ts` tries them all,
 * so that a ban that catches nothing cannot go unnoticed.
 */
import { lineAt, type SourceText } from "./source-text.ts";

export interface Ban {
  readonly name: string;
  /** What to write instead; ends each message. */
  readonly instead: string;
  readonly pattern: RegExp;
  /** Which view of the file the pattern reads; `code` unless told. */
  readonly view?: keyof SourceText;
  /** True for the files in which it holds, as paths from the root. */
  holdsIn(path: string): boolean;
  /** Files that may, each with a sentence why and how often. */
  readonly except?: Readonly<Record<string, Exception>>;
  readonly catches: readonly [string, ...string[]];
  readonly passes: readonly string[];
}

export interface Exception {
  readonly why: string;
  /** Exactly so many; an exception that is no longer needed is a finding too. */
  readonly times: number;
}

/** The lines of the file on which the ban's pattern is found. */
export function linesOf(ban: Ban, source: SourceText): readonly number[] {
  const view = source[ban.view ?? "code"];
  const pattern = new RegExp(ban.pattern.source, `${ban.pattern.flags}g`);
  return [...view.matchAll(pattern)].map(({ index }) => lineAt(view, index));
}

/** One sentence for each place in the file at `path` that breaks the ban. */
export function findingsOf(ban: Ban, path: string, source: SourceText): readonly string[] {
  if (!ban.holdsIn(path)) return [];
  const lines = linesOf(ban, source);
  const exception = ban.except?.[path];
  if (exception === undefined) return lines.map((line) => `${path}:${line}: ${ban.name}. ${ban.instead}`);
  if (lines.length === 0) return [`${path}: the exception from "${ban.name}" is no longer needed. Remove it from test/tidy.`];
  return exception.times === lines.length ? [] : [`${path}: ${ban.name}: ${lines.length} times, and ${exception.times} are excepted. ${ban.instead}`];
}

/** What holds for a file as a whole: its name, its head, its length, the lengths of its functions, and what it must not betray. */
import { functionsOf, parameterListsOf } from "./functions.ts";
import { lineAt, type SourceText } from "./source-text.ts";

export const FILE_LINES_MAX = 400;
export const FUNCTION_LINES_MAX = 70;
export const PARAMETERS_MAX = 3;

/** The schema is one table after another; cutting it would hide what belongs together. */
/** One is the schema; the other is generated. */
const longFiles = ["src/store/schema.ts", "client/operations.d.ts"];

export function lengthFindings(path: string, text: string): readonly string[] {
  const lines = text.trimEnd().split("\n").length;
  if (lines <= FILE_LINES_MAX || longFiles.includes(path)) return [];
  return [`${path}: ${lines} lines, and at most ${FILE_LINES_MAX} are allowed. A file answers one question: give the second one its own`];
}

export function functionFindings(path: string, { code }: SourceText): readonly string[] {
  const long = functionsOf(code).filter(({ lines }) => lines > FUNCTION_LINES_MAX);
  return long.map(({ line, lines }) => `${path}:${line}: a function of ${lines} lines, and at most ${FUNCTION_LINES_MAX} are allowed. Keep the branches here and move the loops down`);
}

export function parameterFindings(path: string, { code }: SourceText): readonly string[] {
  const long = parameterListsOf(code).filter(({ count }) => count > PARAMETERS_MAX);
  return long.map(({ line, count }) => `${path}:${line}: ${count} parameters, and at most ${PARAMETERS_MAX} are allowed. Take an object`);
}

const kebab = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.d)?\.(?:tsx?|mjs)$/;
const vague = /^(?:index|utils?|helpers?|common|misc|types|shared|lib|constants)\.(?:tsx?|mjs)$|(?:^|-)(?:utils?|helpers?|manager)\.(?:tsx?|mjs)$/;

export function nameFindings(path: string): readonly string[] {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (vague.test(name)) return [`${path}: the name says nothing. Name the file by what it holds; there are no barrels`];
  return kebab.test(name) ? [] : [`${path}: file names are nouns in kebab-case, such as clock-guard.ts`];
}

/** Tests are named by their sentences; every other file says what it is for before anything else. */
export function headFindings(path: string, text: string): readonly string[] {
  if (path.endsWith(".test.ts") || /^(?:#![^\n]*\n)?\/\*\*/.test(text)) return [];
  return [`${path}: does not open with a doc comment. Say its purpose, its rule and what it must not know`];
}

export function specifierFindings(path: string, source: SourceText): readonly string[] {
  const relative = source.withLiterals.matchAll(/(?:\bfrom|\bimport|\bimport\s*\()\s*"(\.[^"\n]*)"/g);
  return [...relative].flatMap(({ index, 1: specifier = "" }) => {
    if (source.code.slice(index, index + 3).trim() === "" || /\.\w+$/.test(specifier)) return [];
    return [`${path}:${lineAt(source.code, index)}: "${specifier}" lacks its ending. Import with .ts`];
  });
}

/** Places of one machine and hosts of package registries: what was true where it was written and is not elsewhere. */
const traces: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["a home or work folder of one machine", /(?<![\w.:-])\/(?:home\/[a-z]\w*|Users\/[A-Z]?\w+|root|work|mnt|workspace)\//],
  ["the address of a package registry or mirror", /https?:\/\/(?:[\w-]+\.)*(?:registry|npmjs|npm|yarnpkg|pypi|artifactory|nexus|verdaccio|mirror)[\w-]*\.[\w.-]+/i],
];

export function traceFindings(path: string, text: string): readonly string[] {
  return traces.flatMap(([what, pattern]) => {
    const at = text.search(pattern);
    return at < 0 ? [] : [`${path}:${lineAt(text, at)}: names ${what}. Take it from a setting, or leave it out`];
  });
}

/** A private half of a key, in any of the spellings it is stored in. */
export function privateKeyFindings(path: string, text: string): readonly string[] {
  const isPrivate = /PRIVATE KEY|"(?:d|p|q|dp|dq|qi|k)"\s*:/.test(text);
  return isPrivate ? [`${path}: holds a private key. It is lost now: make a new pair, and keep only the public half here`] : [];
}

const declared = /^export\s+(?:async\s+)?(?:const|let|function\s*\*?|class)\s+([\w$]+)/gm;

interface ExportedName {
  readonly name: string;
  readonly line: number;
}

/** The values that a file exports. Types are left out: whoever calls a function may need to name what it takes. */
export function exportsOf({ code }: SourceText): readonly ExportedName[] {
  return [...code.matchAll(declared)].map(({ index, 1: name = "" }) => ({ name, line: lineAt(code, index) }));
}

function countWords(code: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of code.match(/[\w$]+/g) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** One finding for each exported value that nothing but its own declaration speaks of, in `looked`. */
export function unusedExports(files: ReadonlyMap<string, SourceText>, looked: (path: string) => boolean): readonly string[] {
  const counts = new Map([...files].map(([path, { code }]) => [path, countWords(code)]));
  const isUsed = (path: string, name: string) => [...counts].some(([other, words]) => (words.get(name) ?? 0) > (other === path ? 1 : 0));
  return [...files].flatMap(([path, source]) => {
    const dead = looked(path) ? exportsOf(source).filter(({ name }) => !isUsed(path, name)) : [];
    return dead.map(({ name, line }) => `${path}:${line}: nothing uses ${name}. Remove it`);
  });
}

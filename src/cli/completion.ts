/**
 * `cyberun completion`: scripts by which bash, zsh and fish complete commands and flags.
 *
 * Rule: printed from the tables, so that they know what the executable knows. They start nothing when a key is pressed.
 */
import { Fault } from "../fault.ts";
import { type CommandName, commandNames, commandOf } from "./commands.ts";
import type { Context, Result } from "./context.ts";
import { type FlagHelp, flagsOf } from "./help.ts";

interface Next {
  readonly word: string;
  readonly says: string;
}

const isName = (words: string): words is CommandName => commandNames.some((name) => name === words);

/** The words that may follow the ones before, by these. */
function nextWords(): ReadonlyMap<string, readonly Next[]> {
  const next = new Map<string, Next[]>();
  for (const name of commandNames) {
    const words = name.split(" ");
    for (const [index, word] of words.entries()) {
      const before = words.slice(0, index).join(" ");
      const known = next.get(before) ?? [];
      const whole = words.slice(0, index + 1).join(" ");
      if (!known.some((each) => each.word === word)) next.set(before, [...known, { word, says: isName(whole) ? commandOf(whole).purpose : `${word} …` }]);
    }
  }
  return next;
}

const flagsBy = (): readonly (readonly [CommandName, readonly FlagHelp[]])[] => commandNames.map((name) => [name, flagsOf(name)]);

/** Flags whose value is a file or a directory, and those with another value. */
function valued(isFile: boolean): readonly string[] {
  const named = flagsBy().flatMap(([, flags]) => flags.filter(({ placeholder }) => placeholder !== "" && /^(?:FILE|DIR)$/.test(placeholder) === isFile).map(({ flag }) => flag));
  return [...new Set(named)].toSorted();
}

/** For a shell's single quotes. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const cases = (rows: readonly (readonly [string, string])[]) => rows.map(([pattern, words]) => `    ${quoted(pattern)}) echo ${quoted(words)} ;;`).join("\n");

/** What bash and zsh share: which words and which flags follow. */
function tablesOf(): string {
  const next = [...nextWords()].map(([before, words]) => [before, words.map(({ word }) => word).join(" ")] as const);
  const flags = flagsBy().map(([name, all]) => [name, all.map(({ flag }) => flag).join(" ")] as const);
  return `_cyberun_next() {
  case "$1" in
${cases(next)}
  esac
}

_cyberun_flags() {
  case "$1" in
${cases(flags)}
    *) echo '--help' ;;
  esac
}

_cyberun_path() {
  local at='' word
  for word in "$@"; do
    case " $(_cyberun_next "$at") " in
      *" $word "*) at="\${at:+$at }$word" ;;
    esac
  done
  echo "$at"
}`;
}

function bash(): string {
  return `# bash completion of cyberun
${tablesOf()}

_cyberun() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" at
  at="$(_cyberun_path "\${COMP_WORDS[@]:1:COMP_CWORD-1}")"
  COMPREPLY=()
  case "$before" in
    ${valued(true).join("|")}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    ${valued(false).join("|")}) return ;;
  esac
  if [[ "$word" == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_cyberun_flags "$at")" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "$(_cyberun_next "$at")" -- "$word")
    if [[ -z "$(_cyberun_next "$at")" ]]; then compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); fi
  fi
}

complete -F _cyberun cyberun`;
}

function zsh(): string {
  return `#compdef cyberun
${tablesOf()}

_cyberun() {
  local at="$(_cyberun_path "\${(@)words[2,CURRENT-1]}")" before="\${words[CURRENT-1]}"
  case "$before" in
    ${valued(true).join("|")}) _files; return ;;
    ${valued(false).join("|")}) return ;;
  esac
  if [[ "$PREFIX" == -* ]]; then
    compadd -- \${(s: :)"$(_cyberun_flags "$at")"}
  elif [[ -n "$(_cyberun_next "$at")" ]]; then
    compadd -- \${(s: :)"$(_cyberun_next "$at")"}
  else
    _files
  fi
}

if [[ "\${funcstack[1]}" == _cyberun ]]; then _cyberun "$@"; else compdef _cyberun cyberun; fi`;
}

/** For fish, whose single quotes know the backslash. */
const fished = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

function fish(): string {
  const words = [...nextWords()].flatMap(([before, next]) => next.map(({ word, says }) => `complete -c cyberun -f -n ${fished(`__cyberun_at ${fished(before)}`)} -a ${fished(word)} -d ${fished(says)}`));
  const flags = flagsBy().flatMap(([name, all]) =>
    all.map(({ flag, placeholder, help }) => {
      const value = placeholder === "" ? "" : /^(?:FILE|DIR)$/.test(placeholder) ? " -r -F" : " -x";
      return `complete -c cyberun -n ${fished(`__cyberun_at ${fished(name)}`)} -l ${flag.slice(2)}${value} -d ${fished(help)}`;
    }),
  );
  const every = [...new Set(commandNames.flatMap((name) => name.split(" ")))].toSorted();
  return `# fish completion of cyberun
function __cyberun_at
    set -l words
    for word in (commandline -opc)[2..]
        contains -- $word ${every.join(" ")}; and set -a words $word
    end
    test "$words" = "$argv[1]"
end

${words.join("\n")}
${flags.join("\n")}`;
}

const shells: Readonly<Record<string, () => string>> = { bash, zsh, fish };

export async function completion({ operands: [shell = ""] }: Context): Promise<Result> {
  const make = Object.hasOwn(shells, shell) ? shells[shell] : undefined;
  if (make === undefined) throw new Fault("invalid_request", `There is no completion for ${JSON.stringify(shell.slice(0, 50))}.`, { hint: `It can be ${Object.keys(shells).join(", ")}.` });
  const script = make();
  return { data: { shell, script }, text: script };
}

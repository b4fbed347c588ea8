/** `docs/cli.md`, printed from the tables of commands, options and exit codes. Pure. */
import { type CommandName, commandNames, commandOf } from "../src/cli/commands.ts";
import { exitCodes } from "../src/cli/exit-codes.ts";
import { flagsOf, usageOf } from "../src/cli/help.ts";
import { faultCodes } from "../src/fault.ts";
import { code, page, table } from "./markdown.ts";

const introduction = `# Command line

Every command of \`cyberun\`. The page is generated (\`bun run docs\`); change \`src/cli/commands.ts\` and \`src/cli/options.ts\`.
Settings, with their variables, defaults and config-file keys, are explained in [configuration](configuration.md).

Flags may stand anywhere; \`--name value\` and \`--name=value\` mean the same; what stands behind \`--\` is no flag. Nobody is
asked anything unless standard input and standard error are a terminal.

## Who a command acts as

Each command has one way in, and says which. \`--json\` prints what the API answers, with \`schema_version\`.

| commands | act as | need |
|---|---|---|
| \`users\`, \`deployment\`, \`audit\`, \`admin\`, \`oidc\`, most of \`license\` | the operator of the deployment | to run on its host, by who may read the data directory; they ask the running server, or open the store when none runs |
| \`teams\`, \`members\`, \`invitations\`, \`quotas\`, \`notifications\`, \`devices\`, \`whoami\` | the person whose device this machine is, in the team that it was paired for | \`cyberun login\` once, or a \`dk-\` key in \`CYBERUN_API_KEY\` |
| the same but \`devices\` and \`whoami\`, with \`--email\` | a person who signs in for this one command; \`--team\` names the team | the password, and a code where there is a second factor |
| \`keys list\`, \`create\`, \`rotate\`, \`revoke\` | a person who signs in, never a key | \`--email\`, as above |

Passwords and codes are asked for on a terminal, or come from files (\`--password-file\`, \`--code-file\`) or standard input; none
stands on a command line. The sign-in ends with the command. A new key is printed once, or goes with \`--out FILE\` into a new
file that only this user may read, and is not printed then.

Lists come in pages (\`--page\`, \`--per-page\`), or as one with \`--all\`. What cannot be taken back is asked about on a
terminal; elsewhere it needs \`--yes\`, and without it nothing is done (exit code 2).

## In a shell

\`cyberun completion bash|zsh|fish\` prints what completes commands and flags, \`cyberun man\` the manual page. \`cyberun doctor\` looks
whether everything is there that the deployment needs.

## Output

Standard output holds what was asked for and nothing else; logs and remarks go to standard error. With \`--json\` standard
output is one JSON object on one line. Its \`schema_version\` is 1: members may be added, none changes its meaning or goes.
\`serve\` and \`trial\` print theirs once everything serves. \`cyberun schema COMMAND\` prints the JSON Schema of a command's object and of
a failure. A command that waits tells how far it is to a person at a terminal; in a pipe it says its answer and nothing on the way but
the task's own log. Nothing is coloured.

A failure leaves standard output empty and never ends in 0. With \`--json\` its description is one JSON object, the last line
of standard error:

\`\`\`json
{"schema_version": 1, "error": {"code": "not_found", "message": "There is no file site.lic.", "hint": "…", "retryable": false}}
\`\`\`

\`retryable\` says that the same call can succeed later without anything being corrected. \`details\`, where it is there,
holds facts for programs; for wrong use, \`details.mistakes\` lists every mistake.`;

function faultNames(exit: string): string {
  const names = Object.entries(faultCodes).flatMap(([name, row]) => (String(row.exit) === exit ? [code(name)] : []));
  return names.length === 0 ? "–" : names.join(", ");
}

function exitChapter(): string {
  return ["## Exit codes", table(["code", "meaning", "`error.code`"], Object.entries(exitCodes).map(([exit, meaning]) => [exit, meaning, faultNames(exit)]))].join("\n\n");
}

const answers = `\`license status\` ends in 7, with its answer on standard output, when the license is not good, and \`license test\` when the file
would be refused. \`verify-self\` ends in 6 when the sum differs and in 5 when there is none to compare with.`;

function commandChapter(name: CommandName): string {
  const { purpose, notes = [] } = commandOf(name);
  const flags = flagsOf(name).map(({ flag, placeholder, variable, default: shown, help }) => [
    code(placeholder === "" ? flag : `${flag} ${placeholder}`),
    variable === null ? "–" : code(variable),
    shown,
    `${help}.`,
  ]);
  const all = flags.length > 20 ? "Takes every setting of [configuration](configuration.md), and `--json`." : table(["flag", "variable", "default", "what it is"], flags);
  return [`### ${name}`, `${purpose}.`, `\`\`\`sh\n${usageOf(name)}\n\`\`\``, ...notes, all].join("\n\n");
}

export function cliMarkdown(): string {
  return page(introduction, exitChapter(), answers, "## Commands", ...commandNames.map(commandChapter));
}

/** `cyberun man`: the manual page, in the man macros that groff and mandoc read (man(7)), printed from the tables. */
import { commandNames, commandOf } from "./commands.ts";
import type { Result } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";
import { flagsOf, usageOf } from "./help.ts";
import { buildTime, version } from "../version.ts";

/** Text of a line: nothing in it is a macro or an escape. */
function plain(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll(/[^ -~]/gu, (letter) => `\\[u${letter.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}]`);
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** As an argument of a macro. */
const argument = (text: string) => `"${plain(text).replaceAll('"', '\\(dq')}"`;

function commandLines(name: (typeof commandNames)[number]): readonly string[] {
  const { purpose, notes = [] } = commandOf(name);
  // What every command takes stands once, above.
  const flags = flagsOf(name).filter(({ flag }) => flag !== "--json" && flag !== "--help");
  const shared = flags.length > SETTINGS_SHOWN_MAX;
  return [
    `.SS ${argument(usageOf(name).replace(" [flags]", ""))}`,
    `${plain(purpose)}.`,
    ...notes.flatMap((note) => [".PP", plain(note)]),
    ...(shared ? [".PP", "It takes every setting of the server; see", `.B ${argument(`cyberun help ${name}`)}`] : flags.flatMap(({ flag, placeholder, help }) => [".TP", `.B ${argument(placeholder === "" ? flag : `${flag} ${placeholder}`)}`, `${plain(help)}.`])),
  ];
}

const SETTINGS_SHOWN_MAX = 25;

export function manualPage(): string {
  const date = buildTime === 0 ? "" : new Date(buildTime * 1_000).toISOString().slice(0, 10);
  return [
    `.TH CYBERUN 1 ${argument(date)} ${argument(`cyberun ${version}`)} "User Commands"`,
    ".SH NAME",
    "cyberun \\- licensing, identity, API keys and an agent gateway for a self\\-hosted platform",
    ".SH SYNOPSIS",
    ".B cyberun",
    ".I COMMAND",
    "[flags]",
    ".SH DESCRIPTION",
    plain("One executable runs the License Server, the API server, the agent gateway and the issuer of a deployment, and is the command line to them."),
    plain("A flag goes before its CYBERUN_ variable, that before the config file (--config FILE), that before the default. cyberun help COMMAND shows a command's flags with variables and defaults."),
    ".SH OPTIONS",
    "Every command takes these:",
    ".TP",
    ".B \\-\\-json",
    plain("Print one JSON object to standard output, and a failure as JSON to standard error; cyberun schema COMMAND prints its shape."),
    ".TP",
    ".B \\-\\-help",
    "Explain the command.",
    ".SH COMMANDS",
    ...commandNames.flatMap(commandLines),
    ".SH EXIT STATUS",
    ...Object.entries(exitCodes).flatMap(([code, meaning]) => [".TP", `.B ${code}`, plain(meaning)]),
    ".SH ENVIRONMENT",
    plain("Each setting has a variable whose name begins with CYBERUN_; cyberun help COMMAND names it. NO_COLOR needs not be set: nothing is coloured."),
    ".SH SEE ALSO",
    plain("The reference of the API is served by the API server at /docs/api."),
  ].join("\n");
}

export async function man(): Promise<Result> {
  const page = manualPage();
  return { data: { page }, text: page };
}

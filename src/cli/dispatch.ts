/**
 * From a command line to an exit code: parse, find the command, read the configuration, run, print.
 *
 * Rule: the only place that turns failures into exit codes. It must not know what any command does.
 */
import { mistakesFault, readConfig } from "../config.ts";
import { settingOf } from "../config/table.ts";
import type { Environment, Mistake } from "../config/sources.ts";
import { Fault } from "../fault.ts";
import { redact } from "../log.ts";
import type { Services } from "../services.ts";
import { type Arguments, parseArguments } from "./arguments.ts";
import { type CommandName, commandOf, findCommand, type Resolved } from "./commands.ts";
import type { Context, Result } from "./context.ts";
import { EXIT_BUG, EXIT_INTERRUPTED, EXIT_OK } from "./exit-codes.ts";
import { helpFor, unknownCommand, usageOf } from "./help.ts";
import { loaders } from "./loaders.ts";
import { optionOf } from "./options.ts";
import { printed, printedFault } from "./output.ts";
import { Interrupted, type Terminal } from "./terminal.ts";

/** The process as a command line sees it. */
export interface World {
  readonly environment: Environment;
  readonly workingDirectory: string;
  readonly services: Services;
  readonly terminal: Terminal;
  /**
   * Says what is wrong with an answer; it is a bug then, and not printed. For tests: a member that the schema does not know yet is no
   * reason to fail people's commands.
   */
  readonly findAnswerProblem?: (name: CommandName, data: Result["data"]) => string | undefined;
}

/** What is printed, once it was looked at. */
function shown(name: CommandName, result: Result, { world: { findAnswerProblem }, isJson }: { readonly world: World; readonly isJson: boolean }): string {
  const problem = findAnswerProblem?.(name, result.data);
  if (problem !== undefined) throw new Error(problem);
  return printed(result, isJson);
}

/** Flags that exist and that this command does not take, and operands that are missing or too many. */
function misplaced({ name, operands }: Resolved, given: Arguments): readonly Mistake[] {
  const row = commandOf(name);
  const wanted = row.operands ?? [];
  const hint = `Usage: ${usageOf(name)}`;
  const flags = [
    ...[...given.settings.keys()].filter((setting) => !row.settings.includes(setting)).map((setting) => settingOf(setting).flag),
    ...[...given.options.keys()].filter((option) => !row.options.includes(option)).map((option) => optionOf(option).flag),
  ].map((flag) => ({ where: flag, problem: `is no flag of cyberun ${name}`, hint: `cyberun help ${name} lists its flags.` }));
  if (row.hasFreeOperands === true) return flags;
  const missing = wanted.slice(operands.length).map((operand) => ({ where: operand, problem: "is missing", hint }));
  const surplus = operands.slice(wanted.length).map((operand) => ({ where: JSON.stringify(operand), problem: "is one word too many", hint }));
  return [...flags, ...missing, ...surplus];
}

function contextOf(resolved: Resolved, given: Arguments, world: World): Context {
  const { settings: takes, isTrial = false } = commandOf(resolved.name);
  const mistakes = [...given.mistakes, ...misplaced(resolved, given)];
  const { environment, workingDirectory, services, terminal } = world;
  const { config, notices } = readConfig({ flags: given.settings, environment, workingDirectory }, { takes, isTrial }, mistakes);
  const isJson = given.options.has("json");
  const print = (result: Result) => terminal.out(shown(resolved.name, result, { world, isJson }));
  return { config, notices, options: given.options, operands: resolved.operands, services, terminal, print };
}

interface Ended {
  readonly name: CommandName;
  readonly result: Result;
}

/** Undefined when everything was printed on the way. */
async function endOf(given: Arguments, world: World): Promise<Ended | undefined> {
  const { words, options, mistakes } = given;
  if (options.has("help")) return { name: "help", result: helpFor(words) };
  const resolved = findCommand(words);
  if (resolved === undefined) {
    if (mistakes.length > 0) throw mistakesFault(mistakes);
    if (words.length === 0) throw new Fault("invalid_request", "A command is missing.", { hint: "cyberun help lists the commands." });
    throw unknownCommand(words);
  }
  const run = await loaders[resolved.name]();
  const result = await run(contextOf(resolved, given, world));
  return result === undefined ? undefined : { name: resolved.name, result };
}

function failed(error: unknown, isJson: boolean, terminal: Terminal): number {
  if (error instanceof Interrupted) return EXIT_INTERRUPTED;
  if (error instanceof Fault && error.code !== "internal") {
    terminal.err(printedFault(error, isJson));
    return error.exitCode;
  }
  const sentence = error instanceof Fault ? error.message : "Something went wrong on our side; this is a bug.";
  const bug = new Fault("internal", sentence, { hint: "Please report it with the lines above.", details: { error: redact(error) } });
  if (!isJson) terminal.err(`${JSON.stringify(redact(error))}\n`);
  terminal.err(printedFault(bug, isJson));
  return EXIT_BUG;
}

/** Runs the command line and gives back its exit code. It never throws. */
export async function dispatch(argv: readonly string[], world: World): Promise<number> {
  const given = parseArguments(argv);
  const isJson = given.options.has("json");
  try {
    const ended = await endOf(given, world);
    if (ended !== undefined) world.terminal.out(shown(ended.name, ended.result, { world, isJson }));
    return ended?.result.exit ?? EXIT_OK;
  } catch (error) {
    return failed(error, isJson, world.terminal);
  }
}

/**
 * Where settings come from: command line, `CYBERUN_*` variables, one TOML file; and what is wrong with what stands there.
 *
 * TOML and not JSON, because operators need comments beside what they set, and the runtime's parser refuses a key that
 * stands twice.
 *
 * Rule: nothing that was given is dropped in silence. It must not know what a setting is used for.
 */
import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Place, Reading } from "./kinds.ts";
import type { Setting } from "./setting.ts";
import { type AnySetting, type SettingName, settingNames, settingOf } from "./table.ts";
import { redactText } from "../log.ts";
import type { HeldProvider } from "../upstream-provider.ts";
import { findNearest } from "./nearest.ts";
import { readUpstreamProviders, UPSTREAM_PROVIDERS_KEY } from "./upstream-providers.ts";

/** Something that is wrong: where it stands, why, and what would be right. */
export interface Mistake {
  /** `--api-port`, `CYBERUN_API_PORT`, or `FILE: api_port`. */
  readonly where: string;
  readonly problem: string;
  readonly hint?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Sources {
  readonly flags: ReadonlyMap<SettingName, string>;
  readonly environment: Environment;
  readonly workingDirectory: string;
}

const CONFIG_FILE_BYTES_MAX = 65_536;
const SHOWN_CHARACTERS_MAX = 80;

/** Names that clients of the platform use for themselves; a server leaves them alone. */
const clientVariables: readonly string[] = ["CYBERUN_API_KEY", "CYBERUN_KEY", "CYBERUN_AGENT_KEY"];
/** What Kubernetes sets in every container for a service whose name begins with ours. */
const serviceLink = /^CYBERUN(_[A-Z0-9_]+)?_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** Why an unknown name is a mistake, with the known one it was probably meant to be. */
export function unknownName(name: string, known: readonly string[], what: string): Omit<Mistake, "where"> {
  const nearest = findNearest(name, known);
  return { problem: `there is no such ${what}`, ...(nearest === undefined ? {} : { hint: `Did you mean ${nearest}?` }) };
}

export interface UnknownVariables {
  readonly mistakes: readonly Mistake[];
  readonly notices: readonly string[];
}

/** Unknown `CYBERUN_*` names: a mistake each, but for those that others set for purposes of their own. */
export function unknownVariables(environment: Environment): UnknownVariables {
  const known = settingNames.map((name) => settingOf(name).variable);
  const isOurs = (name: string) => known.includes(name) || clientVariables.includes(name);
  const unknown = Object.keys(environment).filter((name) => name.startsWith("CYBERUN_") && !isOurs(name));
  return {
    mistakes: unknown.filter((name) => !serviceLink.test(name)).map((name) => ({ where: name, ...unknownName(name, known, "variable") })),
    notices: unknown
      .filter((name) => serviceLink.test(name))
      .map((name) => `The variable ${name} describes a service of the orchestrator; it is no setting and was not used.`),
  };
}

/** A config file: its keys as text, so that all sources are read by the same kinds. */
export interface ConfigFile {
  readonly path: string;
  readonly values: ReadonlyMap<SettingName, string>;
  /** Of the tables that are no settings of one value. */
  readonly upstreamProviders: readonly HeldProvider[];
  readonly mistakes: readonly Mistake[];
}

function problemOf(error: unknown): Omit<Mistake, "where"> {
  if (error instanceof SyntaxError) return { problem: `is not TOML: ${redactText(error.message)}` };
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return { problem: "there is no such file" };
  return { problem: "the file cannot be read", hint: "Check that it is a file and that this user may read it." };
}

function parsedFile(path: string): { readonly content: object } | { readonly mistake: Mistake } {
  try {
    if (statSync(path).size > CONFIG_FILE_BYTES_MAX) return { mistake: { where: path, problem: `is larger than ${CONFIG_FILE_BYTES_MAX} bytes` } };
    return { content: Bun.TOML.parse(readFileSync(path, "utf8")) };
  } catch (error) {
    return { mistake: { where: path, ...problemOf(error) } };
  }
}

function textOf(value: unknown, isList: boolean): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (isList && Array.isArray(value) && value.every((item) => typeof item === "string" && !item.includes(","))) return value.join(",");
  return undefined;
}

/** Reads the file at `path`; whatever is wrong with it is among its mistakes. */
export function readConfigFile(path: string): ConfigFile {
  const parsed = parsedFile(path);
  if ("mistake" in parsed) return { path, values: new Map(), upstreamProviders: [], mistakes: [parsed.mistake] };
  // A file cannot name another file.
  const known = settingNames.filter((name) => name !== "configFile");
  const keys = known.map((name) => settingOf(name).name);
  const values = new Map<SettingName, string>();
  const { [UPSTREAM_PROVIDERS_KEY]: tables = {}, ...content }: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(parsed.content));
  const { providers: upstreamProviders, mistakes: inTables } = readUpstreamProviders(path, tables);
  const mistakes: Mistake[] = [...inTables];
  for (const [key, value] of Object.entries(content)) {
    const where = `${path}: ${key}`;
    const name = known[keys.indexOf(key)];
    const text = name === undefined ? undefined : textOf(value, settingOf(name).kind.isList === true);
    if (name === undefined) mistakes.push({ where, ...unknownName(key, keys, "key") });
    else if (text === undefined) mistakes.push({ where, problem: "must be a string or a number, or a list of strings where a list is taken" });
    else values.set(name, text);
  }
  return { path, values, upstreamProviders, mistakes };
}

interface Found {
  readonly text: string;
  readonly where: string;
  readonly place: Place;
}

/** A value as a message may show it: quoted, short, without anything that looks like a credential. */
function quoted(text: string, { kind }: AnySetting): string {
  if (kind.isSecret === true) return "the value";
  return JSON.stringify(redactText(text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text));
}

/** Reads settings from the sources and collects what is wrong on the way. */
export class SettingsReader {
  readonly mistakes: Mistake[] = [];
  file: ConfigFile | undefined;
  readonly #sources: Sources;
  readonly #takes: readonly SettingName[];

  /** Settings that are not in `takes` keep their defaults, whatever the sources say of them. */
  constructor(sources: Sources, takes: readonly SettingName[]) {
    this.#sources = sources;
    this.#takes = takes;
  }

  /** From then on the file's keys count too. */
  openFile(path: string | undefined): void {
    if (path === undefined) return;
    this.file = readConfigFile(path);
    this.mistakes.push(...this.file.mistakes);
  }

  /** Every place where the setting stands, the one that wins first. An empty variable counts as not set. */
  #found(name: SettingName): readonly Found[] {
    const { flag, variable, name: key } = settingOf(name);
    const { flags, environment, workingDirectory: folder } = this.#sources;
    const path = this.file?.path ?? folder;
    return [
      { text: flags.get(name), where: flag, place: { folder, isCommandLine: true } },
      { text: environment[variable] || undefined, where: variable, place: { folder, isCommandLine: false } },
      { text: this.file?.values.get(name), where: `${path}: ${key}`, place: { folder: dirname(path), isCommandLine: false } },
    ].flatMap(({ text, ...rest }) => (text === undefined ? [] : [{ text, ...rest }]));
  }

  /** Where the setting that counts stands; undefined when it is at its default. */
  findPlace(name: SettingName): string | undefined {
    return this.#takes.includes(name) ? this.#found(name)[0]?.where : undefined;
  }

  /** The setting's value, and its default when it stands nowhere or is wrong. Every place is checked, also those that lose. */
  read<T>(name: SettingName, setting: Setting<T>): T {
    if (!this.#takes.includes(name)) return setting.fallback;
    const [first] = this.#found(name).map((found) => this.#reading(found, setting));
    return first !== undefined && "value" in first ? first.value : setting.fallback;
  }

  #reading<T>({ text, where, place }: Found, setting: Setting<T>): Reading<T> {
    const reading = text === "" ? { problem: "must not be empty" } : setting.kind.read(text, place);
    if ("problem" in reading) this.mistakes.push({ ...reading, where, problem: text === "" ? reading.problem : `${quoted(text, setting)} ${reading.problem}` });
    return reading;
  }
}

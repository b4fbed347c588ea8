/** What a row of the table of commands says, and the words and settings that many rows share. */
import type { SettingName } from "../config/table.ts";
import type { OptionName } from "./options.ts";

export interface CommandRow {
  readonly purpose: string;
  /** Names of the operands, all of them needed. */
  readonly operands?: readonly string[];
  /** The last operand may be left out or be several words. */
  readonly hasFreeOperands?: boolean;
  readonly settings: readonly SettingName[];
  readonly options: readonly OptionName[];
  /** Where an option means something of its own here. */
  readonly words?: Readonly<Partial<Record<OptionName, OptionWords>>>;
  readonly isTrial?: boolean;
  /** Paragraphs under the usage line. */
  readonly notes?: readonly string[];
}

export interface OptionWords {
  readonly placeholder?: string;
  readonly help?: string;
  readonly shownDefault?: string;
}

/** What it takes to act on a deployment from its own host. */
export const host = ["configFile", "dataDir", "databaseUrl", "masterKeyFile"] as const;
/** What it takes to ask an API server as a person. */
export const person = ["configFile", "apiUrl", "profile", "extraCaFile"] as const;

export const onHost = "It acts on this host with the rights of whoever may read the data directory: through the running server, or on the store itself when none runs.";

/** Flags of every list that comes in pages. */
export const pages = ["page", "perPage", "all"] as const;

/** Flags of a person who signs in for one command. */
export const signIn = ["email", "team", "passwordFile", "passwordStdin", "codeFile"] as const;
export const acting = {
  email: { help: "Sign this person in for this command", shownDefault: "none; the profile acts" },
  team: { help: "Team to act in, with --email", shownDefault: "the person's only one" },
} as const;

export const asPerson =
  "It acts as the person whose device this machine is (cyberun login), in the team that the device was paired for. With --email that person signs in for this one command, and --team names the team.";

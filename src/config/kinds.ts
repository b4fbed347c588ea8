/**
 * The kinds of value a setting can have: how its text is read, and what is wrong with text that cannot be.
 *
 * Rule: pure but for the existence of a file. A problem is one clause without the value, so that a secret cannot get
 * into a message; the caller adds where it stands and, for kinds that are no secret, what was found.
 */
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { resolve } from "node:path";
import type { AddressRange } from "../addresses.ts";
import { findNetwork } from "../cidr.ts";
import { type DialAllowance, findDialAllowance } from "../dialler.ts";
import { type Secret, secretUrl } from "../secret.ts";

/** What was read, or what is wrong with it. */
export type Reading<T> = { readonly value: T } | { readonly problem: string; readonly hint?: string };

/** Where the text stands: paths are relative to it, and the command line is a public place. */
export interface Place {
  readonly folder: string;
  readonly isCommandLine: boolean;
}

export interface Kind<T> {
  /** How help names the value. */
  readonly placeholder: string;
  /** The value is never shown. */
  readonly isSecret?: boolean;
  /** A config file may write it as a list. */
  readonly isList?: boolean;
  read(text: string, place: Place): Reading<T>;
}

const PATH_CHARACTERS_MAX = 1_024;
const LIST_ITEMS_MAX = 16;

export const text = (placeholder: string, pattern: RegExp, describes: string): Kind<string | undefined> => ({
  placeholder,
  read: (found) => (pattern.test(found) ? { value: found } : { problem: `must be ${describes}` }),
});

/** The same for a setting that has a default. */
export const word = (placeholder: string, pattern: RegExp, describes: string): Kind<string> => ({
  placeholder,
  read: (found) => (pattern.test(found) ? { value: found } : { problem: `must be ${describes}` }),
});

/** A whole number from `min` to `max`. */
export const whole = (placeholder: string, min: number, max: number): Kind<number> => ({
  placeholder,
  read(found) {
    const value = /^\d{1,15}$/.test(found) ? Number(found) : Number.NaN;
    if (value >= min && value <= max) return { value };
    // An orchestrator that describes its services in variables writes an address where we expect a number.
    const hint = found.includes("://") ? { hint: "An orchestrator sets such a variable for a service of that name; switch its service links off." } : {};
    return { problem: `must be a whole number from ${min} to ${max}`, ...hint };
  },
});

export const port: Kind<number> = whole("PORT", 0, 65_535);

/** A path, made absolute: from the working directory, or from the folder of the config file that names it. */
export const path = (placeholder: string): Kind<string | undefined> => ({
  placeholder,
  read(found, { folder }) {
    if (found.includes("\0") || found.length > PATH_CHARACTERS_MAX) return { problem: `must be a path of at most ${PATH_CHARACTERS_MAX} characters` };
    return { value: resolve(folder, found) };
  },
});

/** A path of a file that has to be there. */
export const presentFile: Kind<string | undefined> = {
  placeholder: "FILE",
  read(found, place) {
    const reading = path("FILE").read(found, place);
    if ("value" in reading && reading.value !== undefined && !existsSync(reading.value)) return { problem: "names a file that does not exist" };
    return reading;
  },
};

export const choice = <T extends string>(options: readonly T[]): Kind<T> => ({
  placeholder: options.join("|"),
  read(found) {
    const value = options.find((option) => option === found);
    return value === undefined ? { problem: `must be one of ${options.join(", ")}` } : { value };
  },
});

/** A comma-separated list of the kind's values, each once. */
export const list = <T>(kind: Kind<T>, placeholder: string): Kind<readonly T[]> => ({
  placeholder,
  isList: true,
  read(found, place) {
    const parts = found.split(",").map((part) => part.trim());
    if (parts.length > LIST_ITEMS_MAX) return { problem: `must have at most ${LIST_ITEMS_MAX} entries` };
    const values: T[] = [];
    for (const part of parts) {
      const reading = kind.read(part, place);
      if (!("value" in reading)) return { ...reading, problem: `${reading.problem}, and so must every entry of the list` };
      if (values.includes(reading.value)) return { problem: "names an entry twice" };
      values.push(reading.value);
    }
    return { value: values };
  },
});

/** `http` or `https` and a host, without path, query, fragment and credentials; normalised to no trailing slash. */
export const origin: Kind<string> = {
  placeholder: "URL",
  read(found) {
    const url = URL.canParse(found) ? new URL(found) : undefined;
    if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) return { problem: "must be an address such as https://cyberun.example.com" };
    if (url.username !== "" || url.password !== "") return { problem: "must not carry a user name or password" };
    if (url.pathname !== "/" || url.search !== "" || url.hash !== "") return { problem: "must be scheme, host and port alone, without path, query or fragment" };
    return { value: url.origin };
  },
};

/** An IP address or host name to listen on. */
export const host: Kind<string> = {
  placeholder: "ADDRESS",
  read: (found) =>
    isIP(found) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$/.test(found)
      ? { value: found }
      : { problem: "must be an IP address or a host name, without scheme and port" },
};

/** What the guarded dialler may reach beyond the internet. */
export const dialAllowance: Kind<DialAllowance> = {
  placeholder: "RANGE|HOST",
  read(found) {
    const value = findDialAllowance(found);
    return value === undefined ? { problem: "must be a range such as 10.20.0.0/16, an address, or a host such as idp.example.com or *.example.com" } : { value };
  },
};

/** A network, or one address. */
export const network: Kind<AddressRange> = {
  placeholder: "CIDR",
  read(found) {
    const value = findNetwork(found);
    return value === undefined ? { problem: "must be a network such as 10.0.0.0/8, without bits behind its prefix, or an address" } : { value };
  },
};

/** A PostgreSQL URL. Its password may stand in a variable or a file, and never where the process list shows it. */
export const databaseUrl: Kind<Secret | undefined> = {
  placeholder: "URL",
  isSecret: true,
  read(found, { isCommandLine }) {
    const url = URL.canParse(found) ? new URL(found) : undefined;
    if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) return { problem: "must be a PostgreSQL URL such as postgres://user@host:5432/cyberun" };
    if (isCommandLine && (url.password !== "" || url.searchParams.has("password"))) {
      return { problem: "must not carry a password on the command line, where every process sees it", hint: "Set it in CYBERUN_DATABASE_URL or in the config file." };
    }
    return { value: secretUrl(found) };
  },
};

/** What a setting is: its names, its kind and its default. Flag, variable and config-file key follow from the name. */
import type { Kind } from "./kinds.ts";

export const roles = ["license", "api", "gateway", "issuer"] as const;
export type Role = (typeof roles)[number];

export interface Row<T> {
  readonly kind: Kind<T>;
  readonly fallback: T;
  /** The default as people read it, where the value itself does not say it. */
  readonly shownDefault?: string;
  /** One line, without a full stop. */
  readonly help: string;
  /** Roles that look at it; absent when all do, empty when none does. */
  readonly roles?: readonly Role[];
  /** Where the flag is not the name with hyphens. */
  readonly flag?: string;
}

export interface Setting<T> extends Row<T> {
  /** Its key in a config file. */
  readonly name: string;
  readonly flag: string;
  readonly variable: string;
}

export function setting<T>(name: string, row: Row<T>): Setting<T> {
  return { ...row, name, flag: row.flag ?? `--${name.replaceAll("_", "-")}`, variable: `CYBERUN_${name.toUpperCase()}` };
}

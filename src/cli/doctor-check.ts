/** What the looks of `cyberun doctor` work on, and what each finds. */
import type { Context } from "./context.ts";

export type CheckStatus = "ok" | "warning" | "problem" | "skipped";

/** What one look has found. */
export interface Check {
  readonly name: string;
  readonly status: CheckStatus;
  readonly message: string;
  readonly hint: string | null;
}

/** What looks work on. */
export interface Patient extends Pick<Context, "config" | "services" | "notices"> {
  /** A server runs on the data directory. */
  readonly isServed: boolean;
}

type Finding = (name: string, message: string, hint?: string) => Check;

const finding = (status: CheckStatus): Finding => (name, message, hint) => ({ name, status, message, hint: hint ?? null });

export const ok = finding("ok");
export const warning = finding("warning");
export const problem = finding("problem");
/** Not looked at, with why. */
export const skipped = finding("skipped");

/**
 * How results and failures are printed.
 *
 * Standard output holds what was asked for and nothing else: lines for people, or one JSON object with `--json`. A
 * failure leaves standard output empty and goes to standard error, in the same two forms.
 */
import type { Fault } from "../fault.ts";
import { redactText } from "../log.ts";
import type { Result } from "./context.ts";
import { isRetryable } from "./exit-codes.ts";

/** The members of an object with this number only grow; a change of meaning gets the next number. */
export const SCHEMA_VERSION = 1;

export function printed({ data, text }: Result, isJson: boolean): string {
  return isJson ? `${JSON.stringify({ schema_version: SCHEMA_VERSION, ...data })}\n` : `${text}\n`;
}

export function printedFault({ code, message, hint, details }: Fault, isJson: boolean): string {
  if (!isJson) return `cyberun: ${redactText(message)}${hint === undefined ? "" : `\n${redactText(hint)}`}\n`;
  const error = { code, message: redactText(message), hint: hint ?? null, retryable: isRetryable(code), ...(details === undefined ? {} : { details }) };
  return `${JSON.stringify({ schema_version: SCHEMA_VERSION, error })}\n`;
}

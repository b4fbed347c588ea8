/**
 * Structured logs: one JSON object a line, to the stream it is given.
 *
 * Rule: nothing secret leaves through a log. Members with a telling name and values with the look of a credential are
 * replaced before anything is written, whoever wrote them.
 */
import type { Clock } from "./services.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  write(level: LogLevel, event: string, fields?: LogFields): void;
}

const DOTS = "•••";
const FIELD_CHARACTERS_MAX = 2_000;
const DEPTH_MAX = 4;
const secretName = /pass(word|phrase)?|secret|token|authorization|cookie|credential$|raw_key|private|pepper|seed|\bmac\b/i;
/** Our keys, refresh and join tokens, webhook secrets, JWTs and other compact JWS, PEM, bearer headers, links that are good once. */
const secretValue =
  /\b[sda]k-[A-Za-z0-9_]{8,}|\brt-[A-Za-z0-9_-]{8,}|\bwhsec_[A-Za-z0-9+/=]{8,}|\bjoin-[A-Za-z0-9]{8}_[A-Za-z0-9_-]+|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)?|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*-----|(?<=\bbearer\s)\S+|(?<=\/(?:setup|reset-password|verify-email)\/)[A-Za-z0-9_-]+/gi;

/** `text` with everything that looks like a credential replaced by dots. */
export function redactText(text: string): string {
  return text.slice(0, FIELD_CHARACTERS_MAX).replace(secretValue, DOTS);
}

function redactError(error: Error, depth: number): unknown {
  return {
    name: error.name,
    message: redactText(error.message),
    stack: redactText(error.stack ?? ""),
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) }),
  };
}

/** A copy of `value` that is safe to write. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value !== "object" || value === null) return typeof value === "bigint" ? String(value) : value;
  if (depth >= DEPTH_MAX) return "…";
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const entries = Object.entries(value).map(([name, item]) => [name, secretName.test(name) ? DOTS : redact(item, depth + 1)]);
  return Object.fromEntries(entries);
}

const order: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A log that writes lines at or above `level` to `sink`. */
export function createLog(clock: Clock, level: LogLevel, sink: (line: string) => void): Log {
  return {
    write(at, event, fields = {}) {
      if (order[at] < order[level]) return;
      const safe = redact(fields);
      sink(`${JSON.stringify({ time: new Date(clock.now()).toISOString(), level: at, event, ...(typeof safe === "object" ? safe : {}) })}\n`);
    },
  };
}

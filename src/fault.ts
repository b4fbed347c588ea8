/**
 * Expected failures: a stable code, a sentence for the caller, a hint that says what would make it work.
 *
 * Rule: everything that is refused is a Fault; everything else that is thrown is a bug and becomes a 500 with an id.
 * It must not know HTTP beyond the status number, nor any domain.
 */

/** Every code a caller can meet, with its HTTP status and the CLI's exit code. The set is closed. */
export const faultCodes = {
  invalid_request: { status: 400, exit: 2 },
  team_required: { status: 400, exit: 2 },
  invalid_license: { status: 400, exit: 7 },
  unauthenticated: { status: 401, exit: 4 },
  second_factor_required: { status: 401, exit: 4 },
  forbidden: { status: 403, exit: 4 },
  insufficient_scope: { status: 403, exit: 4 },
  feature_disabled: { status: 403, exit: 7 },
  quota_exceeded: { status: 403, exit: 7 },
  not_enrolled: { status: 403, exit: 4 },
  handshake_refused: { status: 403, exit: 4 },
  not_found: { status: 404, exit: 5 },
  method_not_allowed: { status: 405, exit: 2 },
  conflict: { status: 409, exit: 6 },
  gone: { status: 410, exit: 5 },
  length_required: { status: 411, exit: 2 },
  precondition_failed: { status: 412, exit: 6 },
  too_large: { status: 413, exit: 2 },
  unsupported_media_type: { status: 415, exit: 2 },
  idempotency_key_reused: { status: 422, exit: 6 },
  upgrade_required: { status: 426, exit: 2 },
  rate_limited: { status: 429, exit: 3 },
  internal: { status: 500, exit: 1 },
  bad_gateway: { status: 502, exit: 3 },
  unavailable: { status: 503, exit: 3 },
  // License states that shut gated operations (design section 4). The code is the state's name.
  grace_over: { status: 503, exit: 7 },
  expired: { status: 503, exit: 7 },
  not_yet_valid: { status: 503, exit: 7 },
  invalid: { status: 503, exit: 7 },
  revoked: { status: 503, exit: 7 },
  not_bound: { status: 503, exit: 7 },
  clock_anomaly: { status: 503, exit: 7 },
  rollback_suspected: { status: 503, exit: 7 },
  missing: { status: 503, exit: 7 },
} as const satisfies Record<string, { status: number; exit: number }>;

export type FaultCode = keyof typeof faultCodes;

export interface FaultOptions {
  /** What the caller can do about it, one sentence. */
  readonly hint?: string;
  /** Public machine-readable facts: since when, who can mend it, which field. Never a secret, but for the token of the next step, which opens nothing by itself. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** For the log only. */
  readonly cause?: unknown;
  /** Seconds after which a repeat makes sense (HTTP `Retry-After`, RFC 9110 section 10.2.3). */
  readonly retryAfterSeconds?: number;
}

/** An expected refusal. `message` and `hint` are shown to the caller; `cause` goes to the log. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return faultCodes[this.code].status;
  }

  get exitCode(): number {
    return faultCodes[this.code].exit;
  }
}

/** The one wording for "no such thing" and "not yours", so that the two cannot be told apart outside. */
export function notFound(): Fault {
  return new Fault("not_found", "resource not found", {
    hint: "Check the id and that the credential belongs to the team which owns it.",
  });
}

/** Refuses one field of the input. `problem` completes "The field … "; never the value that was sent. `reason` is for programs that tell several apart. */
export function invalidField(field: string, problem: string, reason?: string): Fault {
  return new Fault("invalid_request", `The field ${field} ${problem}.`, {
    hint: "Correct the field and send it again.",
    details: { fields: [{ field, problem, ...(reason === undefined ? {} : { reason }) }] },
  });
}

/** Throws a plain Error, a bug, when `condition` is false: the request ends as a 500 and the log has it all. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** For the end of a `switch` over a closed union. */
export function unreachable(value: never): never {
  throw new Error(`unreachable value: ${JSON.stringify(value)}`);
}

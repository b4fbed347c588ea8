/**
 * From faults to HTTP answers: one body shape for every refusal, and nothing private in it.
 *
 *     {"error_message": …, "error_code": …, "hint"?: …, "details"?: …}     (`error_message` as documented; the rest ours)
 */
import { ParseError, ValidationError } from "elysia";
import { Fault } from "../fault.ts";

/** Headers of every answer: nothing is cached, sniffed, framed or leaked by referrer unless a door says otherwise. */
export const plainHeaders = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
} as const;

const FIELDS_MAX = 10;

/** What a schema that says so in words expects; the framework's own words for numbers in a query are of no use. */
function descriptionOf(schema: unknown): string | undefined {
  const description: unknown = typeof schema === "object" && schema !== null && "description" in schema ? schema.description : undefined;
  return typeof description === "string" ? description : undefined;
}

/** Where a body or query breaks its schema: path and rule, never the value that was sent. */
function fieldsOf(error: ValidationError): readonly { field: string; problem: string }[] {
  return error.all.slice(0, FIELDS_MAX).map((found) => {
    const at = "path" in found && typeof found.path === "string" ? found.path : "";
    const problem = "message" in found && typeof found.message === "string" ? found.message : "is not allowed";
    const wanted = "schema" in found ? descriptionOf(found.schema) : undefined;
    return { field: at === "" ? "/" : at, problem: wanted === undefined ? problem : `Expected ${wanted}` };
  });
}

function invalidInput(error: ValidationError): Fault {
  const fields = fieldsOf(error);
  const [first] = fields;
  return new Fault("invalid_request", `The ${error.type} is not valid at ${first?.field ?? "/"}: ${first?.problem ?? "not allowed"}.`, {
    hint: "Correct the fields named in details and send it again; unknown fields are refused.",
    details: { in: error.type, fields },
    cause: error,
  });
}

/** The fault that `error` is or stands for; undefined when it is a bug. */
export function faultOf(error: unknown): Fault | undefined {
  if (error instanceof Fault) return error;
  if (error instanceof ParseError) {
    if (error.cause instanceof Fault) return error.cause;
    return new Fault("invalid_request", "The body cannot be read in the declared content type.", {
      hint: "Send one JSON document with content-type: application/json.",
      cause: error,
    });
  }
  // A response that breaks its own schema is our bug, not the caller's input.
  if (error instanceof ValidationError && error.type !== "response") return invalidInput(error);
  return undefined;
}

/** The documented error body. */
export function faultBody(fault: Fault): Record<string, unknown> {
  return {
    error_message: fault.message,
    error_code: fault.code,
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
    ...(fault.details === undefined ? {} : { details: fault.details }),
  };
}

/** What HTTP wants said beside a refusal, in whatever form its body is. */
export function faultHeaders(fault: Fault): Readonly<Record<string, string>> {
  return {
    // RFC 6750 section 3: a 401 names the scheme. RFC 9110 section 15.5.22: a 426 names the protocol.
    ...(fault.status === 401 ? { "www-authenticate": 'Bearer realm="cyberun"' } : {}),
    // RFC 6750 section 3.1: the scope that is needed, in the words of the standard.
    ...(fault.code === "insufficient_scope" ? { "www-authenticate": `Bearer realm="cyberun", error="insufficient_scope", scope="${String(fault.details?.["scope"])}"` } : {}),
    ...(fault.status === 426 ? { connection: "Upgrade", upgrade: "websocket" } : {}),
    ...(fault.retryAfterSeconds === undefined ? {} : { "retry-after": String(fault.retryAfterSeconds) }),
  };
}

export function faultResponse(fault: Fault): Response {
  return Response.json(faultBody(fault), {
    status: fault.status,
    headers: { ...plainHeaders, ...faultHeaders(fault) },
  });
}

/** The answer to a bug: an id that is in the log, and nothing else. */
export function bugFault(requestId: string): Fault {
  return new Fault("internal", "Something went wrong on our side.", {
    hint: `Look for request_id ${requestId} in the log.`,
    details: { request_id: requestId },
  });
}

/**
 * What an authorization request says, read once: query of a GET, form of a POST, or what was pushed.
 *
 * Rule: only names that we know are kept, everything else is as if it had not been sent (RFC 6749 section 3.1); a value
 * that is empty was not sent. A name that comes twice is remembered, because two readers would see two requests
 * (CVE-2026-9689). Nothing here says what a value means.
 */
import { Fault } from "../../fault.ts";

export const parameterNames = [
  "client_id",
  "redirect_uri",
  "response_type",
  "response_mode",
  "scope",
  "state",
  "nonce",
  "code_challenge",
  "code_challenge_method",
  "prompt",
  "max_age",
  "id_token_hint",
  "login_hint",
  "ui_locales",
  "acr_values",
  "claims",
  "dpop_jkt",
  "request",
  "request_uri",
] as const;
export type ParameterName = (typeof parameterNames)[number];

export interface Parameters {
  readonly values: ReadonlyMap<ParameterName, string>;
  /** The one name that may come more than once (RFC 8707 section 2). */
  readonly resources: readonly string[];
  readonly repeated: ReadonlySet<ParameterName>;
}

/** More than any browser or proxy carries in an address. */
const TEXT_CHARACTERS_MAX = 16_384;
const VALUE_CHARACTERS_MAX = 8_192;
const RESOURCES_MAX = 10;
/** A control character has no business in any of them, and forges lines where one is printed. */
const CONTROL = /\p{Cc}/u;

function isKnown(name: string): name is ParameterName {
  return parameterNames.some((known) => known === name);
}

function refused(problem: string): Fault {
  return new Fault("invalid_request", `The authorization request ${problem}.`, { hint: "Go back to the application and try again; if it happens again, tell its operator." });
}

/** The parameters of a query or an urlencoded form. Throws Fault `invalid_request` for one that cannot be read at all. */
export function readParameters(text: string): Parameters {
  if (text.length > TEXT_CHARACTERS_MAX) throw refused("is too long");
  const values = new Map<ParameterName, string>();
  const repeated = new Set<ParameterName>();
  const resources: string[] = [];
  for (const [name, value] of new URLSearchParams(text)) {
    if (value === "") continue;
    if (name !== "resource" && !isKnown(name)) continue;
    if (value.length > VALUE_CHARACTERS_MAX || CONTROL.test(value) || !value.isWellFormed()) throw refused(`has a value of ${name} that cannot be`);
    if (name === "resource") resources.push(value);
    else if (values.has(name)) repeated.add(name);
    else values.set(name, value);
  }
  if (resources.length > RESOURCES_MAX) throw refused(`names more than ${RESOURCES_MAX} resources`);
  return { values, resources, repeated };
}

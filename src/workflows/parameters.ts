/**
 * Parameters of a workflow: what a definition declares, and what a run is given for it.
 *
 * Rule: pure. A run knows its parameters completely before its task exists: unknown keys, missing ones and values out of
 * bounds are refused there, and what is stored is what the agent gets.
 */
import { type Static, Type } from "typebox";
import { Fault, invalidField } from "../fault.ts";

export const PARAMETERS_MAX = 100;
const OPTIONS_MAX = 200;
export const STRING_CHARACTERS_MAX = 20_000;

const closed = { additionalProperties: false };
const Line = Type.String({ minLength: 1, maxLength: 255 });

/** As documented; `integer` stands on the concept page only and is a number without a fraction. */
export const ParameterSchema = Type.Object(
  {
    key: Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]{0,63}$" }),
    type: Type.Union([Type.Literal("string"), Type.Literal("number"), Type.Literal("integer"), Type.Literal("boolean"), Type.Literal("select"), Type.Literal("file")]),
    label: Type.Optional(Line),
    description: Type.Optional(Type.String({ maxLength: 2_000 })),
    required: Type.Optional(Type.Boolean()),
    /** Used when an optional key is left out. */
    default: Type.Optional(Type.Union([Type.String({ maxLength: STRING_CHARACTERS_MAX }), Type.Number(), Type.Boolean()])),
    min: Type.Optional(Type.Number()),
    max: Type.Optional(Type.Number()),
    options: Type.Optional(Type.Array(Line, { minItems: 1, maxItems: OPTIONS_MAX, uniqueItems: true })),
    /** Kinds of file that are taken: media types or endings. */
    accept: Type.Optional(Type.Array(Line, { minItems: 1, maxItems: 50 })),
    /** Where a value goes in a ComfyUI graph. */
    node_id: Type.Optional(Line),
    field: Type.Optional(Line),
    /** Where a value goes in a Nerfstudio spec. */
    target_path: Type.Optional(Line),
    source_key: Type.Optional(Line),
  },
  closed,
);
export type Parameter = Static<typeof ParameterSchema>;
export type ParameterValue = string | number | boolean;
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

/** Where a `file` parameter's value was presigned (`files/`). */
const FILE_KEY = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,511}$/;

/** Why `value` is not one for `parameter`; undefined when it is. Half a sentence, after the field's name. */
function problemOf({ type, min, max, options }: Parameter, value: unknown): string | undefined {
  switch (type) {
    case "boolean":
      return typeof value === "boolean" ? undefined : "is true or false";
    case "number":
    case "integer": {
      if (typeof value !== "number" || !Number.isFinite(value)) return "is a number";
      if (type === "integer" && !Number.isSafeInteger(value)) return "is a whole number";
      if ((min !== undefined && value < min) || (max !== undefined && value > max)) return `is a number from ${min ?? "any"} to ${max ?? "any"}`;
      return undefined;
    }
    case "select":
      return typeof value === "string" && options?.includes(value) === true ? undefined : `is one of ${options?.join(", ") ?? "nothing"}`;
    case "file":
      return typeof value === "string" && FILE_KEY.test(value) && !value.split("/").includes("..") ? undefined : "is the file_key of an uploaded file";
    case "string":
      return typeof value === "string" && value.length <= STRING_CHARACTERS_MAX && value.isWellFormed() ? undefined : `is text of at most ${STRING_CHARACTERS_MAX} characters`;
  }
}

/** Throws Fault `invalid_request` when a declaration contradicts itself. */
export function requireParameters(parameters: readonly Parameter[]): void {
  const keys = new Set<string>();
  parameters.forEach((parameter, index) => {
    const field = `parameters[${index}]`;
    const { key, type, min, max, options } = parameter;
    if (keys.has(key)) throw invalidField(`${field}.key`, `is ${key} a second time`);
    keys.add(key);
    if (type === "select" && options === undefined) throw invalidField(`${field}.options`, "lists what can be selected");
    if (type !== "number" && type !== "integer" && (min ?? max) !== undefined) throw invalidField(`${field}.min`, "and max go with numbers only");
    if (min !== undefined && max !== undefined && min > max) throw invalidField(`${field}.min`, "is not above max");
    const problem = parameter.default === undefined ? undefined : problemOf(parameter, parameter.default);
    if (problem !== undefined) throw invalidField(`${field}.default`, problem);
  });
}

/** The values of a run: what was given, and the defaults of what was left out. Throws Fault `invalid_request` naming the first key that cannot be. */
export function resolveParameters(parameters: readonly Parameter[], given: Readonly<Record<string, unknown>>): ParameterValues {
  const known = new Set(parameters.map(({ key }) => key));
  const unknown = Object.keys(given).find((key) => !known.has(key));
  if (unknown !== undefined) {
    throw new Fault("invalid_request", `The workflow has no parameter ${unknown.slice(0, 64)}.`, {
      hint: parameters.length === 0 ? "It has none; leave parameters out." : `It has: ${parameters.map(({ key }) => key).join(", ")}.`,
    });
  }
  const values = parameters.flatMap((parameter): readonly (readonly [string, ParameterValue])[] => {
    const { key } = parameter;
    const value = Object.hasOwn(given, key) ? given[key] : parameter.default;
    if (value === undefined && parameter.required === true) throw invalidField(`parameters.${key}`, "is missing");
    if (value === undefined) return [];
    const problem = problemOf(parameter, value);
    if (problem !== undefined || !isParameterValue(value)) throw invalidField(`parameters.${key}`, problem ?? "is text, a number, true or false");
    return [[key, value]];
  });
  return Object.fromEntries(values);
}

function isParameterValue(value: unknown): value is ParameterValue {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

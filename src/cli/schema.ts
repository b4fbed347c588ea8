/** `cyberun schema`: the shapes of `--json` as JSON Schema (draft 2020-12), for whoever writes programs around commands. */
import { type TSchema, Type } from "typebox";
import { Fault } from "../fault.ts";
import { answerSchemas } from "./answer-schemas.ts";
import { type CommandName, findCommand } from "./commands.ts";
import type { Context, Result } from "./context.ts";
import { unknownCommand } from "./help.ts";
import { SCHEMA_VERSION } from "./output.ts";

const DIALECT = "https://json-schema.org/draft/2020-12/schema";

const failure = Type.Object({
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    hint: Type.Union([Type.String(), Type.Null()]),
    retryable: Type.Boolean(),
    details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  }),
});

/** A schema as plain JSON, open to members that later versions add: readers pass over what they do not know. */
function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([name, each]) => (name === "additionalProperties" && each === false ? [] : [[name, opened(each)]])));
}

/** The object as it is printed, which says the version of its shape first. */
function published(title: string, schema: TSchema): Readonly<Record<string, unknown>> {
  const versioned = { properties: { schema_version: { const: SCHEMA_VERSION } }, required: ["schema_version"] };
  return { $schema: DIALECT, title, type: "object", allOf: [versioned, opened(JSON.parse(JSON.stringify(schema)))] };
}

/** Undefined for a command that prints no JSON object. */
export function publishedAnswer(name: CommandName): Readonly<Record<string, unknown>> | undefined {
  const schema = answerSchemas[name];
  return schema === undefined ? undefined : published(`cyberun ${name} --json`, schema);
}

export const publishedFailure = published("a failure with --json, on standard error", failure);

export async function schema({ operands }: Context): Promise<Result> {
  const found = findCommand(operands);
  if (found === undefined || found.operands.length > 0) throw unknownCommand(operands);
  const answer = publishedAnswer(found.name);
  if (answer === undefined) throw new Fault("not_found", `cyberun ${found.name} prints no JSON object.`, { hint: `cyberun help ${found.name} says what it prints.` });
  return { data: { command: found.name, answer, failure: publishedFailure }, text: JSON.stringify(answer, null, 2) };
}

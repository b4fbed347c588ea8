/**
 * The typed half of `@cyberun/client`: what every operation of the OpenAPI document takes and answers, as TypeScript, and where it is
 * found, as a table.
 *
 * Rule: pure. A document comes in, two texts go out; what the document does not say is `unknown`.
 */

/** A JSON value with members. */
type Json = Readonly<Record<string, unknown>>;

const HEAD = "Generated from the deployment's OpenAPI document (build/client.ts); do not edit.";

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const membersOf = (value: unknown): Json => (isObject(value) ? value : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const plainTypes: Readonly<Record<string, string>> = { string: "string", number: "number", integer: "number", boolean: "boolean", null: "null" };
const nameText = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

function objectText(schema: Json): string {
  const required = listOf(schema["required"]);
  const members = Object.entries(membersOf(schema["properties"])).map(([name, each]) => `readonly ${nameText(name)}${required.includes(name) ? "" : "?"}: ${typeText(each)}`);
  if (members.length > 0) return `{ ${members.join("; ")} }`;
  const others = Object.values(membersOf(schema["patternProperties"]))[0] ?? schema["additionalProperties"];
  return `Readonly<Record<string, ${isObject(others) ? typeText(others) : "unknown"}>>`;
}

/** The TypeScript type of what fits the schema. */
export function typeText(schema: unknown): string {
  if (!isObject(schema)) return "unknown";
  const { const: fixed, enum: values, anyOf, oneOf, type, items } = schema;
  if (fixed !== undefined) return JSON.stringify(fixed);
  if (Array.isArray(values)) return values.map((each) => JSON.stringify(each)).join(" | ");
  const choices = listOf(anyOf ?? oneOf);
  if (choices.length > 0) return [...new Set(choices.map(typeText))].join(" | ");
  if (type === "array") return `readonly (${typeText(items)})[]`;
  if (type === "object") return objectText(schema);
  return typeof type === "string" ? (plainTypes[type] ?? "unknown") : "unknown";
}

interface Described {
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly details: Json;
}

function operationsIn(document: unknown): readonly Described[] {
  return Object.entries(membersOf(membersOf(document)["paths"]))
    .flatMap(([path, methods]) =>
      Object.entries(membersOf(methods)).flatMap(([method, details]) => {
        const { operationId } = membersOf(details);
        return typeof operationId === "string" ? [{ operation: operationId, method: method.toUpperCase(), path: path.replace(/\{([a-z_]+)\}/g, ":$1"), details: membersOf(details) }] : [];
      }),
    )
    .toSorted((one, other) => (one.operation < other.operation ? -1 : 1));
}

function parametersText(details: Json, place: "path" | "query"): string {
  const found = listOf(details["parameters"])
    .map(membersOf)
    .filter((each) => each["in"] === place)
    .map(({ name, required, schema }) => `readonly ${nameText(String(name))}${required === true ? "" : "?"}: ${typeText(schema)}${required === true ? "" : " | undefined"}`);
  return found.length === 0 ? "undefined" : `{ ${found.join("; ")} }`;
}

function contentSchema(holder: unknown): unknown {
  return membersOf(membersOf(membersOf(holder)["content"])["application/json"])["schema"];
}

function answerText(details: Json): string {
  const [success] = Object.entries(membersOf(details["responses"])).flatMap(([status, response]) => (/^2/.test(status) ? [response] : []));
  const schema = contentSchema(success);
  if (schema !== undefined) return typeText(schema);
  return isObject(success) && isObject(success["content"]) ? "unknown" : "undefined";
}

function entryText({ operation, details }: Described): string {
  const body = contentSchema(details["requestBody"]);
  return [
    `  /** ${String(details["summary"])} */`,
    `  readonly ${JSON.stringify(operation)}: {`,
    `    readonly path: ${parametersText(details, "path")};`,
    `    readonly query: ${parametersText(details, "query")};`,
    `    readonly body: ${body === undefined ? "undefined" : typeText(body)};`,
    `    readonly answer: ${answerText(details)};`,
    "  };",
  ].join("\n");
}

/** `client/operations.d.ts`. */
export function operationTypes(document: unknown): string {
  return `/** What each operation of the API takes and answers. ${HEAD} */\nexport interface Operations {\n${operationsIn(document).map(entryText).join("\n")}\n}\n`;
}

/** `client/src/routes.ts`. */
export function routeTable(document: unknown): string {
  const rows = operationsIn(document).map(({ operation, method, path }) => `  ${JSON.stringify(operation)}: [${JSON.stringify(method)}, ${JSON.stringify(path)}],`);
  return `/** Where each operation of the API is found. ${HEAD} */\nimport type { OperationName } from "../api.d.ts";\n\nexport const routes: Readonly<Record<OperationName, readonly [method: string, path: string]>> = {\n${rows.join("\n")}\n};\n`;
}

/**
 * Examples from shapes: what a schema allows, with values that tell what they stand for.
 *
 * Rule: pure, and the same every time, so that the reference does not change by itself.
 */

const UUID = "01890a5d-ac96-774b-bcce-b302099a8057";
const INSTANT = "2026-03-31T12:00:00.000Z";

/** Words for members whose name says more than their type. */
const texts: Readonly<Record<string, string>> = {
  email_address: "ada@example.com",
  user_password: "correct horse battery",
  current_password: "correct horse battery",
  new_password: "a better horse battery",
  first_name: "Ada",
  last_name: "Lovelace",
  display_name: "Blue",
  team_name: "Blue",
  team_display_name: "Blue",
  role: "admin",
  member_role: "admin",
  invitation_role: "member",
  kind: "integration",
  key_status: "active",
  user_status: "active",
  key_prefix: "sk-Ab3dEf7h_",
  raw_key: "sk-Ab3dEf7h_…",
  access_token: "eyJhbGciOiJFUzI1NiIs…",
  refresh_token: "rt-…",
  code: "123456",
  user_code: "TFG8-X6PK",
  client_id: UUID,
  client_name: "Shop",
  scope: "openid profile",
  issuer: "https://login.example.com",
  operation: "team.create",
  actor: `user:${UUID}`,
  subject: `team:${UUID}`,
  address: "192.0.2.7",
  state: "ok",
};

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textExample({ format }: Readonly<Record<string, unknown>>, name: string): string {
  if (format === "uuid") return UUID;
  if (format === "date-time") return INSTANT;
  const known = texts[name];
  if (known !== undefined) return known;
  if (/_id$|^id$/.test(name)) return UUID;
  if (/_(?:url|uri)$/.test(name)) return "https://cyberun.example.com/…";
  if (/_(?:token|secret)$|_code$/.test(name)) return "…";
  return "text";
}

function objectExample({ properties }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (!isObject(properties)) return {};
  return Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, exampleOf(member, name)]));
}

/** A value of `schema`, a JSON Schema; `name` is the member that it stands in. */
export function exampleOf(schema: unknown, name = ""): unknown {
  if (!isObject(schema)) return null;
  if ("const" in schema) return schema["const"];
  const { anyOf, type, items } = schema;
  const [first]: readonly unknown[] = Array.isArray(anyOf) ? anyOf : [];
  if (first !== undefined) return exampleOf(first, name);
  if (type === "object") return objectExample(schema);
  if (type === "array") return [exampleOf(items, name.replace(/s$/, ""))];
  if (type === "string") return textExample(schema, name);
  if (type === "boolean") return /^is_success$/.test(name);
  if (type === "integer" || type === "number") return typeof schema["minimum"] === "number" ? schema["minimum"] : 1;
  return null;
}

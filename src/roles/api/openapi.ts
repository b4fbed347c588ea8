/**
 * The API's own description, OpenAPI 3.1: made from the routes as they are served, the table of operations, and the table
 * of answers. So it names nothing that is not there, and leaves nothing out that is.
 *
 * Rule: pure. It decides nothing, and knows no request.
 */
import { Fault, faultCodes } from "../../fault.ts";
import type { CallerKind } from "../../gate/caller.ts";
import { operations, type OperationName, type OperationRow, rowOf } from "../../gate/operations.ts";
import { findScope } from "../../gate/scopes.ts";
import { surfaceOf } from "../../gate/surfaces.ts";
import { faultBody } from "../../http/respond.ts";
import { permissions } from "../../teams/permissions.ts";
import { version } from "../../version.ts";
import { findAnswer } from "./answers.ts";
import { exampleOf } from "./example.ts";

/** A JSON value with members. */
export type Json = Readonly<Record<string, unknown>>;

/** What a route tells of itself. */
export interface DescribedRoute {
  readonly method: string;
  readonly path: string;
  readonly operation: OperationName;
  readonly body: unknown;
  readonly query: unknown;
}

const API_PREFIX = "/api/v1/";

const isName = (name: string): name is OperationName => Object.hasOwn(operations, name);

interface Route {
  readonly method: string;
  readonly path: string;
  readonly hooks: { readonly detail?: { readonly operationId?: unknown }; readonly body?: unknown; readonly query?: unknown };
}

/** Of a route that hands on whatever comes: what it takes and answers is not the API's to describe. */
const ANY_METHOD = "ALL";

/** The routes of the API that enter an operation, in the order of their addresses; those that relay are left out. */
export function describedRoutes(routes: readonly Route[]): readonly DescribedRoute[] {
  return routes
    .flatMap(({ method, path, hooks: { detail, body, query } }) => {
      const name = detail?.operationId;
      return path.startsWith(API_PREFIX) && method !== ANY_METHOD && typeof name === "string" && isName(name) ? [{ method, path, operation: name, body, query }] : [];
    })
    .toSorted((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0));
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The framework takes numbers in a query as text too, and says so in words that are none of JSON Schema's. */
function isNumericText(value: unknown): boolean {
  return isObject(value) && value["format"] === "numeric";
}

/** A route's schema as JSON Schema: plain values, and numbers where numbers are meant. */
export function plainSchema(schema: unknown): Json {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isObject(value)) return value;
    const choices = value["anyOf"];
    if (Array.isArray(choices) && choices.some(isNumericText)) {
      const { anyOf: _choices, ...rest } = value;
      return { type: "number", ...rest };
    }
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, walk(member)]));
  };
  const plain = walk(JSON.parse(JSON.stringify(schema ?? {})));
  return isObject(plain) ? plain : {};
}

/** Which credentials a kind of caller shows. */
const schemesOf: Readonly<Partial<Record<CallerKind, readonly string[]>>> = {
  user: ["access_token", "session_cookie"],
  device: ["device_key"],
  integration: ["integration_key"],
  agent: ["agent_key"],
};

function securityOf({ accepts }: OperationRow): readonly Json[] {
  const schemes = accepts.flatMap((kind) => schemesOf[kind] ?? []).map((name) => ({ [name]: [] }));
  return accepts.includes("anonymous") ? [{}, ...schemes] : schemes;
}

const tags: readonly (readonly [prefix: string, tag: string])[] = [
  ["/api/v1/auth/device", "DevicePair"],
  ["/api/v1/desktop", "DevicePair"],
  ["/api/v1/users/me/devices", "DevicePair"],
  ["/api/v1/auth", "Auth"],
  ["/api/v1/password-resets", "Auth"],
  ["/api/v1/users", "User"],
  ["/api/v1/teams", "Team"],
  ["/api/v1/quotas", "Team"],
  ["/api/v1/members", "Member"],
  ["/api/v1/invitations", "Invitation"],
  ["/api/v1/credentials", "Credential"],
  ["/api/v1/r/workflows", "Workflow"],
  ["/api/v1/workflows", "Workflow"],
  ["/api/v1/r/tasks", "Task"],
  ["/api/v1/r/agents", "Agent"],
  ["/api/v1/agents", "Agent"],
  ["/api/v1/notifications", "Notification"],
  ["/api/v1/license", "License"],
  ["/api/v1/oidc", "OpenID Connect"],
  ["/api/v1/audit", "Audit"],
  ["/api/v1/deployment", "Deployment"],
];

export function tagOf(path: string): string {
  return tags.find(([prefix]) => path.startsWith(prefix))?.[1] ?? "Other";
}

export function licenseNeed({ license }: OperationRow): string {
  return typeof license === "string" ? license : `feature ${license.namespace}.${license.key}`;
}

const reference = (kind: "parameters" | "responses", name: string) => ({ $ref: `#/components/${kind}/${name}` });

/** Whether a person has to name a team for it. */
export function speaksInTeam(name: OperationName): boolean {
  return Object.hasOwn(permissions, name) || ["runtime", "credentials"].includes(surfaceOf[name]);
}

function parametersOf({ path, operation, query }: DescribedRoute): readonly Json[] {
  const inPath = [...path.matchAll(/:([a-z_]+)/g)].map(([, name]) => ({ name, in: "path", required: true, schema: { type: "string" }, example: exampleOf({ type: "string" }, name) }));
  const { properties, required } = plainSchema(query);
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  const inQuery = isObject(properties)
    ? Object.entries(properties).map(([name, schema]) => ({ name, in: "query", required: needed.includes(name), schema, ...(isObject(schema) && typeof schema["description"] === "string" ? { description: schema["description"] } : {}) }))
    : [];
  const { accepts, takesIdempotencyKey } = rowOf(operation);
  return [
    ...inPath,
    ...inQuery,
    ...(accepts.includes("user") && speaksInTeam(operation) ? [reference("parameters", "TeamId")] : []),
    ...(takesIdempotencyKey === true ? [reference("parameters", "IdempotencyKey")] : []),
  ];
}

function bodyOf({ body }: DescribedRoute): Json {
  if (body === undefined) return {};
  const schema = plainSchema(body);
  return { requestBody: { required: true, content: { "application/json": { schema, example: exampleOf(schema) } } } };
}

/** The refusals that an operation can answer, by status. */
function refusalsOf(route: DescribedRoute): Json {
  const { accepts, license, takesIdempotencyKey } = rowOf(route.operation);
  const isGated = license !== "core";
  const takesInput = route.body !== undefined || isObject(plainSchema(route.query)["properties"]) || route.path.includes(":");
  const names: readonly (readonly [number, string, boolean])[] = [
    [400, "InvalidRequest", takesInput || speaksInTeam(route.operation)],
    [401, "Unauthenticated", true],
    [403, "Forbidden", !accepts.includes("anonymous") || isGated],
    [404, "NotFound", route.path.includes(":") || speaksInTeam(route.operation) || route.body !== undefined],
    [409, "Conflict", route.method !== "GET"],
    [410, "Gone", accepts.includes("anonymous")],
    [422, "IdempotencyKeyReused", takesIdempotencyKey === true],
    [429, "RateLimited", true],
    [503, "Unavailable", true],
  ];
  return Object.fromEntries(names.flatMap(([status, name, applies]) => (applies ? [[String(status), reference("responses", name)]] : [])));
}

function successOf({ operation }: DescribedRoute): Json {
  const { status, schema, mediaType = "application/json" } = findAnswer(operation) ?? { status: 200 };
  const replayed = rowOf(operation).takesIdempotencyKey === true ? { headers: { "Idempotent-Replayed": { description: "`true` when this repeats an earlier answer.", schema: { type: "string" } } } } : {};
  if (schema === undefined) return { [String(status)]: { description: "Done; there is nothing to tell.", ...replayed } };
  const plain = plainSchema(schema);
  return { [String(status)]: { description: "Done.", ...replayed, content: { [mediaType]: { schema: plain, example: mediaType === "application/json" ? exampleOf(plain) : '{"stream":"main","sequence":1}\n' } } } };
}

function operationObject(route: DescribedRoute): Json {
  const row = rowOf(route.operation);
  const scope = findScope(route.operation);
  return {
    operationId: route.operation,
    tags: [tagOf(route.path)],
    summary: row.purpose,
    security: securityOf(row),
    parameters: parametersOf(route),
    ...bodyOf(route),
    responses: { ...successOf(route), ...refusalsOf(route) },
    "x-license": licenseNeed(row),
    ...(row.quotas === undefined ? {} : { "x-quotas": row.quotas.map(({ namespace, key }) => `${namespace}.${key}`) }),
    ...(scope === undefined ? {} : { "x-scope": scope }),
  };
}

const refusals: Readonly<Record<string, Fault>> = {
  InvalidRequest: new Fault("invalid_request", "The body is not valid at /display_name: Expected string.", { hint: "Correct the fields named in details and send it again; unknown fields are refused.", details: { in: "body", fields: [{ field: "/display_name", problem: "Expected string" }] } }),
  Unauthenticated: new Fault("unauthenticated", "This needs a credential.", { hint: "Send Authorization: Bearer with an access token or a key that is made for this door." }),
  Forbidden: new Fault("forbidden", "This needs the role admin or higher in the team, and yours is viewer.", { hint: "Ask an owner or admin of the team.", details: { role: "viewer", needed: "admin" } }),
  NotFound: new Fault("not_found", "resource not found", { hint: "Check the id and that the credential belongs to the team which owns it." }),
  Conflict: new Fault("conflict", "There is one already.", { hint: "Look it up, or choose another name." }),
  Gone: new Fault("gone", "The link is good no more.", { hint: "Ask for a new one." }),
  IdempotencyKeyReused: new Fault("idempotency_key_reused", "The Idempotency-Key was used for another request.", { hint: "Send the request that it was first sent with, or a fresh key." }),
  RateLimited: new Fault("rate_limited", "There were too many requests from this address: more than 60000 a minute.", { hint: "Try again in 1 seconds.", details: { policy: "source", limit: 60_000, window_seconds: 60 } }),
  Unavailable: new Fault("expired", "The license has expired.", { hint: "Install a renewed license.", details: { state: "expired", mended_by: "operator" } }),
};

const descriptions: Readonly<Record<string, string>> = {
  InvalidRequest: "The request is not as described, or names no team. Nothing was changed.",
  Unauthenticated: "No credential, or one that is no good.",
  Forbidden: "The credential, the role, a feature (`feature_disabled`) or a quota (`quota_exceeded`) does not allow it.",
  NotFound: "There is no such thing, or it is not the caller's.",
  Conflict: "It is in conflict with how things are.",
  Gone: "A link, token or code that is good no more.",
  IdempotencyKeyReused: "The Idempotency-Key was used for another request.",
  RateLimited: "Too many requests; `Retry-After` says when to come back.",
  Unavailable: "The license does not allow it right now (the code is its state), or something that is needed cannot be reached.",
};

function errorResponses(): Json {
  return Object.fromEntries(
    Object.entries(refusals).map(([name, fault]) => [
      name,
      {
        description: descriptions[name] ?? "",
        ...(name === "RateLimited" ? { headers: { "Retry-After": { description: "Seconds to wait.", schema: { type: "integer" } } } } : {}),
        content: { "application/json": { schema: { $ref: "#/components/schemas/Fault" }, example: faultBody(fault) } },
      },
    ]),
  );
}

const bearer = (description: string, bearerFormat: string) => ({ type: "http", scheme: "bearer", bearerFormat, description });

const components = {
  schemas: {
    Fault: {
      type: "object",
      description: "Every refusal.",
      required: ["error_message", "error_code"],
      properties: {
        error_message: { type: "string", description: "What was refused and why, for people." },
        error_code: { type: "string", enum: Object.keys(faultCodes), description: "The same reason, for programs." },
        hint: { type: "string", description: "What would make it work." },
        details: { type: "object", description: "Facts for programs.", additionalProperties: true },
      },
      additionalProperties: false,
    },
  },
  responses: errorResponses(),
  parameters: {
    TeamId: { name: "X-Team-ID", in: "header", required: false, description: "The team that a person speaks in. Keys and devices bring their own.", schema: { type: "string", format: "uuid" } },
    IdempotencyKey: { name: "Idempotency-Key", in: "header", required: false, description: "1 to 255 visible ASCII characters. A repeat within 24 hours makes nothing and hears the same answer.", schema: { type: "string", minLength: 1, maxLength: 257 } },
  },
  securitySchemes: {
    access_token: bearer("A person, from signing in.", "JWT"),
    session_cookie: { type: "apiKey", in: "cookie", name: "cyberun", description: "A person at the dashboard, from its own pages. On https the name begins with `__Host-`." },
    device_key: bearer("A paired device (`dk-`).", "dk-…"),
    integration_key: bearer("An integration (`sk-`).", "sk-…"),
    agent_key: bearer("An agent (`ak-`).", "ak-…"),
  },
} as const;

/** The whole document. `serverUrl` is where the API is reached. */
export function openApiDocument(routes: readonly DescribedRoute[], serverUrl: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:([a-z_]+)/g, "{$1}");
    (paths[path] ??= {})[route.method.toLowerCase()] = operationObject(route);
  }
  const used = [...new Set(routes.map(({ path }) => tagOf(path)))];
  return {
    openapi: "3.1.0",
    info: { title: "Cyberun API", version, description: "Every refusal has the shape of `Fault`. `x-license` tells what the license has to say: `core` works in every state." },
    servers: [{ url: serverUrl }],
    tags: used.map((name) => ({ name })),
    paths,
    components,
  };
}

/** The generated half of `@cyberun/client` is what the API serves, and what is built is what is declared. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { operationTypes, routeTable, typeText } from "../../build/client-types.ts";
import { root } from "../../build/executables.ts";
import type * as declaredApi from "../../client/api.d.ts";
import type * as declaredLease from "../../client/lease.d.ts";
import { ApiError, createApi } from "../../client/src/api.ts";
import { openLease } from "../../client/src/lease.ts";
import { createTokenVerifier, TokenRefused } from "../../client/src/tokens.ts";
import type * as declaredTokens from "../../client/tokens.d.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
beforeAll(async () => {
  site = await startRoles();
});
afterAll(() => site.close());

const committed = (name: string) => readFileSync(join(root, "client", name), "utf8");

test("the committed types and routes are those of the served document; npm run client -- --types writes them", async () => {
  const { text } = await site.call("/api/v1/openapi.json");
  const document: unknown = JSON.parse(text);
  expect(committed("operations.d.ts")).toBe(operationTypes(document));
  expect(committed("src/routes.ts")).toBe(routeTable(document));
});

test("what is built is what is declared", () => {
  const made = { createApi, openLease, createTokenVerifier } satisfies Pick<typeof declaredApi, "createApi"> & Pick<typeof declaredLease, "openLease"> & Pick<typeof declaredTokens, "createTokenVerifier">;
  const error: declaredApi.ApiError = new ApiError({ status: 404, retryAfterSeconds: undefined, body: { error_code: "not_found", error_message: "No.", hint: "Look." } });
  const refused: declaredTokens.TokenRefused = new TokenRefused({ code: "invalid_token", message: 'It is "bad".' });
  expect([error.message, error.code, error.hint, refused.challenge]).toEqual(["No.", "not_found", "Look.", 'Bearer error="invalid_token", error_description="It is bad."']);
  expect(Object.keys(made)).toHaveLength(3);
});

describe("a schema as a type", () => {
  test.each([
    [{ type: "string" }, "string"],
    [{ type: "integer" }, "number"],
    [{ const: true }, "true"],
    [{ anyOf: [{ type: "string" }, { type: "null" }] }, "string | null"],
    [{ enum: ["a", 1] }, '"a" | 1'],
    [{ type: "array", items: { anyOf: [{ type: "string" }, { type: "null" }] } }, "readonly (string | null)[]"],
    [{ type: "object", required: ["a"], properties: { a: { type: "string" }, "b-c": {} } }, '{ readonly a: string; readonly "b-c"?: unknown }'],
    [{ type: "object", patternProperties: { "^.*$": { type: "integer" } } }, "Readonly<Record<string, number>>"],
    [{}, "unknown"],
  ])("%j", (schema, text) => {
    expect(typeText(schema)).toBe(text);
  });
});

/** The API's description of itself: valid OpenAPI 3.1, nothing left out and nothing too much; and its page without scripts. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Compile } from "typebox/compile";
import { faultCodes } from "../../src/fault.ts";
import { operations, type OperationName, rowOf } from "../../src/gate/operations.ts";
import { publicPaths } from "../../src/http/public-paths.ts";
import { answers } from "../../src/roles/api/answers.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

interface Described {
  readonly operationId: string;
  readonly summary: string;
  readonly security: readonly object[];
  readonly parameters: readonly unknown[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object; readonly example: unknown }>> }>>;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object; readonly example: unknown }>> };
  readonly "x-license": string;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: { readonly Fault: { readonly properties: { readonly error_code: { readonly enum: readonly string[] } } } } };
}

let site: TestRoles;
let text: string;
let document: Document;

beforeAll(async () => {
  site = await startRoles();
  text = (await site.call("/api/v1/openapi.json")).text;
  document = JSON.parse(text);
});
afterAll(() => site.close());

const described = () => Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
const isName = (name: string): name is OperationName => Object.hasOwn(operations, name);

/** `METHOD /path`, for every route of the API that is served. */
function served(): readonly string[] {
  return site.apps.api.routes
    .filter(({ method, path }) => method !== "ALL" && path.startsWith("/api/") && !Object.hasOwn(publicPaths, path))
    .map(({ method, path }) => `${method} ${path.replace(/:([a-z_]+)/g, "{$1}")}`)
    .toSorted();
}

describe("the document", () => {
  test("is valid by the meta-schema of OpenAPI 3.1", async () => {
    const validator = new Validator();
    expect(await validator.validate(JSON.parse(text))).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  test("describes every route of the API and nothing else", () => {
    expect(described().map(({ path, method }) => `${method.toUpperCase()} ${path}`).toSorted()).toEqual([...served()]);
    expect(served().length).toBeGreaterThan(70);
  });

  test("gives every operation an answer, and documents none without a door", () => {
    const names = described().map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    expect(names.toSorted()).toEqual(Object.keys(answers).toSorted());
  });

  test("says of each what the gate's table says", () => {
    for (const { operation } of described()) {
      const name = operation.operationId;
      if (!isName(name)) throw new Error(`${name} is no operation`);
      const { accepts, license, purpose } = rowOf(name);
      const schemes = operation.security.map((scheme) => Object.keys(scheme)[0] ?? "nobody");
      const wanted = accepts.flatMap((kind) => ({ anonymous: ["nobody"], user: ["access_token", "session_cookie"], device: ["device_key"], integration: ["integration_key"], agent: ["agent_key"] })[String(kind)] ?? []);
      expect([name, schemes.toSorted()]).toEqual([name, wanted.toSorted()]);
      expect([name, operation.summary]).toEqual([name, purpose]);
      expect(operation["x-license"]).toBe(typeof license === "string" ? license : `feature ${license.namespace}.${license.key}`);
      expect(operation.responses["429"]).toBeDefined();
    }
  });

  test("knows every code that a refusal can have", () => {
    expect(document.components.schemas.Fault.properties.error_code.enum.toSorted()).toEqual(Object.keys(faultCodes).toSorted());
  });

  test("gives examples that its own schemas accept", () => {
    const wrong: string[] = [];
    for (const { operation } of described()) {
      const contents = [operation.requestBody?.content, ...Object.values(operation.responses).map(({ content }) => content)].flatMap((content) => Object.values(content ?? {}));
      for (const { schema, example } of contents) if (!Compile(schema).Check(example)) wrong.push(`${operation.operationId}: ${JSON.stringify(example)}`);
    }
    expect(wrong).toEqual([]);
  });

  test("names the public address, and nothing of the host", () => {
    expect(JSON.parse(text).servers).toEqual([{ url: site.gate.settings.publicUrl }]);
    expect(text).not.toContain(site.world.database.dataDir);
  });
});

describe("the page", () => {
  test("shows every operation with a command to try it, without script, style or asset of others", async () => {
    const page = await site.call("/docs/api");
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    for (const { operation, path } of described()) {
      expect(page.text).toContain(`id="${operation.operationId.replace(/[^a-z0-9]+/g, "-")}"`);
      expect(page.text).toContain(path);
    }
    expect(page.text).not.toMatch(/<script|<iframe|style=|https?:\/\/(?!127\.0\.0\.1|cyberun\.example\.com|login\.example\.com)[a-z]/);
  });

  test("is linked from the start page", async () => {
    const { cookie } = await site.credentials();
    expect((await site.call("/", { as: cookie })).text).toContain('href="/docs/api"');
  });

  test("its first command line works when it is given a token", async () => {
    const { user } = await site.credentials();
    const answer = await site.call("/api/v1/teams", { as: user, json: document.paths["/api/v1/teams"]?.["post"]?.requestBody?.content["application/json"]?.example });
    expect(answer.status).toBe(201);
  });
});

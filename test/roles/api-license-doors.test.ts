/**
 * Every documented door, asked in every license state that shuts gated operations, with an example of what it takes: the
 * gated ones answer 503 with that state, and the core ones never do. `api-license.test.ts` shows what open ones answer.
 */
import { expect, test } from "bun:test";
import type { CallerKind } from "../../src/gate/caller.ts";
import { rowOf } from "../../src/gate/operations.ts";
import { type DescribedRoute, describedRoutes, plainSchema } from "../../src/roles/api/openapi.ts";
import { exampleOf } from "../../src/roles/api/example.ts";
import { shutStates } from "../support/refusal.ts";
import { type Answer, type Credentials, startRoles, type TestRoles } from "../support/roles.ts";

const ID = "00000000-0000-7000-8000-00000000000f";
const kinds = ["user", "device", "integration"] as const satisfies readonly (keyof Credentials & CallerKind)[];

async function ask(site: TestRoles, who: Credentials, { method, path, operation, body }: DescribedRoute): Promise<Answer> {
  const kind = kinds.find((each) => rowOf(operation).accepts.includes(each)) ?? "stranger";
  const json = method === "GET" || body === undefined ? {} : { json: exampleOf(plainSchema(body)) };
  return await site.call(path.replace(/:[a-z_]+/g, ID), { method, as: who[kind], ...json });
}

const isCore = ({ operation }: DescribedRoute) => rowOf(operation).license === "core";

test.each(shutStates)("in the license state %s each door is as open as its operation", async (state) => {
  await using site = await startRoles();
  const who = await site.credentials();
  site.license({ state });
  const doors = describedRoutes(site.apps.api.routes);
  const gated = doors.filter((door) => !isCore(door));
  const seen: [string, string, unknown][] = [];
  for (const door of gated) seen.push([door.method, door.path, (await ask(site, who, door)).body["error_code"]]);
  expect(seen).toEqual(gated.map(({ method, path }) => [method, path, state]));
  // Last, because one of them ends the session and another the team.
  for (const door of doors.filter(isCore)) {
    const { status, body } = await ask(site, who, door);
    expect([door.method, door.path, body["error_code"] === state, status === 500]).toEqual([door.method, door.path, false, false]);
  }
  expect(gated.length).toBeGreaterThan(10);
});

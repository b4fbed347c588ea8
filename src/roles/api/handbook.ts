/** The handbook at `/docs`: the documents of this build, for whoever has no other way to them. */
import { t } from "elysia";
import { handbookIndex, handbookPage, readHandbook } from "../../dashboard/handbook.ts";
import { pageResponse } from "../../dashboard/html.ts";
import { frameOf } from "../../dashboard/visit-frame.ts";
import { Fault } from "../../fault.ts";
import type { Gate } from "../../gate/operation.ts";
import type { App } from "../../http/listener.ts";

const Named = t.Object({ name: t.String({ maxLength: 100 }) });

function missing(): Fault {
  return new Fault("not_found", "The handbook has no such page.", { hint: "All of its pages are listed at /docs." });
}

function found<T>(table: Readonly<Record<string, T>>, name: string): T {
  const value = Object.hasOwn(table, name) ? table[name] : undefined;
  if (value === undefined) throw missing();
  return value;
}

/** The reference at `/docs/api` has its own door, and the document of that name is reached as `/docs/api-guide`. */
export function addHandbookDoors(app: App, gate: Gate): void {
  app.get("/docs", async ({ request }) => pageResponse(handbookIndex(await frameOf(gate, request), await readHandbook())));
  app.get("/docs/:name", async ({ request, params }) => pageResponse(handbookPage(await frameOf(gate, request), found((await readHandbook()).pages, params.name))), { params: Named });
  app.get(
    "/docs/files/:name",
    async ({ params }) => new Response(found((await readHandbook()).files, params.name), { headers: { "content-type": "text/plain; charset=utf-8" } }),
    { params: Named },
  );
}

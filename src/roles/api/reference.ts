/** The API's description of itself: for programs at `/api/v1/openapi.json`, for people at `/docs/api`. */
import { pageResponse } from "../../dashboard/html.ts";
import { type ReferenceEntry, referencePage } from "../../dashboard/reference-page.ts";
import type { CallerKind } from "../../gate/caller.ts";
import { frameOf } from "../../dashboard/visit-frame.ts";
import type { Gate } from "../../gate/operation.ts";
import { rowOf } from "../../gate/operations.ts";
import type { App } from "../../http/listener.ts";
import { findAnswer } from "./answers.ts";
import { exampleOf } from "./example.ts";
import { describedRoutes, type DescribedRoute, licenseNeed, openApiDocument, plainSchema, speaksInTeam, tagOf } from "./openapi.ts";

const words: Readonly<Record<CallerKind, string>> = {
  anonymous: "anybody",
  user: "a person",
  device: "a paired device",
  integration: "an integration key",
  agent: "an agent key",
  lease_client: "a role of the deployment",
  operator: "the operator on the host",
  system: "the deployment itself",
};

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function curlOf({ method, path, operation, body }: DescribedRoute, url: string): string {
  const { accepts, takesIdempotencyKey } = rowOf(operation);
  const address = `${url}${path.replace(/:([a-z_]+)/g, (_all, name: string) => String(exampleOf({ type: "string" }, name)))}`;
  const isOpen = accepts.includes("anonymous");
  const parts = [
    `curl ${method === "GET" ? "" : `-X ${method} `}${quoted(address)}`,
    ...(isOpen ? [] : ["-H 'Authorization: Bearer TOKEN'"]),
    ...(!isOpen && speaksInTeam(operation) ? ["-H 'X-Team-ID: TEAM_ID'"] : []),
    ...(takesIdempotencyKey === true ? ['-H "Idempotency-Key: $(uuidgen)"'] : []),
    ...(body === undefined ? [] : ["-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(exampleOf(plainSchema(body))))}`]),
  ];
  return parts.join(" \\\n  ");
}

function entryOf(route: DescribedRoute, url: string): ReferenceEntry {
  const row = rowOf(route.operation);
  const { status, schema, mediaType } = findAnswer(route.operation) ?? { status: 200 };
  const shown = mediaType === undefined ? JSON.stringify(exampleOf(plainSchema(schema)), null, 2) : `lines of ${mediaType}`;
  return {
    tag: tagOf(route.path),
    method: route.method,
    path: route.path.replace(/:([a-z_]+)/g, "{$1}"),
    operation: route.operation,
    purpose: row.purpose,
    callers: row.accepts.map((kind) => words[kind]).join(", "),
    license: licenseNeed(row),
    curl: curlOf(route, url),
    status,
    answer: schema === undefined ? undefined : shown,
  };
}

/** Add them last: they describe what was added before. */
export function addReferenceDoors(app: App, gate: Gate): void {
  const { settings } = gate;
  app.get("/api/v1/openapi.json", () => openApiDocument(describedRoutes(app.routes), settings.publicUrl));
  app.get("/docs/api", async ({ request }) => pageResponse(referencePage(await frameOf(gate, request), describedRoutes(app.routes).map((route) => entryOf(route, settings.publicUrl)))));
}

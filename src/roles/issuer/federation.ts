/** What other sites read of this one where they reach it: its bundle, and its entity statement. */
import { entityStatement, ENTITY_PATH } from "../../federation/entity-statement.ts";
import { BUNDLE_PATH, publishBundle } from "../../federation/own-bundle.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { plainHeaders } from "../../http/respond.ts";

/** How long who asks may keep it: a stranger that asks again and again is answered from a cache on the way. */
const CACHE_SECONDS = 30;

function signedText(body: string, type: string): Response {
  return new Response(body, { headers: { ...plainHeaders, "content-type": type, "cache-control": `public, max-age=${CACHE_SECONDS}` } });
}

export function addFederationDocuments(app: App, gate: Gate): void {
  app.get(BUNDLE_PATH, async ({ caller }) => signedText((await publishBundle(gate, caller, undefined)).bundle, "application/jose"), door("federation_bundle.publish"));
  app.get(ENTITY_PATH, async ({ caller }) => signedText(await entityStatement(gate, caller, undefined), "application/entity-statement+jwt"), door("federation_entity.read"));
}

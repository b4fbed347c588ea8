/** The entity statement of this site (OpenID Federation 1.0 section 9). */
import { ENTITY_PATH, entityStatement } from "../../federation/entity-statement.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { plainHeaders } from "../../http/respond.ts";

const CACHE_SECONDS = 300;

export function addFederationDocuments(app: App, gate: Gate): void {
  app.get(
    ENTITY_PATH,
    async ({ caller }) => {
      const headers = { ...plainHeaders, "content-type": "application/entity-statement+jwt", "cache-control": `public, max-age=${CACHE_SECONDS}` };
      return new Response(await entityStatement(gate, caller, undefined), { headers });
    },
    door("federation_entity.read"),
  );
}

/** `/oauth/introspect`: translates; who may know what is `oidc/introspection.ts`'s. */
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { endpoints } from "../../oidc/endpoints.ts";
import { answerIntrospection } from "../../oidc/introspection.ts";
import type { IssuerSite } from "../../oidc/token-endpoint.ts";
import { backChannelOf, secretJson } from "./back-channel.ts";

export function addIntrospectionDoor(app: App, site: IssuerSite): void {
  app.post(
    endpoints.introspection,
    async ({ request, caller }) => secretJson(await answerIntrospection(site, caller, await backChannelOf(request))),
    door("token.introspect", "none"),
  );
}

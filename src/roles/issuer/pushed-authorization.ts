/** `/oauth/par`: translates; the request is `oidc/authorization/`'s. */
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { answerPushedRequest } from "../../oidc/authorization/pushed-endpoint.ts";
import { endpoints } from "../../oidc/endpoints.ts";
import type { IssuerSite } from "../../oidc/token-endpoint.ts";
import { backChannelOf, secretJson } from "./back-channel.ts";

export function addPushedAuthorizationDoor(app: App, site: IssuerSite): void {
  app.post(
    endpoints.pushed_authorization_request,
    async ({ request, caller }) => secretJson(await answerPushedRequest(site, caller, await backChannelOf(request)), 201),
    door("authorization.push", "none"),
  );
}

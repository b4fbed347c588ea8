/** `/oauth/token`: translates; the phases are `oidc/token-endpoint.ts`'s. */
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { endpoints } from "../../oidc/endpoints.ts";
import { answerTokenRequest, type IssuerSite } from "../../oidc/token-endpoint.ts";
import { backChannelOf, secretJson } from "./back-channel.ts";

export function addTokenDoor(app: App, site: IssuerSite): void {
  app.post(
    endpoints.token,
    async ({ request, caller }) => secretJson(await answerTokenRequest(site, caller, await backChannelOf(request))),
    door("token.issue", "none"),
  );
}

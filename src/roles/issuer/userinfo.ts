/** `/oauth/userinfo` by GET and POST: translates; what is told is `oidc/userinfo.ts`'s. */
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { endpoints } from "../../oidc/endpoints.ts";
import type { IssuerSite } from "../../oidc/token-endpoint.ts";
import { answerUserinfo } from "../../oidc/userinfo.ts";
import { backChannelOf, secretJson } from "./back-channel.ts";

export function addUserinfoDoors(app: App, site: IssuerSite): void {
  app.get(
    endpoints.userinfo,
    async ({ request, caller }) => secretJson(await answerUserinfo(site, caller, await backChannelOf(request))),
    door("userinfo.read", "none"),
  );
  app.post(
    endpoints.userinfo,
    async ({ request, caller }) => secretJson(await answerUserinfo(site, caller, await backChannelOf(request))),
    door("userinfo.read", "none"),
  );
}

/** `/oauth/revoke`: translates; what is ended with what is `oidc/revocation.ts`'s. */
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { plainHeaders } from "../../http/respond.ts";
import { endpoints } from "../../oidc/endpoints.ts";
import { answerRevocation } from "../../oidc/revocation.ts";
import type { IssuerSite } from "../../oidc/token-endpoint.ts";
import { backChannelOf } from "./back-channel.ts";

export function addRevocationDoor(app: App, site: IssuerSite): void {
  app.post(
    endpoints.revocation,
    async ({ request, caller }) => {
      await answerRevocation(site, caller, await backChannelOf(request));
      return new Response(null, { status: 200, headers: plainHeaders });
    },
    door("token.revoke", "none"),
  );
}

/** `/oauth/register` and the clients under it: translates; the rules are `oidc/clients/registration.ts`'s. */
import { t } from "elysia";
import { door } from "../../http/door.ts";
import { findBearer } from "../../http/bearer.ts";
import type { App } from "../../http/listener.ts";
import { plainHeaders } from "../../http/respond.ts";
import { deleteRegistration, readRegistration, registerClient, updateRegistration } from "../../oidc/clients/registration.ts";
import { endpoints } from "../../oidc/endpoints.ts";
import { OAuthError } from "../../oidc/oauth-error.ts";
import type { IssuerSite } from "../../oidc/token-endpoint.ts";
import { secretJson } from "./back-channel.ts";

const BODY_CHARACTERS_MAX = 65_536;
const JSON_TYPE = /^application\/json *(?:; *charset=utf-8 *)?$/i;

function bearerOf(request: Request): string {
  const header = request.headers.get("authorization") ?? "";
  const token = findBearer(header);
  if (token !== undefined) return token;
  throw new OAuthError("invalid_token", "This needs a token for registration.", { hint: "Send Authorization: Bearer with the initial or the registration access token." });
}

async function metadataOf(request: Request): Promise<unknown> {
  if (!JSON_TYPE.test(request.headers.get("content-type") ?? "")) throw new OAuthError("invalid_client_metadata", "The body is not of content-type application/json.");
  const text = await request.text();
  if (text.length > BODY_CHARACTERS_MAX) throw new OAuthError("invalid_client_metadata", `The body is larger than ${BODY_CHARACTERS_MAX} characters.`, { status: 413 });
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new OAuthError("invalid_client_metadata", "The body is not JSON.");
    throw error;
  }
}

const ofClient = `${endpoints.registration}/:client_id`;
const params = t.Object({ client_id: t.String() });

export function addRegistrationDoors(app: App, { gate }: IssuerSite): void {
  app.post(
    endpoints.registration,
    async ({ request, caller }) => secretJson(await registerClient(gate, caller, { token: bearerOf(request), metadata: await metadataOf(request) }), 201),
    door("oidc_client.register", "none"),
  );
  app.get(ofClient, async ({ request, caller, params: { client_id } }) => secretJson(await readRegistration(gate, caller, { client_id, token: bearerOf(request) })), {
    ...door("oidc_client.read_registration", "none"),
    params,
  });
  app.put(
    ofClient,
    async ({ request, caller, params: { client_id } }) => secretJson(await updateRegistration(gate, caller, { client_id, token: bearerOf(request), metadata: await metadataOf(request) })),
    { ...door("oidc_client.update_registration", "none"), params },
  );
  app.delete(
    ofClient,
    async ({ request, caller, params: { client_id } }) => {
      await deleteRegistration(gate, caller, { client_id, token: bearerOf(request) });
      return new Response(null, { status: 204, headers: plainHeaders });
    },
    { ...door("oidc_client.delete_registration", "none"), params },
  );
}

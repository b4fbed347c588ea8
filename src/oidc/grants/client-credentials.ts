/** Client credentials (RFC 6749 section 4.4): a client speaks for itself. No person, so no refresh token and no ID token. */
import { narrowResources } from "../clients/resources.ts";
import { signGrantToken } from "../grant-tokens.ts";
import { narrowScope } from "../scope.ts";
import type { Grant } from "./grant.ts";

/** Scopes that tell of a person; a client is none. */
const personal: readonly string[] = ["openid", "profile", "email", "address", "phone", "offline_access", "teams"];

/** What the client may have of its scope when it speaks for itself. */
function ownScope(scope: string): string {
  return scope
    .split(" ")
    .filter((each) => !personal.includes(each))
    .join(" ");
}

/** Without a wish the token is for the one resource that the client is registered for, else for the issuer, where it opens nothing. */
function fallbackOf(resources: readonly string[], issuerUrl: string): readonly string[] {
  return resources.length === 1 ? resources : [issuerUrl];
}

export const clientCredentials: Grant = {
  type: "client_credentials",
  parameters: ["scope"],
  async issue(act, { client, parameters, resources, jkt, keyring }) {
    const scope = narrowScope(parameters.get("scope"), ownScope(client.scope));
    const audience = narrowResources(resources, client.resources, fallbackOf(client.resources, act.settings.issuerUrl));
    return await signGrantToken(act, keyring, { client_id: client.client_id, sub: client.client_id, scope, audience, jkt });
  },
};

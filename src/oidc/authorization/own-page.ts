/**
 * Sign-in for the issuer's own pages: the same interaction as for a client's request, whatever it asks of the person.
 *
 * Rule: it gives no code and no grant; it leads back to the page, where somebody is signed in then.
 */
import { command } from "../../gate/operation.ts";
import type { Client } from "../clients/client.ts";
import { requireMetadata } from "../clients/metadata.ts";
import { insertPending } from "./pending.ts";
import { type AuthorizationRequest, OWN_PAGE } from "./request.ts";
import type { AuthorizationResponse } from "./response.ts";

/** The issuer as a client of itself, without a name: pages say in words what it is. */
export function ownPageClient(): Client {
  const metadata = requireMetadata("platform", { client_name: OWN_PAGE, grant_types: ["client_credentials"] }, OWN_PAGE);
  return { ...metadata, client_name: "", client_id: OWN_PAGE, is_first_party: true, is_dynamic: false, is_disabled: false, created_at: 0, updated_at: 0 };
}

/** The way back to the page. */
export function ownPageResponse({ redirectUri, state }: AuthorizationRequest): AuthorizationResponse {
  return { redirectUri, responseMode: "query", parameters: state === undefined ? {} : { user_code: state } };
}

export interface OwnPage {
  /** Path on the issuer. */
  readonly path: string;
  /** Brought back to the page. */
  readonly userCode: string | undefined;
}

/** Begins a sign-in that leads back to the page; gives its handle. */
export const startOwnSignIn = command("sign_in.start", async (act, { path, userCode }: OwnPage): Promise<string> => {
  const state = userCode === undefined ? {} : { state: userCode };
  return await insertPending(act, "open", { clientId: OWN_PAGE, redirectUri: `${act.settings.issuerUrl}${path}`, responseMode: "query", scope: "", resource: [], prompt: [], ...state });
});

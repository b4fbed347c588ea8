/**
 * The pushed authorization request endpoint (RFC 9126): a request comes from the client's program, authenticated as at the
 * token endpoint, and the browser later brings its reference only (CVE-2024-4540).
 */
import type { Caller } from "../../gate/caller.ts";
import { type BackChannelRequest, readForm } from "../back-channel.ts";
import { authenticateClient } from "../client-authentication/authenticate-client.ts";
import { requireClientLicensed } from "../clients/client.ts";
import { takeProof } from "../dpop.ts";
import { endpointUrl } from "../endpoints.ts";
import type { IssuerSite } from "../token-endpoint.ts";
import { pushAuthorization, type Pushed } from "./start.ts";

/** Answers a pushed request. Throws OAuthError, or a Fault that stands for one. */
export async function answerPushedRequest({ gate, keyring, clientKeys }: IssuerSite, caller: Caller, request: BackChannelRequest): Promise<Pushed> {
  const form = readForm(request);
  const client = await authenticateClient(gate, caller, { request, form, clientKeys });
  requireClientLicensed(gate.entitled.entitlements(), client);
  const url = endpointUrl(gate.settings.issuerUrl, "pushed_authorization_request");
  const proof = request.dpop === undefined ? undefined : await takeProof(gate, caller, { header: request.dpop, method: request.method, url, accessToken: undefined, needsNonce: client.require_dpop_nonce });
  return await pushAuthorization(gate, caller, { text: request.body, keyring, clientId: client.client_id, dpopJkt: proof?.jkt });
}

/**
 * Which client asks: found by exactly the method that it registered.
 *
 *     what is shown → client exists and is not disabled → its own method → secret or assertion → assertion not seen before
 *
 * Rule: every refusal of what was shown is one wording, for unknown, disabled and mistaken clients alike. What a client
 * may do is not asked here.
 */
import { procedure, type ProcedureAct } from "../../gate/operation.ts";
import type { BackChannelRequest, Form } from "../back-channel.ts";
import { type Client, findActiveClient } from "../clients/client.ts";
import type { ClientKeySets } from "../clients/client-key-sets.ts";
import type { ClientJwks } from "../clients/client-keys.ts";
import { isSecretOf, listSecretDigests } from "../clients/client-secrets.ts";
import { endpointUrl } from "../endpoints.ts";
import { isFirstSighting } from "../seen-tokens.ts";
import { type Assertion, assertionEndsAtMs, findAssertion, isFittingAssertion, isSignedByOneOf } from "./assertion.ts";
import { type Presented, readPresented, unknownClient } from "./presented.ts";

interface Known {
  readonly client: Client | undefined;
  readonly digests: readonly string[];
}

async function findKnown({ read, services }: ProcedureAct, clientId: string): Promise<Known> {
  return await read(async (reader) => ({
    client: await findActiveClient(reader, clientId),
    digests: await listSecretDigests(reader, clientId, services.clock.now()),
  }));
}

async function bySecret(act: ProcedureAct, presented: Extract<Presented, { secret: string }>): Promise<Client | undefined> {
  const { client, digests } = await findKnown(act, presented.clientId);
  // Asked before the client is looked at, so that an unknown one takes as long.
  const isGood = isSecretOf(act.sealer, presented, digests);
  return isGood && client?.token_endpoint_auth_method === presented.method ? client : undefined;
}

async function isFirstUse(act: ProcedureAct, assertion: Assertion): Promise<boolean> {
  const { sub, jti } = assertion.claims;
  return await act.write((write) => isFirstSighting(write, { kind: "assertion", owner: sub, jti, expiresAtMs: assertionEndsAtMs(assertion, { skewSeconds: act.settings.clockSkewSeconds }) }));
}

async function byAssertion(act: ProcedureAct, presented: Extract<Presented, { assertion: string }>, clientKeys: ClientKeySets): Promise<Client | undefined> {
  const { services, settings } = act;
  const assertion = findAssertion(presented.assertion);
  const clientId = presented.clientId ?? assertion?.claims.sub;
  if (assertion === undefined || clientId === undefined) return undefined;
  const { client } = await findKnown(act, clientId);
  if (client?.token_endpoint_auth_method !== "private_key_jwt") return undefined;
  // An assertion for an address is good wherever somebody makes a client believe in it; the profile takes the name alone.
  const audiences = [settings.issuerUrl, ...(client.security_profile === undefined ? [endpointUrl(settings.issuerUrl, "token")] : [])];
  // What it says comes first: an assertion for somebody else makes no key be fetched.
  const context = { client, audiences, nowSeconds: services.clock.now() / 1_000, skewSeconds: settings.clockSkewSeconds, lifeSecondsMax: settings.clientAssertionSeconds };
  if (!isFittingAssertion(assertion, context)) return undefined;
  const isSigned = (jwks: ClientJwks) => isSignedByOneOf(assertion, jwks);
  const jwks = client.jwks_uri === undefined ? client.jwks : await clientKeys.find(client.jwks_uri, isSigned);
  return jwks !== undefined && isSigned(jwks) && (await isFirstUse(act, assertion)) ? client : undefined;
}

async function byIdAlone(act: ProcedureAct, { clientId }: Presented): Promise<Client | undefined> {
  const { client } = await findKnown(act, clientId ?? "");
  return client?.token_endpoint_auth_method === "none" ? client : undefined;
}

async function findShown(act: ProcedureAct, presented: Presented, clientKeys: ClientKeySets): Promise<Client | undefined> {
  switch (presented.method) {
    case "client_secret_basic":
    case "client_secret_post":
      return await bySecret(act, presented);
    case "private_key_jwt":
      return await byAssertion(act, presented, clientKeys);
    case "none":
      return await byIdAlone(act, presented);
  }
}

export interface ShownRequest {
  readonly request: Pick<BackChannelRequest, "authorization">;
  readonly form: Form;
  readonly clientKeys: ClientKeySets;
}

/** The client that sent the form. Throws OAuthError `invalid_client`, or `invalid_request` for two methods at once. */
export const authenticateClient = procedure("oidc_client.authenticate", async (act, { request, form, clientKeys }: ShownRequest): Promise<Client> => {
  const client = await findShown(act, readPresented(request.authorization, form), clientKeys);
  if (client === undefined) throw unknownClient();
  return client;
});

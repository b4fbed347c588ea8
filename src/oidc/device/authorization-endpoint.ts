/**
 * The device authorization endpoint (RFC 8628 section 3.1): a device without a browser of its own, or without a keyboard,
 * gets a code for a person to type elsewhere.
 *
 * Rule: the client shows who it is as at the token endpoint, and nothing is granted here.
 */
import type { Caller } from "../../gate/caller.ts";
import { command } from "../../gate/operation.ts";
import { insertDeviceRequest } from "../../identity/device-requests.ts";
import { type BackChannelRequest, readForm } from "../back-channel.ts";
import { authenticateClient } from "../client-authentication/authenticate-client.ts";
import { type Client, DEVICE_GRANT, requireClientLicensed } from "../clients/client.ts";
import { narrowResources } from "../clients/resources.ts";
import { OAuthError } from "../oauth-error.ts";
import { narrowScope } from "../scope.ts";
import type { IssuerSite } from "../token-endpoint.ts";

/** Where people type the code, on the issuer. */
export const DEVICE_PAGE = "/device";
/** RFC 8628 section 3.2 names 5 where nothing is said. */
const INTERVAL_SECONDS = 5;

/** RFC 8628 section 3.2. */
export interface DeviceAuthorization {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  /** Seconds. */
  readonly expires_in: number;
  readonly interval: number;
}

interface Wish {
  readonly client: Client;
  readonly scope: string | undefined;
  readonly resources: readonly string[];
}

function requireDeviceGrant({ grant_types }: Client): void {
  if (grant_types.includes(DEVICE_GRANT)) return;
  throw new OAuthError("unauthorized_client", "The client is not registered for the device grant.", { hint: `Register it with the grant type ${DEVICE_GRANT} first.` });
}

const startDeviceAuthorization = command("device_authorization.start", async (act, { client, scope, resources }: Wish): Promise<DeviceAuthorization> => {
  const { deviceCodeSeconds, issuerUrl } = act.settings;
  const asked = { clientId: client.client_id, scope: narrowScope(scope, client.scope), resource: narrowResources(resources, client.resources, []) };
  const { deviceCode, userCode } = await insertDeviceRequest(act, { purpose: "oidc", asked, lifeSeconds: deviceCodeSeconds, intervalSeconds: INTERVAL_SECONDS });
  const verification_uri = `${issuerUrl}${DEVICE_PAGE}`;
  return {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri,
    verification_uri_complete: `${verification_uri}?user_code=${userCode}`,
    expires_in: deviceCodeSeconds,
    interval: INTERVAL_SECONDS,
  };
});

/** Answers a device. Throws OAuthError, or a Fault that stands for one. */
export async function answerDeviceAuthorization({ gate, clientKeys }: IssuerSite, caller: Caller, request: BackChannelRequest): Promise<DeviceAuthorization> {
  const form = readForm(request);
  const client = await authenticateClient(gate, caller, { request, form, clientKeys });
  requireClientLicensed(gate.entitled.entitlements(), client);
  requireDeviceGrant(client);
  return await startDeviceAuthorization(gate, caller, { client, scope: form.values.get("scope"), resources: form.resources });
}

/**
 * What a person sees and says of a device that asks (RFC 8628 section 3.3).
 *
 * Rule: an explicit act of whoever is signed in, each time, also for the platform's own clients: a link with the code in
 * it approves nothing (section 5.4). Whoever types the code first decides it, so that a code which another person has
 * seen is not approved into that one's account.
 */
import { assert, Fault } from "../../fault.ts";
import { command, type CommandAct, Refused } from "../../gate/operation.ts";
import { claimDeviceRequest, decideDeviceRequest, type DeviceRequest } from "../../identity/device-requests.ts";
import { insertStandingGrant } from "../authorization/grant.ts";
import { findSigned, type Person, shownClient, type ShownClient, type Signed } from "../authorization/interaction.ts";
import { type Client, DEVICE_GRANT, findActiveClient, requireClientLicensed } from "../clients/client.ts";
import { neededConsent, rememberConsent } from "../consents.ts";
import { type DeviceAsked, parseAsked } from "./asked.ts";

/** What the page shows before the person decides. */
export interface ShownDevice {
  readonly client: ShownClient;
  readonly person: Person;
  readonly needed: readonly string[];
  /** Where the device asked from. */
  readonly address: string | undefined;
  /** Epoch milliseconds. */
  readonly askedAtMs: number;
}

interface Case {
  readonly request: DeviceRequest;
  readonly asked: DeviceAsked;
  readonly client: Client;
  readonly signed: Signed;
}

async function requireSigned({ writer, caller, services }: CommandAct): Promise<Signed> {
  const signed = await findSigned(writer, caller, services.clock.now());
  if (signed === undefined) throw new Fault("unauthenticated", "This needs somebody who is signed in.", { hint: "Sign in and type the code again." });
  return signed;
}

async function requireClient({ writer, entitlements }: CommandAct, { clientId }: DeviceAsked): Promise<Client> {
  const client = await findActiveClient(writer, clientId);
  if (client === undefined || !client.grant_types.includes(DEVICE_GRANT)) {
    throw new Fault("gone", "The application's registration changed since the device asked.", { hint: "Start again on the device." });
  }
  requireClientLicensed(entitlements, client);
  return client;
}

async function consider(act: CommandAct, userCode: string): Promise<Case | Refused> {
  const signed = await requireSigned(act);
  const request = await claimDeviceRequest(act, "oidc", userCode);
  if (request instanceof Refused) return request;
  const asked = parseAsked(request);
  const client = await requireClient(act, asked);
  return { request, asked, client, signed };
}

function needed({ scope, resource }: DeviceAsked): readonly string[] {
  return neededConsent({ scope, resource: [...resource] });
}

/** What asks for the code. Throws Fault `not_found` for a code that is not good, `rate_limited` after too many of those. */
export const readDeviceAuthorization = command("device_authorization.read", async (act, input: { readonly user_code: string }): Promise<ShownDevice | Refused> => {
  const considered = await consider(act, input.user_code);
  if (considered instanceof Refused) return considered;
  const { request, asked, client, signed } = considered;
  return { client: shownClient(client), person: signed.person, needed: needed(asked), address: request.address ?? undefined, askedAtMs: request.created_at };
});

export interface DeviceDecision {
  readonly user_code: string;
  readonly decision: "allow" | "deny";
}

/** Carries out what the person said. The grant hangs on no sign-in: the device goes on when the browser is signed out. */
export const decideDeviceAuthorization = command("device_authorization.decide", async (act, input: DeviceDecision): Promise<ShownClient | Refused> => {
  const considered = await consider(act, input.user_code);
  if (considered instanceof Refused) return considered;
  const { request, asked, client, signed } = considered;
  const { userId } = signed.person;
  assert(userId === request.user_id, "a claimed request is the caller's");
  act.note({ subject: `client:${client.client_id}`, details: { decision: input.decision } });
  if (input.decision === "allow") {
    const grantId = await insertStandingGrant(act, asked, signed.session);
    await rememberConsent(act, { userId, clientId: client.client_id }, needed(asked));
    await decideDeviceRequest(act, request, { grantId });
  } else {
    await decideDeviceRequest(act, request, undefined);
  }
  return shownClient(client);
});

/**
 * The device grant (RFC 8628 section 3.4): the device asks again and again, until a person has decided.
 *
 * Rule: of any number of polls one gets tokens. A code that comes again later ends what it gave: two have it, and nobody
 * can tell which of them is the device. Polls that only cross in flight are refused and end nothing.
 */
import { type CommandAct, Refused } from "../../gate/operation.ts";
import { type DeviceRequest, findDeviceRequest, notePoll, takeDeviceRequest } from "../../identity/device-requests.ts";
import { DEVICE_GRANT } from "../clients/client.ts";
import { parseAnswer, parseAsked } from "../device/asked.ts";
import { endGrant, findLiveGrant } from "../live-grants.ts";
import { OAuthError } from "../oauth-error.ts";
import { firstRefreshToken, redeem, type Redeemed, requireKeys, signPersonTokens } from "../person-tokens.ts";
import type { Grant, GrantRequest } from "./grant.ts";

/** RFC 8628 section 3.5: how much longer a device has to wait that asks too often. */
const SLOWER_MS = 5_000;
const INTERVAL_MS_MAX = 60_000;
/** Polls of one device cross within so short a time; it is well below the shortest interval at which an honest one comes again. */
const CROSSING_MS = 1_000;

function refused(): OAuthError {
  return new OAuthError("invalid_grant", "The device code is not good: unknown, used before, or given to another client.", { hint: "Start again at the device authorization endpoint." });
}

async function refuseReplay(act: CommandAct, request: DeviceRequest): Promise<Refused> {
  const deliveredAt = request.polled_at ?? 0;
  if (act.services.clock.now() - deliveredAt > CROSSING_MS) await endGrant(act, parseAnswer(request).grantId, "code_replayed");
  return new Refused(refused());
}

async function refusePending(act: CommandAct, request: DeviceRequest): Promise<Refused> {
  const isEarly = request.polled_at !== null && act.services.clock.now() - request.polled_at < request.interval_ms;
  const intervalMs = isEarly ? Math.min(request.interval_ms + SLOWER_MS, INTERVAL_MS_MAX) : request.interval_ms;
  await notePoll(act, request, intervalMs);
  const seconds = intervalMs / 1_000;
  if (isEarly) return new Refused(new OAuthError("slow_down", `The device asks too often; it has to wait ${seconds} seconds between two requests.`));
  return new Refused(new OAuthError("authorization_pending", "Nobody has decided yet.", { hint: `Ask again in ${seconds} seconds.` }));
}

async function deliver(act: CommandAct, request: GrantRequest, approved: DeviceRequest): Promise<Redeemed | Refused> {
  if (!(await takeDeviceRequest(act, approved))) throw refused();
  const grant = await findLiveGrant(act.writer, parseAnswer(approved).grantId, act.services.clock.now());
  if (grant === undefined) throw refused();
  const refreshToken = await firstRefreshToken(act, request, grant);
  return await redeem(act, request, { grant, scope: grant.scope, refreshToken, isFirst: true });
}

async function poll(act: CommandAct, request: GrantRequest): Promise<Redeemed | Refused> {
  const found = await findDeviceRequest(act, act.writer, { purpose: "oidc", code: request.parameters.get("device_code") ?? "" });
  if (found === undefined || parseAsked(found).clientId !== request.client.client_id) throw refused();
  if (found.status === "delivered") return await refuseReplay(act, found);
  if (act.services.clock.now() >= found.expires_at) throw new OAuthError("expired_token", "The device code is over.", { hint: "Start again at the device authorization endpoint." });
  if (found.status === "denied") throw new OAuthError("access_denied", "The person did not allow it.", { status: 400 });
  return found.status === "approved" ? await deliver(act, request, found) : await refusePending(act, found);
}

export const deviceCode: Grant = {
  type: DEVICE_GRANT,
  parameters: ["device_code"],
  async issue(act, request) {
    await requireKeys(request);
    const redeemed = await act.write<Redeemed>((commandAct) => poll(commandAct, request));
    return await signPersonTokens(act, request, redeemed);
  },
};

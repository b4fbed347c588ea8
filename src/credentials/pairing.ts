/**
 * Pairing: how a desktop or a command line gets its keys without anybody typing a password into it.
 *
 *     the device starts ─► a person confirms in a browser, for one team ─► the device's next poll gets both keys, once
 *
 * Paths, fields and answers are the documented ones (api-reference/devicepair). The keys are made by the poll that
 * takes them, so that none waits anywhere in any form.
 *
 * Rule: codes, guesses, one owner and one taker are `identity/device-requests.ts`'s.
 */
import { and, eq, isNull } from "drizzle-orm";
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { assert, Fault } from "../fault.ts";
import { command, type CommandAct, procedure, Refused } from "../gate/operation.ts";
import { claimDeviceRequest, decideDeviceRequest, type DeviceRequest, findDeviceRequest, insertDeviceRequest, takeDeviceRequest } from "../identity/device-requests.ts";
import { requireName } from "../identity/names.ts";
import { isoTime } from "../page.ts";
import { requireMembership } from "../teams/membership.ts";
import { isAtLeast, permissions, roles } from "../teams/permissions.ts";
import { findFullFault } from "./caps.ts";
import { mintDevice } from "./device-keys.ts";

/** Where people approve, on the API's own origin. */
export const PAIRING_PAGE = "/desktop/pair";
const INTERVAL_SECONDS = 2;

const AnswerSchema = Type.Object({ teamId: Type.String(), displayName: Type.String() }, { additionalProperties: false });
const answerShape = shapeOf(AnswerSchema);

function parseAnswer({ answer: json }: DeviceRequest): Static<typeof AnswerSchema> {
  const answer: unknown = JSON.parse(json ?? "null");
  assert(answerShape.Check(answer), "a confirmed pairing has its team");
  return answer;
}

export interface StartedPairing {
  readonly device_code: string;
  readonly user_code: string;
  /** With the code in it. */
  readonly verification_uri: string;
  /** Seconds. */
  readonly expires_in: number;
  readonly interval: number;
}

/** A device asks to be paired. Throws Fault `rate_limited` while too many wait. */
export const startPairing = command("pairing.start", async (act, _input: undefined): Promise<StartedPairing> => {
  const { pairingSeconds, publicUrl } = act.settings;
  const { deviceCode, userCode } = await insertDeviceRequest(act, { purpose: "desktop", asked: {}, lifeSeconds: pairingSeconds, intervalSeconds: INTERVAL_SECONDS });
  return {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: `${publicUrl}${PAIRING_PAGE}?user_code=${userCode}`,
    expires_in: pairingSeconds,
    interval: INTERVAL_SECONDS,
  };
});

/** What asks, for the person who has to decide. */
export interface ShownPairing {
  /** Where it was asked from. */
  readonly address: string | null;
  readonly asked_at: string;
}

/** Says what asks for the code, which is the caller's to decide from now on. Throws Fault `not_found` or `rate_limited`. */
export const readPairing = command("pairing.read", async (act, input: { readonly user_code: string }): Promise<ShownPairing | Refused> => {
  const request = await claimDeviceRequest(act, "desktop", input.user_code);
  return request instanceof Refused ? request : { address: request.address, asked_at: isoTime(request.created_at) };
});

export interface Confirmation {
  readonly user_code: string;
  /** Without it the device is named after the day. */
  readonly device_name?: string | undefined;
}

function nameOf({ device_name: name = "" }: Confirmation, now: number): string {
  return name === "" ? `Desktop (paired ${isoTime(now).slice(0, 10)})` : requireName("device_name", name);
}

/** Tells the person now what the device would be told later. What holds is decided when the keys are made. */
async function requireRoom(act: CommandAct, teamId: string): Promise<void> {
  const full = await findFullFault(act, "agent", teamId);
  if (full !== undefined) throw full;
}

/**
 * Pairs the device of the code with the caller and the team that they speak in. Needs the role member, because the device may run tasks.
 * Throws Fault `not_found` for a code that is not good, `rate_limited` after too many of those.
 */
export const confirmPairing = command("pairing.confirm", async (act, input: Confirmation): Promise<void | Refused> => {
  const displayName = nameOf(input, act.services.clock.now());
  const { teamId, userId } = await requireMembership(act.writer, act.caller, "pairing.confirm");
  const request = await claimDeviceRequest(act, "desktop", input.user_code);
  if (request instanceof Refused) return request;
  assert(request.user_id === userId, "a claimed request is the caller's");
  await requireRoom(act, teamId);
  await decideDeviceRequest(act, request, { teamId, displayName });
  act.note({ details: { device_name: displayName } });
});

/** Refuses the device of the code. */
export const refusePairing = command("pairing.refuse", async (act, input: { readonly user_code: string }): Promise<void | Refused> => {
  const request = await claimDeviceRequest(act, "desktop", input.user_code);
  if (request instanceof Refused) return request;
  await decideDeviceRequest(act, request, undefined);
});

export type PolledPairing = { readonly status: "pending" } | { readonly status: "approved"; readonly raw_key: string; readonly agent_key: string };

/** One answer for what never was, is over, was refused or was taken already, as documented. */
function gone(): Fault {
  return new Fault("not_found", "There is no such pairing: it is over, was refused or was taken already, or never was.", { hint: "Start a new one." });
}

async function isStillMember({ writer }: CommandAct, userId: string, teamId: string): Promise<boolean> {
  const { memberships, users } = writer.tables;
  const [found] = await writer
    .select({ role: memberships.role })
    .from(memberships)
    .innerJoin(users, and(eq(users.id, memberships.user_id), isNull(users.disabled_at)))
    .where(and(eq(memberships.team_id, teamId), eq(memberships.user_id, userId)));
  const role = roles.find((each) => each === found?.role);
  return role !== undefined && isAtLeast(role, permissions["pairing.confirm"]);
}

async function deliver(act: CommandAct, request: DeviceRequest): Promise<PolledPairing | Refused> {
  if (!(await takeDeviceRequest(act, request))) throw gone();
  const { teamId, displayName } = parseAnswer(request);
  const userId = request.user_id ?? "";
  // Whoever was disabled or has left meanwhile pairs nothing; the taking is kept.
  if (!(await isStillMember(act, userId, teamId))) return new Refused(gone());
  const { rawKey, agentKey } = await mintDevice(act, { teamId, userId, displayName });
  return { status: "approved", raw_key: rawKey, agent_key: agentKey };
}

/** The device asks whether it is paired. The keys are in the first answer after the confirmation, and in no other. */
export const pollPairing = procedure("pairing.poll", async (act, input: { readonly device_code: string }): Promise<PolledPairing> => {
  const found = await act.read((reader) => findDeviceRequest(act, reader, { purpose: "desktop", code: input.device_code }));
  if (found === undefined || act.services.clock.now() >= found.expires_at) throw gone();
  if (found.status === "pending") return { status: "pending" };
  return await act.write<PolledPairing>((commandAct) => deliver(commandAct, found));
});

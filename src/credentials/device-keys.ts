/**
 * Devices: a `dk-` key that stands for a person within one team, and the `ak-` key that came with it, by which the same
 * machine runs tasks.
 *
 * Rule: made together by pairing, and ended together: by the device itself, by its person, by whoever manages the
 * team's keys, with the account and with the membership.
 */
import { and, count, desc, eq, inArray, isNull, sql } from "drizzle-orm";
import { createKey, type KeyFamily, keyPrefix } from "../crypto/tokens.ts";
import { assert, notFound } from "../fault.ts";
import { command, type CommandAct, query } from "../gate/operation.ts";
import { requireId } from "../ids.ts";
import { isoTime, type PageMeta, pageOf, type PageRequest } from "../page.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import { revokeCompanions } from "./companions.ts";
import { getFullFault, hasRoom } from "./caps.ts";
import { type KeyStatus, statusOf } from "./kinds.ts";

/** Whom and what a device is for. */
export interface NewDevice {
  readonly teamId: string;
  readonly userId: string;
  readonly displayName: string;
}

export interface MintedKeys {
  /** `dk-`, in clear, here and never again. */
  readonly rawKey: string;
  /** `ak-`, in clear, here and never again. */
  readonly agentKey: string;
}

function newKey({ services, sealer }: CommandAct, family: KeyFamily) {
  const rawKey = createKey(family, services.random);
  const row = { id: services.random.uuid(), key_prefix: keyPrefix(rawKey), digest: sealer.digest("credential-pepper", rawKey), created_at: services.clock.now() };
  return { rawKey, row };
}

/** Makes both keys. Throws Fault `quota_exceeded` when team or deployment may have no further agent key. */
export async function mintDevice(act: CommandAct, { teamId, userId, displayName }: NewDevice): Promise<MintedKeys> {
  const { writer } = act;
  const { credentials } = writer.tables;
  const [device, agent] = [newKey(act, "dk"), newKey(act, "ak")];
  const shared = { team_id: teamId, user_id: userId, created_by: userId, display_name: displayName };
  await writer.insert(credentials).values({ ...device.row, ...shared, kind: "device" });
  const row = { ...agent.row, ...shared, kind: "agent", companion_of: device.row.id };
  const [inserted] = await writer.insert(credentials).select(rowWhere(credentials, row, hasRoom(act, "agent", teamId))).returning({ id: credentials.id });
  if (inserted === undefined) throw await getFullFault(act, "agent", teamId);
  act.note({ subject: `credential:${device.row.id}`, details: { user: userId, key_prefix: device.row.key_prefix, agent_key_prefix: agent.row.key_prefix } });
  return { rawKey: device.rawKey, agentKey: agent.rawKey };
}

/** Revokes a device of the person, with its agent key; false when it is none of theirs. Again it changes nothing. */
async function revokeOwn({ writer, services, note }: CommandAct, deviceId: string, userId: string): Promise<boolean> {
  const { credentials } = writer.tables;
  const now = services.clock.now();
  const [meant] = await writer
    .update(credentials)
    .set({ revoked_at: sql`coalesce(${credentials.revoked_at}, ${now})` })
    .where(and(eq(credentials.id, deviceId), eq(credentials.kind, "device"), eq(credentials.user_id, userId)))
    .returning({ id: credentials.id, key_prefix: credentials.key_prefix });
  if (meant === undefined) return false;
  await revokeCompanions(writer, deviceId, now);
  note({ subject: `credential:${meant.id}`, details: { key_prefix: meant.key_prefix } });
  return true;
}

export interface Device {
  readonly id: string;
  readonly display_name: string;
  readonly key_prefix: string;
  readonly team_id: string;
  readonly team_name: string;
  readonly key_status: KeyStatus;
  readonly created_at: string;
  readonly last_used_at: string | null;
  /** The device that asks. */
  readonly is_current: boolean;
}

/** The caller's own devices in all of their teams that are not revoked, newest first. */
export const listDevices = query("device.list", async ({ reader, caller, services }, input: PageRequest): Promise<{ readonly device_list: readonly Device[]; readonly page_meta: PageMeta }> => {
  assert(caller.kind === "user" || caller.kind === "device", "the row admits people only");
  const page = pageOf(input);
  const { credentials, teams, memberships } = reader.tables;
  // A device of a team that its person has left is good for nothing.
  const own = reader.select({ id: memberships.team_id }).from(memberships).where(eq(memberships.user_id, caller.userId));
  const isTheirs = and(eq(credentials.user_id, caller.userId), eq(credentials.kind, "device"), isNull(credentials.revoked_at), inArray(credentials.team_id, own));
  const [total] = await reader.select({ count: count() }).from(credentials).where(isTheirs);
  const rows = await reader
    .select({ credential: credentials, team_name: teams.display_name })
    .from(credentials)
    .innerJoin(teams, eq(teams.id, credentials.team_id))
    .where(isTheirs)
    .orderBy(desc(credentials.created_at), desc(credentials.id))
    .limit(page.limit)
    .offset(page.offset);
  const now = services.clock.now();
  const device_list = rows.map(({ credential, team_name }) => ({
    id: credential.id,
    display_name: credential.display_name,
    key_prefix: credential.key_prefix,
    team_id: credential.team_id,
    team_name,
    key_status: statusOf(credential, now),
    created_at: isoTime(credential.created_at),
    last_used_at: credential.last_used_at === null ? null : isoTime(credential.last_used_at),
    is_current: caller.kind === "device" && caller.credentialId === credential.id,
  }));
  return { device_list, page_meta: page.meta(total?.count ?? 0) };
});

/** Revokes one of the caller's own devices for good: true when the call returns. Throws Fault `not_found`. */
export const revokeDevice = command("device.revoke", async (act, input: { readonly device_id: string }): Promise<void> => {
  const { caller } = act;
  assert(caller.kind === "user" || caller.kind === "device", "the row admits people only");
  const deviceId = requireId("device_id", input.device_id);
  if (!(await revokeOwn(act, deviceId, caller.userId))) throw notFound();
});

/** A device revokes itself, with its agent key. */
export const revokeOwnDevice = command("device.revoke_self", async (act, _input: undefined): Promise<void> => {
  const { caller } = act;
  assert(caller.kind === "device", "the row admits devices only");
  assert(await revokeOwn(act, caller.credentialId, caller.userId), "a device that was let in is one of its person's");
});

/**
 * Caps on live keys: each kind within a team, and agents in the whole deployment.
 *
 * Rule: counted in the very statement that inserts the key. An agent key stands for one agent at least, so nobody needs
 * more of them than agents. A key that is revoked or has expired gives its place back.
 */
import { and, count, eq, gt, isNull, or, type SQL, sql } from "drizzle-orm";
import { assert, type Fault } from "../fault.ts";
import type { CommandAct } from "../gate/operation.ts";
import { below, quotaFault, UNLIMITED } from "../gate/quota.ts";
import type { Qualified } from "../license/entitlements.ts";
import type { Reader } from "../store/store.ts";
import type { CredentialKind } from "./kinds.ts";

export type TeamKeyKind = Exclude<CredentialKind, "device">;

interface KeyCap {
  readonly quota: Qualified;
  /** False: every team's keys count. */
  readonly isOfTeam: boolean;
}

const capsOf = {
  integration: [{ quota: { namespace: "team", key: "max_integration_keys" }, isOfTeam: true }],
  agent: [
    { quota: { namespace: "team", key: "max_agents" }, isOfTeam: true },
    { quota: { namespace: "global", key: "max_agents" }, isOfTeam: false },
  ],
} as const satisfies Record<TeamKeyKind, readonly KeyCap[]>;

interface Counted {
  readonly kind: TeamKeyKind;
  readonly teamId: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

function countLive(reader: Reader, { isOfTeam }: KeyCap, { kind, teamId, now }: Counted) {
  const { credentials } = reader.tables;
  const isLive = and(isNull(credentials.revoked_at), or(isNull(credentials.expires_at), gt(credentials.expires_at, now)));
  return reader
    .select({ count: count() })
    .from(credentials)
    .where(and(eq(credentials.kind, kind), isLive, isOfTeam ? eq(credentials.team_id, teamId) : undefined));
}

/** What each cap counts, for who shows it. */
export const keyCounters = (["integration", "agent"] as const).flatMap((kind) =>
  capsOf[kind].map((cap: KeyCap) => ({ quota: cap.quota, count: (reader: Reader, subject: Omit<Counted, "kind">) => countLive(reader, cap, { ...subject, kind }) })),
);

/** A condition that holds while one more key can be made. */
export function hasRoom(act: CommandAct, kind: TeamKeyKind, teamId: string): SQL {
  const counted = { kind, teamId, now: act.services.clock.now() };
  return sql.join(capsOf[kind].map((cap: KeyCap) => below(countLive(act.writer, cap, counted), act.limit(cap.quota))), sql` and `);
}

/** The refusal for the first cap that is reached, or undefined while there is room. */
export async function findFullFault(act: CommandAct, kind: TeamKeyKind, teamId: string): Promise<Fault | undefined> {
  const counted = { kind, teamId, now: act.services.clock.now() };
  for (const cap of capsOf[kind]) {
    const limit = act.limit(cap.quota);
    const [live] = await countLive(act.writer, cap, counted);
    if (limit !== UNLIMITED && (live?.count ?? 0) >= limit) return quotaFault(cap.quota, limit);
  }
  return undefined;
}

/** The refusal when no key was inserted. */
export async function getFullFault(act: CommandAct, kind: TeamKeyKind, teamId: string): Promise<Fault> {
  const full = await findFullFault(act, kind, teamId);
  assert(full !== undefined, "a key is made while there is room");
  return full;
}

/**
 * From a key to a caller: form and checksum without a look-up, then one read by digest.
 *
 * The read sees what is committed now, so a revocation is true for the next request once its call has returned.
 */
import { and, eq, gt, isNotNull, isNull, or } from "drizzle-orm";
import { type KeyFamily, keyFamilyOf, keyPrefix } from "../crypto/tokens.ts";
import type { DeviceCaller, TeamCaller } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import { type Given, planRead } from "../store/plan.ts";
import type { Reader } from "../store/store.ts";
import { type CredentialKind, kindOf } from "./kinds.ts";
import { readScopes, requireAllowedFrom } from "./restrictions.ts";

export type KeyCaller = DeviceCaller | TeamCaller;

/** What the key's row has to be. */
interface Wanted {
  readonly kind: CredentialKind;
  readonly digest: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The secret of now, or the one before while it overlaps. */
function isWanted({ credentials }: Reader["tables"], given: Given<Wanted>) {
  const isUnexpired = or(isNull(credentials.expires_at), gt(credentials.expires_at, given("now")));
  const isPrevious = and(eq(credentials.previous_digest, given("digest")), gt(credentials.previous_expires_at, given("now")));
  return and(or(eq(credentials.digest, given("digest")), isPrevious), eq(credentials.kind, given("kind")), isNull(credentials.revoked_at), isUnexpired);
}

/** An agent key that came with a device falls with the device's person; other keys are the team's and stand for nobody. */
const findTeamKey = planRead((reader, given: Given<Wanted>) => {
  const { credentials, users, memberships } = reader.tables;
  const standsForNobody = isNull(credentials.user_id);
  const hasPerson = and(isNotNull(users.id), isNull(users.disabled_at), isNotNull(memberships.id));
  return reader
    .select({ credentialId: credentials.id, teamId: credentials.team_id, scopes: credentials.scopes, allowedCidrs: credentials.allowed_cidrs })
    .from(credentials)
    .leftJoin(users, eq(users.id, credentials.user_id))
    .leftJoin(memberships, and(eq(memberships.team_id, credentials.team_id), eq(memberships.user_id, users.id)))
    .where(and(isWanted(reader.tables, given), or(standsForNobody, hasPerson)));
});

/** A device stands for a person: it dies with the account and with the membership. */
const findDeviceKey = planRead((reader, given: Given<Wanted>) => {
  const { credentials, users, memberships } = reader.tables;
  return reader
    .select({ credentialId: credentials.id, teamId: credentials.team_id, userId: users.id, allowedCidrs: credentials.allowed_cidrs })
    .from(credentials)
    .innerJoin(users, and(eq(users.id, credentials.user_id), isNull(users.disabled_at)))
    .innerJoin(memberships, and(eq(memberships.team_id, credentials.team_id), eq(memberships.user_id, users.id)))
    .where(isWanted(reader.tables, given));
});

interface Found {
  readonly caller: KeyCaller;
  readonly allowedCidrs: string | null;
}

async function find({ store, sealer, services }: Gate, family: KeyFamily, rawKey: string): Promise<Found | undefined> {
  const kind = kindOf(family);
  const wanted: Wanted = { kind, digest: sealer.digest("credential-pepper", rawKey), now: services.clock.now() };
  return await store.read(async (reader) => {
    if (kind === "device") {
      const [found] = await findDeviceKey(reader, wanted);
      if (found === undefined) return undefined;
      const { allowedCidrs, ...ids } = found;
      return { caller: { kind, ...ids }, allowedCidrs };
    }
    const [found] = await findTeamKey(reader, wanted);
    if (found === undefined) return undefined;
    const { allowedCidrs, scopes, ...ids } = found;
    return { caller: { kind, ...ids, scopes: readScopes(scopes) }, allowedCidrs };
  });
}

/**
 * The caller whose key `rawKey` is, or undefined when it is good for nothing: not ours, unknown, expired or revoked.
 * Throws Fault `forbidden` when the key is good, but not from `address`.
 */
export async function findCallerByKey(gate: Gate, rawKey: string, address: string | undefined): Promise<KeyCaller | undefined> {
  const family = keyFamilyOf(rawKey);
  const found = family === undefined ? undefined : await find(gate, family, rawKey);
  if (found === undefined) return undefined;
  requireAllowedFrom(found.allowedCidrs, address);
  return { ...found.caller, keyPrefix: keyPrefix(rawKey), address };
}

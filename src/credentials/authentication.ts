/**
 * From a key to a caller: form and checksum without a look-up, then one read by digest.
 *
 * The read sees what is committed now, so a revocation is true for the next request once its call has returned.
 */
import { and, eq, exists, gt, isNull, or } from "drizzle-orm";
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

/**
 * A device stands for a person, and so does the agent key that came with it: both die with the account and with the
 * membership. Other keys are the team's and stand for nobody. Asked with `exists`: joined, SQLite needs five times as long.
 */
const findKey = planRead((reader, given: Given<Wanted>) => {
  const { credentials, users, memberships } = reader.tables;
  const present = reader
    .select({ id: memberships.id })
    .from(memberships)
    .innerJoin(users, and(eq(users.id, memberships.user_id), isNull(users.disabled_at)))
    .where(and(eq(memberships.team_id, credentials.team_id), eq(memberships.user_id, credentials.user_id)));
  return reader
    .select({
      credentialId: credentials.id,
      teamId: credentials.team_id,
      userId: credentials.user_id,
      scopes: credentials.scopes,
      allowedCidrs: credentials.allowed_cidrs,
    })
    .from(credentials)
    .where(and(isWanted(reader.tables, given), or(isNull(credentials.user_id), exists(present))));
});

interface Found {
  readonly caller: KeyCaller;
  readonly allowedCidrs: string | null;
}

async function find({ store, sealer, services }: Gate, family: KeyFamily, rawKey: string): Promise<Found | undefined> {
  const kind = kindOf(family);
  const wanted: Wanted = { kind, digest: sealer.digest("credential-pepper", rawKey), now: services.clock.now() };
  const [found] = await store.read((reader) => findKey(reader, wanted));
  if (found === undefined) return undefined;
  const { allowedCidrs, scopes, userId, ...ids } = found;
  if (kind !== "device") return { caller: { kind, ...ids, scopes: readScopes(scopes) }, allowedCidrs };
  return userId === null ? undefined : { caller: { kind, ...ids, userId }, allowedCidrs };
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

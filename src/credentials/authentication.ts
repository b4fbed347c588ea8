/**
 * From a key to a caller: form and checksum without a look-up, then one read by digest.
 *
 * The read sees what is committed now, so a revocation is true for the next request once its call has returned.
 */
import { and, eq, gt, isNull, or } from "drizzle-orm";
import { type KeyFamily, keyFamilyOf } from "../crypto/tokens.ts";
import type { DeviceCaller, TeamCaller } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import { type Given, planRead } from "../store/plan.ts";
import type { Reader } from "../store/store.ts";
import { type CredentialKind, kindOf } from "./kinds.ts";

type KeyCaller = DeviceCaller | TeamCaller;

/** What the key's row has to be. */
interface Wanted {
  readonly kind: CredentialKind;
  readonly digest: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

function isWanted({ credentials }: Reader["tables"], given: Given<Wanted>) {
  const isUnexpired = or(isNull(credentials.expires_at), gt(credentials.expires_at, given("now")));
  return and(eq(credentials.digest, given("digest")), eq(credentials.kind, given("kind")), isNull(credentials.revoked_at), isUnexpired);
}

const findTeamKey = planRead((reader, given: Given<Wanted>) => {
  const { credentials } = reader.tables;
  return reader
    .select({ credentialId: credentials.id, teamId: credentials.team_id })
    .from(credentials)
    .where(isWanted(reader.tables, given));
});

/** A device stands for a person: it dies with the account and with the membership. */
const findDeviceKey = planRead((reader, given: Given<Wanted>) => {
  const { credentials, users, memberships } = reader.tables;
  return reader
    .select({ credentialId: credentials.id, teamId: credentials.team_id, userId: users.id })
    .from(credentials)
    .innerJoin(users, and(eq(users.id, credentials.user_id), isNull(users.disabled_at)))
    .innerJoin(memberships, and(eq(memberships.team_id, credentials.team_id), eq(memberships.user_id, users.id)))
    .where(isWanted(reader.tables, given));
});

async function findCaller({ store, sealer, services }: Gate, family: KeyFamily, rawKey: string): Promise<KeyCaller | undefined> {
  const kind = kindOf(family);
  const wanted: Wanted = { kind, digest: sealer.digest("credential-pepper", rawKey), now: services.clock.now() };
  return await store.read(async (reader) => {
    if (kind === "device") {
      const [found] = await findDeviceKey(reader, wanted);
      return found === undefined ? undefined : { kind, ...found };
    }
    const [found] = await findTeamKey(reader, wanted);
    return found === undefined ? undefined : { kind, ...found };
  });
}

/** The caller whose key `rawKey` is, or undefined when it is good for nothing: not ours, unknown, expired or revoked. */
export async function findCallerByKey(gate: Gate, rawKey: string, address: string | undefined): Promise<KeyCaller | undefined> {
  const family = keyFamilyOf(rawKey);
  const found = family === undefined ? undefined : await findCaller(gate, family, rawKey);
  return found === undefined ? undefined : { ...found, address };
}

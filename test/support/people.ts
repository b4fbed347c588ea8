/**
 * People at a test's gate: a deployment that is set up, accounts, teams and keys.
 *
 *     const { owner, teamId } = await setUp(world.gate);
 *     const viewer = await addPerson(world.gate, { teamId, role: "viewer" });
 */
import type { CredentialKind } from "../../src/credentials/kinds.ts";
import { createCredential } from "../../src/credentials/credentials.ts";
import { type Caller, operator, system, type TeamCaller, type UserCaller } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { createSession, type HeldSession, type SessionKind } from "../../src/identity/sessions.ts";
import { prepareSigningKey } from "../../src/oidc/key-rotation.ts";
import { membershipId } from "../../src/teams/membership.ts";
import type { Role } from "../../src/teams/permissions.ts";
import { createAdministrator } from "../../src/teams/setup.ts";

export const anonymous: Caller = { kind: "anonymous" };
/** Everybody's password. */
export const PASSWORD = "correct horse battery";

let hash: Promise<string> | undefined;
/** Of {@link PASSWORD} at the least cost there is, so that tests which sign in often stay quick; the real cost is `passwords.test.ts`'s. */
export function quickHash(): Promise<string> {
  hash ??= Bun.password.hash(PASSWORD, { algorithm: "argon2id", memoryCost: 8, timeCost: 1 });
  return hash;
}

export interface SetUp {
  /** The first administrator, who owns the first team, speaking in it. */
  readonly owner: UserCaller;
  readonly teamId: string;
}

export const ownerAddress = "ada@example.com";

/** A deployment with its first administrator and team, and a key to sign tokens with. */
export async function setUp(gate: Gate): Promise<SetUp> {
  const founded = await createAdministrator(gate, operator, {
    deployment_name: "Test site",
    team_name: "First",
    first_name: "Ada",
    last_name: "Lovelace",
    email_address: ownerAddress,
    user_password: PASSWORD,
  });
  if (founded.team_id === null) throw new Error("the deployment was set up before");
  const password_hash = await quickHash();
  await gate.store.write(async (writer) => void (await writer.update(writer.tables.users).set({ password_hash })));
  await prepareSigningKey(gate, system, undefined);
  return { owner: userCaller(founded.user_id, founded.team_id, true), teamId: founded.team_id };
}

/** A person as authentication would make one; for operations that do not look at the session. */
export function userCaller(userId: string, teamId: string | undefined, isAdministrator = false): UserCaller {
  return { kind: "user", userId, sessionId: "00000000-0000-7000-8000-000000000000", isAdministrator, teamId };
}

export interface PersonOptions {
  readonly address?: string;
  /** The team to be a member of. */
  readonly teamId?: string;
  readonly role?: Role;
}

/** One more account with {@link PASSWORD}, speaking in the team it belongs to. */
export async function addPerson(gate: Gate, { address, teamId, role = "member" }: PersonOptions = {}): Promise<UserCaller> {
  const id = gate.services.random.uuid();
  const email = address ?? `${id}@example.com`;
  const created_at = gate.services.clock.now();
  const password_hash = await quickHash();
  await gate.store.write(async (writer) => {
    const { users, memberships } = writer.tables;
    const names = { first_name: "Grace", last_name: "Hopper", display_name: "Grace Hopper" };
    await writer
      .insert(users)
      .values({ id, ...names, email_address: email, email_key: email, password_hash, is_administrator: false, email_verified: true, created_at });
    if (teamId === undefined) return;
    await writer.insert(memberships).values({ id: membershipId(teamId, id), team_id: teamId, user_id: id, role, created_at });
  });
  return userCaller(id, teamId);
}

/** A team without anybody, written past the gate. */
export async function addTeam(gate: Gate, displayName = "Other"): Promise<string> {
  const id = gate.services.random.uuid();
  const created_at = gate.services.clock.now();
  await gate.store.write(async (writer) => await writer.insert(writer.tables.teams).values({ id, display_name: displayName, created_at }));
  return id;
}

export async function signIn(gate: Gate, address: string = ownerAddress, kind: SessionKind = "token"): Promise<HeldSession> {
  return await createSession(gate, anonymous, { email_address: address, user_password: PASSWORD, kind });
}

export interface TestKey {
  readonly id: string;
  readonly rawKey: string;
  /** As authentication would make the caller. */
  readonly caller: TeamCaller;
}

/** A key of `owner`'s team. */
export async function addKey(gate: Gate, owner: UserCaller, kind: Exclude<CredentialKind, "device">): Promise<TestKey> {
  const created = await createCredential(gate, owner, { kind, display_name: `Test ${kind}` });
  if (owner.teamId === undefined) throw new Error("the owner speaks in no team");
  return { id: created.id, rawKey: created.raw_key, caller: { kind, credentialId: created.id, teamId: owner.teamId } };
}

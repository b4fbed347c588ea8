/**
 * Brings a database to the schema of this build: numbered SQL texts, forward only, each in one transaction with its
 * row in `migrations`.
 *
 * Rule: migrations are pairs, one text for each engine, and are never edited after release; the checksum of what ran
 * is kept, and a database that does not descend from this build's list is refused. It must not know an engine.
 */
import { Fault } from "../fault.ts";
import type { Clock } from "../services.ts";
import firstPostgres from "./migrations/0001-first.postgres.sql" with { type: "text" };
import firstSqlite from "./migrations/0001-first.sqlite.sql" with { type: "text" };
import oidcPostgres from "./migrations/0002-oidc.postgres.sql" with { type: "text" };
import oidcSqlite from "./migrations/0002-oidc.sqlite.sql" with { type: "text" };
import peoplePostgres from "./migrations/0003-people.postgres.sql" with { type: "text" };
import peopleSqlite from "./migrations/0003-people.sqlite.sql" with { type: "text" };
import passkeysPostgres from "./migrations/0004-passkeys.postgres.sql" with { type: "text" };
import passkeysSqlite from "./migrations/0004-passkeys.sqlite.sql" with { type: "text" };
import teamsPostgres from "./migrations/0005-teams.postgres.sql" with { type: "text" };
import teamsSqlite from "./migrations/0005-teams.sqlite.sql" with { type: "text" };
import credentialsPostgres from "./migrations/0006-credentials.postgres.sql" with { type: "text" };
import credentialsSqlite from "./migrations/0006-credentials.sqlite.sql" with { type: "text" };
import devicesPostgres from "./migrations/0007-devices.postgres.sql" with { type: "text" };
import devicesSqlite from "./migrations/0007-devices.sqlite.sql" with { type: "text" };
import logoutPostgres from "./migrations/0008-logout.postgres.sql" with { type: "text" };
import logoutSqlite from "./migrations/0008-logout.sqlite.sql" with { type: "text" };
import auditChainPostgres from "./migrations/0009-audit-chain.postgres.sql" with { type: "text" };
import auditChainSqlite from "./migrations/0009-audit-chain.sqlite.sql" with { type: "text" };
import upstreamPostgres from "./migrations/0010-upstream.postgres.sql" with { type: "text" };
import upstreamSqlite from "./migrations/0010-upstream.sqlite.sql" with { type: "text" };
import idempotencyPostgres from "./migrations/0011-idempotency.postgres.sql" with { type: "text" };
import idempotencySqlite from "./migrations/0011-idempotency.sqlite.sql" with { type: "text" };
import workflowsPostgres from "./migrations/0012-workflows.postgres.sql" with { type: "text" };
import workflowsSqlite from "./migrations/0012-workflows.sqlite.sql" with { type: "text" };
import profilePostgres from "./migrations/0013-profile.postgres.sql" with { type: "text" };
import profileSqlite from "./migrations/0013-profile.sqlite.sql" with { type: "text" };
import outboxPostgres from "./migrations/0014-outbox.postgres.sql" with { type: "text" };
import outboxSqlite from "./migrations/0014-outbox.sqlite.sql" with { type: "text" };
import noncePostgres from "./migrations/0015-nonce.postgres.sql" with { type: "text" };
import nonceSqlite from "./migrations/0015-nonce.sqlite.sql" with { type: "text" };
import notificationsPostgres from "./migrations/0016-notifications.postgres.sql" with { type: "text" };
import notificationsSqlite from "./migrations/0016-notifications.sqlite.sql" with { type: "text" };
import tasksPostgres from "./migrations/0017-tasks.postgres.sql" with { type: "text" };
import tasksSqlite from "./migrations/0017-tasks.sqlite.sql" with { type: "text" };
import agentsPostgres from "./migrations/0018-agents.postgres.sql" with { type: "text" };
import agentsSqlite from "./migrations/0018-agents.sqlite.sql" with { type: "text" };
import webhooksPostgres from "./migrations/0019-webhooks.postgres.sql" with { type: "text" };
import webhooksSqlite from "./migrations/0019-webhooks.sqlite.sql" with { type: "text" };
import filesPostgres from "./migrations/0020-files.postgres.sql" with { type: "text" };
import filesSqlite from "./migrations/0020-files.sqlite.sql" with { type: "text" };
import revocationsPostgres from "./migrations/0021-revocations.postgres.sql" with { type: "text" };
import revocationsSqlite from "./migrations/0021-revocations.sqlite.sql" with { type: "text" };
import agentCountsPostgres from "./migrations/0022-agent-counts.postgres.sql" with { type: "text" };
import agentCountsSqlite from "./migrations/0022-agent-counts.sqlite.sql" with { type: "text" };
import taskQueuePostgres from "./migrations/0023-task-queue.postgres.sql" with { type: "text" };
import taskQueueSqlite from "./migrations/0023-task-queue.sqlite.sql" with { type: "text" };
import tunnelsPostgres from "./migrations/0024-tunnels.postgres.sql" with { type: "text" };
import tunnelsSqlite from "./migrations/0024-tunnels.sqlite.sql" with { type: "text" };
import containersPostgres from "./migrations/0025-containers.postgres.sql" with { type: "text" };
import containersSqlite from "./migrations/0025-containers.sqlite.sql" with { type: "text" };
import federationPostgres from "./migrations/0026-federation.postgres.sql" with { type: "text" };
import federationSqlite from "./migrations/0026-federation.sqlite.sql" with { type: "text" };
import federationKeysPostgres from "./migrations/0027-federation-keys.postgres.sql" with { type: "text" };
import federationKeysSqlite from "./migrations/0027-federation-keys.sqlite.sql" with { type: "text" };

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly text: string;
}

/** A row of `migrations`. */
export interface AppliedMigration {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
}

/** An engine's connection inside one transaction that holds off every other process which migrates. */
export interface MigrationStep {
  /** In order of number; empty while the table is absent. */
  applied(): Promise<readonly AppliedMigration[]>;
  /** Runs the statements of `text`. */
  execute(text: string): Promise<void>;
  record(row: AppliedMigration, appliedAt: number): Promise<void>;
}

/** Runs `step` in one transaction; a throw rolls it back. */
export type MigrationTransaction = <T>(step: (connection: MigrationStep) => Promise<T>) => Promise<T>;

export const sqliteMigrations: readonly Migration[] = [
  { number: 1, name: "first", text: firstSqlite },
  { number: 2, name: "oidc", text: oidcSqlite },
  { number: 3, name: "people", text: peopleSqlite },
  { number: 4, name: "passkeys", text: passkeysSqlite },
  { number: 5, name: "teams", text: teamsSqlite },
  { number: 6, name: "credentials", text: credentialsSqlite },
  { number: 7, name: "devices", text: devicesSqlite },
  { number: 8, name: "logout", text: logoutSqlite },
  { number: 9, name: "audit-chain", text: auditChainSqlite },
  { number: 10, name: "upstream", text: upstreamSqlite },
  { number: 11, name: "idempotency", text: idempotencySqlite },
  { number: 12, name: "workflows", text: workflowsSqlite },
  { number: 13, name: "profile", text: profileSqlite },
  { number: 14, name: "outbox", text: outboxSqlite },
  { number: 15, name: "nonce", text: nonceSqlite },
  { number: 16, name: "notifications", text: notificationsSqlite },
  { number: 17, name: "tasks", text: tasksSqlite },
  { number: 18, name: "agents", text: agentsSqlite },
  { number: 19, name: "webhooks", text: webhooksSqlite },
  { number: 20, name: "files", text: filesSqlite },
  { number: 21, name: "revocations", text: revocationsSqlite },
  { number: 22, name: "agent-counts", text: agentCountsSqlite },
  { number: 23, name: "task-queue", text: taskQueueSqlite },
  { number: 24, name: "tunnels", text: tunnelsSqlite },
  { number: 25, name: "containers", text: containersSqlite },
  { number: 26, name: "federation", text: federationSqlite },
  { number: 27, name: "federation-keys", text: federationKeysSqlite },
];

export const postgresMigrations: readonly Migration[] = [
  { number: 1, name: "first", text: firstPostgres },
  { number: 2, name: "oidc", text: oidcPostgres },
  { number: 3, name: "people", text: peoplePostgres },
  { number: 4, name: "passkeys", text: passkeysPostgres },
  { number: 5, name: "teams", text: teamsPostgres },
  { number: 6, name: "credentials", text: credentialsPostgres },
  { number: 7, name: "devices", text: devicesPostgres },
  { number: 8, name: "logout", text: logoutPostgres },
  { number: 9, name: "audit-chain", text: auditChainPostgres },
  { number: 10, name: "upstream", text: upstreamPostgres },
  { number: 11, name: "idempotency", text: idempotencyPostgres },
  { number: 12, name: "workflows", text: workflowsPostgres },
  { number: 13, name: "profile", text: profilePostgres },
  { number: 14, name: "outbox", text: outboxPostgres },
  { number: 15, name: "nonce", text: noncePostgres },
  { number: 16, name: "notifications", text: notificationsPostgres },
  { number: 17, name: "tasks", text: tasksPostgres },
  { number: 18, name: "agents", text: agentsPostgres },
  { number: 19, name: "webhooks", text: webhooksPostgres },
  { number: 20, name: "files", text: filesPostgres },
  { number: 21, name: "revocations", text: revocationsPostgres },
  { number: 22, name: "agent-counts", text: agentCountsPostgres },
  { number: 23, name: "task-queue", text: taskQueuePostgres },
  { number: 24, name: "tunnels", text: tunnelsPostgres },
  { number: 25, name: "containers", text: containersPostgres },
  { number: 26, name: "federation", text: federationPostgres },
  { number: 27, name: "federation-keys", text: federationKeysPostgres },
];

/** SHA-256 of the text, base64url. Line ends count as LF, whatever the checkout made of them. */
export function migrationChecksum(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text.replaceAll("\r\n", "\n")).digest("base64url");
}

/**
 * The first migration of `known` that is not among `applied`, or undefined when there is none.
 * Throws Fault `conflict` when the database is newer than `known` or does not descend from it.
 */
export function findPendingMigration(
  known: readonly Migration[],
  applied: readonly AppliedMigration[],
): Migration | undefined {
  const last = applied.at(-1);
  if (last !== undefined && last.number > known.length) {
    throw new Fault("conflict", `The database has schema ${last.number}; this build knows up to ${known.length}.`, {
      hint: "Install the newer build again, or restore the backup that was made before the upgrade.",
      details: { schema: last.number, known: known.length },
    });
  }
  applied.forEach((row, index) => requireSame(row, known[index]));
  return known[applied.length];
}

function requireSame(applied: AppliedMigration, known: Migration | undefined): void {
  const same =
    known?.number === applied.number &&
    known.name === applied.name &&
    migrationChecksum(known.text) === applied.checksum;
  if (same) return;
  throw new Fault("conflict", `Migration ${applied.number} (${applied.name}) of the database is not the one of this build.`, {
    hint: "Use a released build of the same line, or restore a backup that it made.",
    details: { migration: applied.number },
  });
}

/** Applies what is pending, one transaction for each migration. Throws as {@link findPendingMigration}. */
export async function migrate(transaction: MigrationTransaction, known: readonly Migration[], clock: Clock): Promise<void> {
  let finished = false;
  while (!finished) finished = await transaction((connection) => applyNext(connection, known, clock));
}

async function applyNext(connection: MigrationStep, known: readonly Migration[], clock: Clock): Promise<boolean> {
  const pending = findPendingMigration(known, await connection.applied());
  if (pending === undefined) return true;
  await connection.execute(pending.text);
  const { number, name, text } = pending;
  await connection.record({ number, name, checksum: migrationChecksum(text) }, clock.now());
  return false;
}

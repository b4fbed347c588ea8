/**
 * What a restored SQLite store takes over from the one that it replaces, so that nothing which was ended since the backup
 * comes back: keys, sessions, clients, grants, people, and the marks of the license.
 *
 * When the old store goes on from the backup (it holds the backup's last audit row), a row that it no longer has was
 * deleted, and is ended here too. When it does not, only what it says about the same ids is taken over.
 *
 * Rule: about who may enter, and about marks, the old store has the last word. It may be of another schema: a column that it
 * lacks is left alone.
 */
import { Database } from "bun:sqlite";

/** Rows of one table that follow the old store's. */
interface Ending {
  readonly table: string;
  readonly key: string;
  /** Set to the old store's value where they are null here and not there. */
  readonly ends: readonly string[];
  /** Set to the old store's value wherever the row is there too. */
  readonly follows?: readonly string[];
  /** What is done, in a descendant, with a row that the old store has not; absent when nothing is. */
  readonly absent?: string;
}

const endings: readonly Ending[] = [
  { table: "credentials", key: "id", ends: ["revoked_at"], follows: ["digest", "key_prefix", "previous_digest", "previous_key_prefix", "previous_expires_at", "scopes", "allowed_cidrs", "expires_at"], absent: "update credentials set revoked_at = ?1 where revoked_at is null and" },
  { table: "sessions", key: "id", ends: ["ended_at", "end_reason"], follows: ["digest", "rotated_at", "expires_at"], absent: "update sessions set ended_at = ?1, end_reason = 'ended' where ended_at is null and" },
  { table: "lease_clients", key: "id", ends: ["revoked_at"], absent: "update lease_clients set revoked_at = ?1 where revoked_at is null and" },
  { table: "signing_keys", key: "kid", ends: ["revoked_at", "retired_at"], follows: ["published_until", "private_jwk"], absent: "update signing_keys set revoked_at = ?1 where revoked_at is null and" },
  { table: "oidc_grants", key: "id", ends: ["ended_at", "end_reason"], absent: "update oidc_grants set ended_at = ?1, end_reason = 'restored' where ended_at is null and" },
  { table: "oidc_refresh_tokens", key: "digest", ends: ["used_at", "successor"], absent: "delete from oidc_refresh_tokens where" },
  { table: "oidc_codes", key: "digest", ends: ["used_at"], absent: "delete from oidc_codes where" },
  { table: "oidc_clients", key: "client_id", ends: ["disabled_at"], absent: "update oidc_clients set disabled_at = ?1 where disabled_at is null and" },
  { table: "oidc_client_secrets", key: "id", ends: ["expires_at"], absent: "delete from oidc_client_secrets where" },
  { table: "oidc_initial_access_tokens", key: "id", ends: ["used_at"], absent: "delete from oidc_initial_access_tokens where" },
  { table: "oidc_consents", key: "id", ends: [], absent: "delete from oidc_consents where" },
  { table: "upstream_providers", key: "id", ends: ["disabled_at"], absent: "update upstream_providers set disabled_at = ?1 where disabled_at is null and" },
  { table: "upstream_identities", key: "id", ends: [], absent: "delete from upstream_identities where" },
  { table: "users", key: "id", ends: ["disabled_at"], follows: ["password_hash", "credentials_changed_at", "is_administrator"], absent: "update users set disabled_at = ?1 where disabled_at is null and" },
  { table: "federation_sites", key: "id", ends: ["removed_at"], follows: ["sequence", "bundle", "expires_at", "rules"], absent: "update federation_sites set removed_at = ?1 where removed_at is null and" },
  { table: "federation_key_receivers", key: "site_kid", ends: [], absent: "delete from federation_key_receivers where" },
  { table: "passkeys", key: "id", ends: ["clone_seen_at"], follows: ["counter"], absent: "delete from passkeys where" },
  { table: "second_factors", key: "user_id", ends: ["confirmed_at"], follows: ["secret", "last_step"] },
  { table: "recovery_codes", key: "digest", ends: ["used_at"], absent: "delete from recovery_codes where" },
  { table: "step_tokens", key: "digest", ends: ["used_at"], absent: "delete from step_tokens where" },
  { table: "setup_links", key: "digest", ends: ["used_at"], absent: "delete from setup_links where" },
  { table: "join_tokens", key: "id", ends: ["used_at"], absent: "delete from join_tokens where" },
  { table: "invitations", key: "id", ends: [], absent: "delete from invitations where" },
  { table: "device_requests", key: "device_digest", ends: [], absent: "delete from device_requests where" },
  { table: "tunnels", key: "id", ends: [], follows: ["expires_at"], absent: "delete from tunnels where" },
  { table: "memberships", key: "id", ends: [], absent: "delete from memberships where role <> 'owner' and team_id in (select id from old.teams) and" },
];

/** Rows of the old store that are taken over whole, because they only forbid. */
const forbidding = ["federation_departed", "oidc_revoked_tokens", "oidc_seen_tokens", "passkey_challenges", "second_factors"] as const;

/** Marks: the stricter value of the two stores. */
const marks: readonly (readonly [table: string, statement: string])[] = [
  ["license_sequences", "insert into main.license_sequences select * from old.license_sequences where true on conflict (deployment_id) do update set sequence = excluded.sequence, seen_at = excluded.seen_at where excluded.sequence > sequence"],
  ["license_activations", "insert into main.license_activations select * from old.license_activations where true on conflict (license_id) do update set activated_at = excluded.activated_at where excluded.activated_at < activated_at"],
  ["license_revocations", "insert into main.license_revocations select * from old.license_revocations where true on conflict (deployment_id) do update set revocation = excluded.revocation, sequence = excluded.sequence, issued_at = excluded.issued_at, seen_at = excluded.seen_at where excluded.sequence > sequence or (excluded.sequence = sequence and excluded.issued_at > issued_at)"],
  // The license in force, its binding and its time go together: an older license than the marks allow would not be accepted.
  ["license_server", "insert into main.license_server select * from old.license_server where true on conflict (id) do update set license = excluded.license, accepted_at = excluded.accepted_at, bound_parts = coalesce(excluded.bound_parts, bound_parts), bound_at = coalesce(excluded.bound_at, bound_at), epoch = max(epoch, excluded.epoch), high_water = excluded.high_water, high_water_license = excluded.high_water_license where excluded.epoch >= epoch"],
  // A bundle or an export with a number that was given out before would be taken by nobody.
  ["federation_self", "insert into main.federation_self select * from old.federation_self where true on conflict (id) do update set sequence = excluded.sequence, bundle = excluded.bundle, content_digest = excluded.content_digest, issued_at = excluded.issued_at where excluded.sequence > sequence and excluded.seed = seed"],
  ["federation_key_state", "insert into main.federation_key_state select * from old.federation_key_state where true on conflict (id) do update set sequence = excluded.sequence, content_digest = excluded.content_digest where excluded.sequence > sequence"],
  ["lease_days", "insert into main.lease_days select * from old.lease_days where true on conflict (id) do update set granted = excluded.granted, refused = excluded.refused, last_counter = excluded.last_counter, last_lease_at = excluded.last_lease_at, chain = excluded.chain where excluded.last_counter > last_counter"],
];

export interface CarriedOver {
  /** Whether the old store goes on from the backup. */
  readonly is_descendant: boolean;
  /** Table → rows that were changed; tables without any are left out. */
  readonly changed: Readonly<Record<string, number>>;
  /** Rows of the old store's audit behind the backup's last one. */
  readonly audit_rows_lost: number;
}

function columnsOf(database: Database, schema: "main" | "old", table: string): ReadonlySet<string> {
  return new Set(database.query<{ name: string }, [string, string]>("select name from pragma_table_info(?, ?)").all(table, schema).map(({ name }) => name));
}

class Carrying {
  readonly changed = new Map<string, number>();
  readonly #database: Database;
  readonly #now: number;

  constructor(database: Database, now: number) {
    this.#database = database;
    this.#now = now;
  }

  run(table: string, statement: string, ...values: readonly number[]): void {
    const { changes } = this.#database.query<unknown, number[]>(statement).run(...values);
    if (changes > 0) this.changed.set(table, (this.changed.get(table) ?? 0) + changes);
  }

  end({ table, key, ends, follows = [], absent }: Ending, isDescendant: boolean): void {
    const known = columnsOf(this.#database, "old", table);
    if (!known.has(key)) return;
    for (const column of ends.filter((each) => known.has(each))) this.#take(table, key, { column, condition: `main.${table}.${column} is null and o.${column} is not null` });
    for (const column of follows.filter((each) => known.has(each))) this.#take(table, key, { column, condition: `main.${table}.${column} is not o.${column}` });
    if (isDescendant && absent !== undefined) this.run(table, `${absent} ${key} not in (select ${key} from old.${table})`, ...(absent.includes("?1") ? [this.#now] : []));
  }

  /** The other store's rows, as far as there are none of the same key here. */
  add(table: string): void {
    const [here, there] = [columnsOf(this.#database, "main", table), columnsOf(this.#database, "old", table)];
    const shared = [...here].filter((column) => there.has(column)).join(", ");
    if (there.size > 0 && here.symmetricDifference(there).size === 0) this.run(table, `insert or ignore into main.${table} (${shared}) select ${shared} from old.${table}${here.has("user_id") ? " where user_id in (select id from main.users)" : ""}`);
  }

  mark(table: string, statement: string): void {
    const [here, there] = [columnsOf(this.#database, "main", table), columnsOf(this.#database, "old", table)];
    if (there.size > 0 && here.symmetricDifference(there).size === 0) this.run(table, statement);
  }

  #take(table: string, key: string, { column, condition }: { readonly column: string; readonly condition: string }): void {
    this.run(table, `update or ignore main.${table} set ${column} = (select o.${column} from old.${table} o where o.${key} = main.${table}.${key}) where exists (select 1 from old.${table} o where o.${key} = main.${table}.${key} and ${condition})`);
  }
}

/** The old store's audit row at the end of the backup's, and how many come after it. */
function lineage(database: Database): { readonly isDescendant: boolean; readonly lost: number } {
  const last = database.query<{ stream: string; sequence: number; chain: string }, []>("select stream, sequence, chain from main.audit order by sequence desc limit 1").get();
  if (last === null) return { isDescendant: false, lost: 0 };
  const same = database.query<{ chain: string }, [string, number]>("select chain from old.audit where stream = ? and sequence = ?").get(last.stream, last.sequence);
  const lost = database.query<{ rows: number }, [string, number]>("select count(*) as rows from old.audit where stream = ? and sequence > ?").get(last.stream, last.sequence);
  return { isDescendant: same?.chain === last.chain, lost: same?.chain === last.chain ? (lost?.rows ?? 0) : 0 };
}

/** Changes the restored store at `file` by what `old` says. Nobody may have either of them open. */
export function carryOver(file: string, old: string, now: number): CarriedOver {
  const database = new Database(file, { readwrite: true, create: false });
  try {
    for (const sql of ["pragma busy_timeout = 2000", "pragma journal_mode = delete", "pragma synchronous = full", "pragma trusted_schema = off", "pragma foreign_keys = on"]) database.run(sql);
    database.query("attach database ? as old").run(old);
    return database.transaction(() => {
      const carrying = new Carrying(database, now);
      const { isDescendant, lost } = lineage(database);
      for (const ending of endings) carrying.end(ending, isDescendant);
      for (const table of forbidding) carrying.add(table);
      for (const [table, statement] of marks) carrying.mark(table, statement);
      return { is_descendant: isDescendant, changed: Object.fromEntries(carrying.changed), audit_rows_lost: lost };
    })();
  } finally {
    database.close();
  }
}

/**
 * Every table, once. A function of a column kit, so that both engines are built from the same lines.
 *
 * Rule: a table belongs to the domain named above it; only that domain writes it. Ids are UUIDv7 text, instants
 * epoch milliseconds, digests base64url. A secret is stored as a keyed digest, or sealed, never in clear.
 * After a change here add a migration pair; `test/store/schema.test.ts` fails while the two differ.
 */
import type { Kit } from "./columns.ts";

/** License Server: its memory, the clients it knows, what it granted. */
function licenseTables({ table, text, instant, count }: Kit) {
  return {
    /** One row, id `server`: the accepted license and the marks that must never go back. */
    licenseServer: table("license_server", {
      id: text().primaryKey(),
      /** The accepted license file; null before the first. */
      license: text(),
      accepted_at: instant(),
      /** Host parts of a `first_use` binding, JSON: `{"deployment_id":…,"parts":["name:hash",…]}`. */
      bound_parts: text(),
      bound_at: instant(),
      /** Grows with each start; part of every lease. */
      epoch: count().notNull(),
      /** Highest wall-clock time ever seen, epoch milliseconds. */
      high_water: instant().notNull(),
      /** Re-issued license that last set `high_water` anew: `issued_at` + `/` + `license_id`. */
      high_water_license: text(),
    }),
    /** The highest sequence ever seen, for each deployment id. */
    licenseSequences: table("license_sequences", {
      deployment_id: text().primaryKey(),
      sequence: count().notNull(),
      seen_at: instant().notNull(),
    }),
    /** First use of each trial license; a file that comes back does not start anew. */
    licenseActivations: table("license_activations", {
      license_id: text().primaryKey(),
      activated_at: instant().notNull(),
    }),
    /** Enrolled clients: only these keys get a lease. */
    leaseClients: table("lease_clients", {
      /** JWK thumbprint of the client key. */
      id: text().primaryKey(),
      client_key: text().notNull(),
      role: text().notNull(),
      enrolled_by: text().notNull(),
      enrolled_at: instant().notNull(),
      revoked_at: instant(),
    }),
    /** What was granted, one row per client and day, so that years of refreshes stay small. A lease writes this row alone. */
    leaseDays: table("lease_days", {
      /** `client id` + `/` + `YYYY-MM-DD`. */
      id: text().primaryKey(),
      client_id: text().notNull(),
      day: text().notNull(),
      granted: count().notNull(),
      refused: count().notNull(),
      /** Counter of the last lease; the next one is greater, on whichever day. */
      last_counter: count().notNull(),
      last_lease_at: instant().notNull(),
      /** Chain over every lease of the client: SHA-256(previous chain, lease). */
      chain: text().notNull(),
    }),
    /** Single-use tokens by which a role on another host enrols. */
    joinTokens: table("join_tokens", {
      id: text().primaryKey(),
      /** The secret, sealed: it is needed to check the client's MAC. */
      secret: text().notNull(),
      created_at: instant().notNull(),
      expires_at: instant().notNull(),
      used_at: instant(),
    }),
  };
}

function identityTables({ table, text, instant, count, flag }: Kit) {
  return {
    /** One row, id `deployment`: exists once set-up is done. */
    deployments: table("deployments", {
      id: text().primaryKey(),
      display_name: text().notNull(),
      set_up_at: instant().notNull(),
    }),
    /** Single-use links for first-run set-up; the digest of the token only. */
    setupLinks: table("setup_links", {
      digest: text().primaryKey(),
      created_at: instant().notNull(),
      expires_at: instant().notNull(),
      used_at: instant(),
    }),
    users: table("users", {
      id: text().primaryKey(),
      email_address: text().notNull(),
      /** Folded form of the address (NFKC, lower case): one account for all spellings. */
      email_key: text().notNull().unique(),
      first_name: text().notNull(),
      last_name: text().notNull(),
      display_name: text().notNull(),
      /** argon2id in PHC form; null for people who sign in upstream only. */
      password_hash: text(),
      is_administrator: flag().notNull(),
      email_verified: flag().notNull(),
      disabled_at: instant(),
      created_at: instant().notNull(),
    }),
    /** A sign-in. Refresh tokens and dashboard cookies hang on it; ending it ends them. */
    sessions: table("sessions", {
      id: text().primaryKey(),
      user_id: text().notNull(),
      kind: text().notNull(),
      /** Digest of the cookie or of the one refresh token that is good now. */
      digest: text().notNull().unique(),
      rotated_at: instant(),
      created_at: instant().notNull(),
      expires_at: instant().notNull(),
      ended_at: instant(),
      /** Why it ended: `signed_out` or `replayed`. */
      end_reason: text(),
    }),
    /**
     * Failed sign-ins, one bucket per folded address, so that guessing is slow for all spellings together.
     * Index on `last_failed_at`, by which old buckets are forgotten.
     */
    signInBuckets: table("sign_in_buckets", {
      /** Keyed digest of the folded address: what strangers typed is not kept in clear. */
      key: text().primaryKey(),
      failures: count().notNull(),
      last_failed_at: instant().notNull(),
      blocked_until: instant().notNull(),
    }),
  };
}

function teamTables({ table, text, instant }: Kit) {
  return {
    teams: table("teams", {
      id: text().primaryKey(),
      display_name: text().notNull(),
      created_at: instant().notNull(),
    }),
    memberships: table("memberships", {
      /** `team id` + `/` + `user id`. */
      id: text().primaryKey(),
      team_id: text().notNull(),
      user_id: text().notNull(),
      role: text().notNull(),
      created_at: instant().notNull(),
    }),
  };
}

function credentialTables({ table, text, instant }: Kit) {
  return {
    credentials: table("credentials", {
      id: text().primaryKey(),
      kind: text().notNull(),
      team_id: text().notNull(),
      /** The person a `device` credential stands for. */
      user_id: text(),
      created_by: text().notNull(),
      display_name: text().notNull(),
      key_prefix: text().notNull(),
      /** HMAC-SHA-256 of the whole key under the pepper. */
      digest: text().notNull().unique(),
      created_at: instant().notNull(),
      expires_at: instant(),
      last_used_at: instant(),
      revoked_at: instant(),
    }),
  };
}

function oidcTables({ table, text, instant }: Kit) {
  return {
    signingKeys: table("signing_keys", {
      kid: text().primaryKey(),
      alg: text().notNull(),
      /** Public JWK as JSON. */
      public_jwk: text().notNull(),
      /** Private JWK, sealed. */
      private_jwk: text().notNull(),
      created_at: instant().notNull(),
      /** Signs from then on; published before. */
      active_from: instant().notNull(),
      /** No longer signs; still published until the longest token it signed has ended. */
      retired_at: instant(),
      published_until: instant(),
    }),
  };
}

function workflowTables({ table, text, instant, count }: Kit) {
  return {
    workflows: table("workflows", {
      id: text().primaryKey(),
      team_id: text().notNull(),
      workflow_slug: text().notNull(),
      display_name: text().notNull(),
      description: text().notNull(),
      tool_type: text().notNull(),
      workflow_status: text().notNull(),
      version: count().notNull(),
      created_at: instant().notNull(),
      updated_at: instant().notNull(),
    }),
  };
}

function gateTables({ table, text, instant, count }: Kit) {
  return {
    /** Who did what to what, in the same commit as the deed. */
    audit: table("audit", {
      id: text().primaryKey(),
      at: instant().notNull(),
      operation: text().notNull(),
      outcome: text().notNull(),
      /** `kind:id` of the caller. */
      actor: text().notNull(),
      team_id: text(),
      /** `kind:id` of what it was done to. */
      subject: text(),
      address: text(),
      /** JSON object of facts; never a secret. */
      details: text().notNull(),
    }),
    /** Applied migrations, with the checksum of the text that ran. */
    migrations: table("migrations", {
      number: count().primaryKey(),
      name: text().notNull(),
      checksum: text().notNull(),
      applied_at: instant().notNull(),
    }),
  };
}

export function defineTables(kit: Kit) {
  return {
    ...licenseTables(kit),
    ...identityTables(kit),
    ...teamTables(kit),
    ...credentialTables(kit),
    ...oidcTables(kit),
    ...workflowTables(kit),
    ...gateTables(kit),
  };
}

export type Tables = ReturnType<typeof defineTables>;

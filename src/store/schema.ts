/**
 * Every table, once. A function of a column kit, so that both engines are built from the same lines.
 *
 * Rule: a table belongs to the domain named above it; only that domain writes it. Ids are UUIDv7 text, instants
 * epoch milliseconds, digests base64url. A secret is stored as a keyed digest, or sealed, never in clear.
 * After a change here add a migration pair; `test/store/schema.test.ts` fails while the two differ.
 */
import type { Kit } from "./columns.ts";

/** License Server: its memory. */
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
    /** The latest revocation accepted for each deployment id: the vendor's signed text, verified anew at each start. */
    licenseRevocations: table("license_revocations", {
      deployment_id: text().primaryKey(),
      revocation: text().notNull(),
      sequence: count().notNull(),
      /** Epoch seconds, as the vendor signed it. */
      issued_at: count().notNull(),
      seen_at: instant().notNull(),
    }),
    /** First use of each trial license; a file that comes back does not start anew. */
    licenseActivations: table("license_activations", {
      license_id: text().primaryKey(),
      activated_at: instant().notNull(),
    }),
  };
}

/** License Server: the clients it knows, what it granted. */
function leaseTables({ table, text, instant, count }: Kit) {
  return {
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
      /** Somebody signed up with this address and has not shown that it is theirs: nobody signs in; forgotten after this instant. */
      pending_until: instant(),
      /** When the password was last changed or reset: what was granted for longer than a sign-in before then is over. */
      credentials_changed_at: instant(),
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
      /** Why it ended: `signed_out`, `ended`, `replayed`, `password_changed` or `password_reset`. */
      end_reason: text(),
      /** How the person proved who they are, JSON array (RFC 8176); null for sessions from before it was kept. */
      amr: text(),
      /** Since its end: when the clients that have to be told of it were noted. Partial index on `ended_at` where this is null. */
      logout_noted_at: instant(),
      /** Where the sign-in came from, so that people know their own; null where it crossed no socket. */
      address: text(),
    }),
    /**
     * Failed sign-ins, one bucket per folded address, so that guessing is slow for all spellings together; and wrong codes
     * of devices, one bucket per person and one per source. Index on `last_failed_at`, by which old buckets are forgotten.
     */
    signInBuckets: table("sign_in_buckets", {
      /** Keyed digest of the folded address, say: what strangers typed is not kept in clear. */
      key: text().primaryKey(),
      failures: count().notNull(),
      last_failed_at: instant().notNull(),
      blocked_until: instant().notNull(),
    }),
  };
}

/** Devices that ask, whoever will approve them. */
function deviceTables({ table, text, instant }: Kit) {
  return {
    /**
     * A device that asks, until it has its answer: an OIDC client (RFC 8628) or a desktop to pair. Index on `expires_at`.
     * Which of its two codes a row was found by decides what it opens: the person's, or the device's.
     */
    deviceRequests: table("device_requests", {
      device_digest: text().primaryKey(),
      user_digest: text().notNull().unique(),
      /** `oidc` or `desktop`. */
      purpose: text().notNull(),
      /** What is asked for, JSON of the purpose's own. */
      asked: text().notNull(),
      /** Where it was asked from: shown to whoever approves. */
      address: text(),
      /** `pending`, `approved`, `denied`, `delivered`. */
      status: text().notNull(),
      /** Who typed the code first; nobody else can approve it. */
      user_id: text(),
      /** What was approved, JSON of the purpose's own. */
      answer: text(),
      polled_at: instant(),
      /** How long the device has to wait between two polls. */
      interval_ms: instant().notNull(),
      created_at: instant().notNull(),
      expires_at: instant().notNull(),
    }),
  };
}

function passkeyTables({ table, text, instant, count, flag }: Kit) {
  return {
    /** Passkeys (WebAuthn credentials) of people, several each. Index on `user_id`. */
    passkeys: table("passkeys", {
      id: text().primaryKey(),
      user_id: text().notNull(),
      /** The credential id, base64url. */
      credential_id: text().notNull().unique(),
      /** COSE key, base64url. */
      public_key: text().notNull(),
      /** COSE algorithm number. */
      algorithm: count().notNull(),
      /** The authenticator's own count of signatures; 0 for those that keep none. */
      counter: count().notNull(),
      /** JSON array: how the browser reaches it. */
      transports: text().notNull(),
      /** It may be copied between the devices of its owner. */
      is_synced: flag().notNull(),
      display_name: text().notNull(),
      created_at: instant().notNull(),
      last_used_at: instant(),
      /** Wrong answers in a row. */
      failures: count().notNull(),
      /** Its counter ran backwards, so there are two of it: it opens nothing any more. */
      clone_seen_at: instant(),
    }),
    /** Challenges that were answered, until they would have run out: none is answered twice. Index on `expires_at`. */
    passkeyChallenges: table("passkey_challenges", {
      digest: text().primaryKey(),
      expires_at: instant().notNull(),
    }),
  };
}

/** What a person has beside the password, and what is sent to them. */
function proofTables({ table, text, instant, count }: Kit) {
  return {
    /** The authenticator app of a person: one. */
    secondFactors: table("second_factors", {
      user_id: text().primaryKey(),
      /** The shared secret, sealed. */
      secret: text().notNull(),
      created_at: instant().notNull(),
      /** Set by the first right code; it is asked for from then on. */
      confirmed_at: instant(),
      /** The newest time step of which a code was taken: no code is taken twice (RFC 6238 section 5.2). */
      last_step: count().notNull(),
      /** Wrong codes in a row. */
      failures: count().notNull(),
    }),
    /** Single-use codes for a lost authenticator. Index on `user_id`. */
    recoveryCodes: table("recovery_codes", {
      digest: text().primaryKey(),
      user_id: text().notNull(),
      created_at: instant().notNull(),
      used_at: instant(),
    }),
    /** Single-use tokens for the next step of something begun: bound to a person, a purpose and what it was begun with. Indexes on `user_id`, `expires_at`. */
    stepTokens: table("step_tokens", {
      digest: text().primaryKey(),
      /** `second_factor`, `reset_password`, `verify_email` or `upstream_code`. */
      purpose: text().notNull(),
      user_id: text().notNull(),
      /** The kind of session to make, or the address that is proven by it. */
      context: text().notNull(),
      created_at: instant().notNull(),
      expires_at: instant().notNull(),
      used_at: instant(),
    }),
    /** Mails to be written and sent. The link in one is made when it is sent and is nowhere here. Index on `due_at`. */
    outbox: table("outbox", {
      /** Keyed digest of kind and folded address: one at a time for each. */
      id: text().primaryKey(),
      kind: text().notNull(),
      /** The folded address, sealed: what strangers typed is not kept in clear. */
      recipient: text().notNull(),
      created_at: instant().notNull(),
      due_at: instant().notNull(),
      attempts: count().notNull(),
      /** When it was handed over, or given up: kept for a while, so that nobody is flooded. */
      settled_at: instant(),
      /** The person by whose doing it goes to somebody else; null for what people ask for themselves. Index with `created_at`. */
      asked_by: text(),
    }),
  };
}

/** Sign-in through other people's providers. */
function upstreamTables({ table, text, instant }: Kit) {
  return {
    /** Providers that administrators added; those of the config file are not here. */
    upstreamProviders: table("upstream_providers", {
      id: text().primaryKey(),
      display_name: text().notNull(),
      issuer: text().notNull(),
      client_id: text().notNull(),
      /** Sealed; null for a provider that is asked without. */
      client_secret: text(),
      token_endpoint_auth_method: text().notNull(),
      scope: text().notNull(),
      /** `none`, `registration` or `trusted`. */
      provisioning: text().notNull(),
      /** JSON array; empty for all. */
      allowed_domains: text().notNull(),
      disabled_at: instant(),
      created_at: instant().notNull(),
      updated_at: instant().notNull(),
    }),
    /** Who is known by which subject of which issuer. Index on `user_id`. */
    upstreamIdentities: table("upstream_identities", {
      id: text().primaryKey(),
      /** Issuer, line end, subject: one account for each. */
      key: text().notNull().unique(),
      user_id: text().notNull(),
      issuer: text().notNull(),
      subject: text().notNull(),
      /** As the provider said it last; for people to tell them apart. */
      email_address: text(),
      created_at: instant().notNull(),
      last_used_at: instant().notNull(),
    }),
    /** Sign-ins at a provider that are under way. Index on `expires_at`. */
    upstreamFlows: table("upstream_flows", {
      /** Keyed digest of stage and handle; the handle of a `sent` flow is its `state`. */
      digest: text().primaryKey(),
      /** `sent` or `unlinked`. */
      stage: text().notNull(),
      provider_id: text().notNull(),
      issuer: text().notNull(),
      /** Keyed digest of provider and the browser's own cookie. */
      browser_digest: text().notNull(),
      /** Where it leads back to, sealed. */
      target: text().notNull(),
      /** Whom the provider vouched for, sealed; for `unlinked`. */
      identity: text(),
      created_at: instant().notNull(),
      expires_at: instant().notNull(),
      used_at: instant(),
    }),
  };
}

function teamTables({ table, text, instant, flag }: Kit) {
  return {
    teams: table("teams", {
      id: text().primaryKey(),
      display_name: text().notNull(),
      created_at: instant().notNull(),
    }),
    /** Unique index on `team_id` where the role is `owner`: a team has one. */
    memberships: table("memberships", {
      /** `team id` + `/` + `user id`. */
      id: text().primaryKey(),
      team_id: text().notNull(),
      user_id: text().notNull(),
      role: text().notNull(),
      created_at: instant().notNull(),
    }),
    /** Invitations that nobody has answered; an answer removes the row. Unique index on `team_id`, `email_key`. Indexes on `email_key`, `expires_at`. */
    invitations: table("invitations", {
      id: text().primaryKey(),
      team_id: text().notNull(),
      email_address: text().notNull(),
      /** Folded form, as in `users`: only the account with this address accepts. */
      email_key: text().notNull(),
      role: text().notNull(),
      /** Id of the person who invited. */
      invited_by: text().notNull(),
      /** Of the token in the link; null until the mail with it is written. */
      digest: text().unique(),
      /** Whether the link goes out by mail and nowhere else, so that who has it has the mailbox. */
      is_mailed: flag().notNull(),
      created_at: instant().notNull(),
      expires_at: instant().notNull(),
    }),
  };
}

function credentialTables({ table, text, instant, count }: Kit) {
  return {
    credentials: table("credentials", {
      id: text().primaryKey(),
      kind: text().notNull(),
      team_id: text().notNull(),
      /** The person a `device` credential stands for, and with whom it falls; so does the agent key that came with it. */
      user_id: text(),
      /** The device that an agent key was made for: revoking that one revokes this one. Index. */
      companion_of: text(),
      created_by: text().notNull(),
      display_name: text().notNull(),
      key_prefix: text().notNull(),
      /** HMAC-SHA-256 of the whole key under the pepper. */
      digest: text().notNull().unique(),
      created_at: instant().notNull(),
      expires_at: instant(),
      last_used_at: instant(),
      revoked_at: instant(),
      /** JSON array of scopes; null for all of the runtime surface. */
      scopes: text(),
      /** JSON array of networks in their one form; null for every address. */
      allowed_cidrs: text(),
      /** The secret before, while it overlaps: as `digest`, unique. */
      previous_digest: text(),
      previous_key_prefix: text(),
      previous_expires_at: instant(),
    }),
    /** One row, `all`: how often an access has ended. Triggers count, so that whoever holds streams open sees that it has to look. */
    accessChanges: table("access_changes", {
      id: text().primaryKey(),
      seen: count().notNull(),
    }),
  };
}

/** Several sites that know each other's people (`federation/`). */
function federationTables({ table, text, instant, count }: Kit) {
  return {
    /** One row: the key of this site, and the bundle that it says of itself. */
    federationSelf: table("federation_self", {
      id: text().primaryKey(),
      /** Sealed; the signing and the sealing key come from it. */
      seed: text().notNull(),
      /** The last that was signed, with the digest of what it says. */
      bundle: text(),
      content_digest: text(),
      sequence: count().notNull(),
      issued_at: instant(),
      created_at: instant().notNull(),
    }),
    /** Sites whose people may come here. A removed one stays, so that none of its old bundles comes back. Index on `issuer`. */
    federationSites: table("federation_sites", {
      id: text().primaryKey(),
      /** `circle` or `replica`. */
      shape: text().notNull(),
      issuer: text().notNull(),
      /** Thumbprint of the key that signs its bundles: what was pinned. */
      site_kid: text().notNull().unique(),
      bundle: text().notNull(),
      sequence: count().notNull(),
      expires_at: instant().notNull(),
      /** JSON. */
      rules: text().notNull(),
      imported_at: instant().notNull(),
      /** Of the refresh over the network. */
      checked_at: instant(),
      problem: text(),
      removed_at: instant(),
      created_at: instant().notNull(),
      updated_at: instant().notNull(),
    }),
    /** Accounts that were deleted: the bundle says of them that they are gone. */
    federationDeparted: table("federation_departed", {
      subject: text().primaryKey(),
      at: instant().notNull(),
    }),
    /** One row: where this site stands among those that share its issuer identity. */
    federationKeyState: table("federation_key_state", {
      id: text().primaryKey(),
      /** `leader` or `follower`. */
      standing: text().notNull(),
      leader_kid: text(),
      leader_key: text(),
      leader_url: text(),
      /** Of the last export made, or taken. */
      sequence: count().notNull(),
      content_digest: text(),
      /** When the leader's keys change next, as it said; by then a follower needs a newer export. */
      next_change_at: instant(),
      imported_at: instant(),
      checked_at: instant(),
      problem: text(),
      updated_at: instant().notNull(),
    }),
    /** Sites to which the leader hands its keys. */
    federationKeyReceivers: table("federation_key_receivers", {
      site_kid: text().primaryKey(),
      site_key: text().notNull(),
      created_at: instant().notNull(),
    }),
  };
}

/** The issuer: keys, clients, and every artefact of a grant. Secrets, codes and tokens as keyed digests only. */
function oidcTables(kit: Kit) {
  return { ...oidcKeyTables(kit), ...oidcClientTables(kit), ...oidcGrantTables(kit), ...oidcPendingTables(kit) };
}

function oidcKeyTables({ table, text, instant, count }: Kit) {
  return {
    signingKeys: table("signing_keys", {
      kid: text().primaryKey(),
      alg: text().notNull(),
      /** Public JWK as JSON. */
      public_jwk: text().notNull(),
      /** Private JWK, sealed; empty once it signs no more. */
      private_jwk: text().notNull(),
      created_at: instant().notNull(),
      /** Signs from then on; published before. */
      active_from: instant().notNull(),
      /** No longer signs; still published until the longest token it signed has ended. */
      retired_at: instant(),
      published_until: instant(),
      /** Emergency: from then on nothing that it signed is accepted anywhere. */
      revoked_at: instant(),
      /** Longest life that a token signed by it may have, in seconds: what was configured while it could sign. */
      token_seconds: count().notNull(),
    }),
  };
}

function oidcClientTables({ table, text, instant, flag }: Kit) {
  return {
    /** Registered clients (RFC 7591 names). Lists are JSON arrays of text. */
    oidcClients: table("oidc_clients", {
      client_id: text().primaryKey(),
      client_name: text().notNull(),
      redirect_uris: text().notNull(),
      post_logout_redirect_uris: text().notNull(),
      grant_types: text().notNull(),
      response_types: text().notNull(),
      scope: text().notNull(),
      token_endpoint_auth_method: text().notNull(),
      /** JWK Set as JSON, for `private_key_jwt`. */
      jwks: text(),
      jwks_uri: text(),
      id_token_signed_response_alg: text().notNull(),
      subject_type: text().notNull(),
      sector_identifier_uri: text(),
      /** Strict by default; each is a setting of the client. */
      require_pkce: flag().notNull(),
      rotate_refresh_tokens: flag().notNull(),
      require_pushed_authorization_requests: flag().notNull(),
      /** `fapi2`; null for none. */
      security_profile: text(),
      dpop_bound_access_tokens: flag().notNull(),
      require_dpop_nonce: flag().notNull(),
      backchannel_logout_uri: text(),
      logo_uri: text(),
      policy_uri: text(),
      tos_uri: text(),
      /** Audiences that it may ask for (RFC 8707). Managed clients only. */
      resources: text().notNull(),
      /** Audiences that it is: as a resource server it may introspect tokens made for them. Managed clients only. */
      served_resources: text().notNull(),
      /** The platform's own: needs neither the feature `oidc_provider` nor consent. */
      is_first_party: flag().notNull(),
      /** Digest of the registration access token (RFC 7592); null for managed clients. */
      registration_digest: text().unique(),
      created_at: instant().notNull(),
      updated_at: instant().notNull(),
      disabled_at: instant(),
    }),
    /** Secrets of confidential clients; two live ones overlap while a secret is rotated. */
    oidcClientSecrets: table("oidc_client_secrets", {
      id: text().primaryKey(),
      client_id: text().notNull(),
      digest: text().notNull().unique(),
      created_at: instant().notNull(),
      expires_at: instant(),
    }),
    /** Initial access tokens for dynamic registration (RFC 7591 section 3). */
    oidcInitialAccessTokens: table("oidc_initial_access_tokens", {
      id: text().primaryKey(),
      digest: text().notNull().unique(),
      created_at: instant().notNull(),
      expires_at: instant().notNull(),
      used_at: instant(),
    }),
    /** What a person has allowed a client; asked once for each scope. Id: `user id` + `/` + `client id`. */
    oidcConsents: table("oidc_consents", {
      id: text().primaryKey(),
      user_id: text().notNull(),
      client_id: text().notNull(),
      scope: text().notNull(),
      granted_at: instant().notNull(),
    }),
  };
}

function oidcGrantTables({ table, text, instant, count }: Kit) {
  return {
    /** One authorization of a client by a person (or by the client itself). Codes and refresh tokens hang on it; ending it ends them. */
    oidcGrants: table("oidc_grants", {
      id: text().primaryKey(),
      client_id: text().notNull(),
      /** Null for client credentials. */
      user_id: text(),
      /** The sign-in it ends with; null for offline access and client credentials. */
      session_id: text(),
      /** The sign-in it was given in, also for offline access. Index. */
      login_session_id: text(),
      scope: text().notNull(),
      /** JSON array of resource indicators (RFC 8707). */
      resource: text().notNull(),
      /** The `claims` parameter as JSON; null without one. */
      claims: text(),
      auth_time: instant(),
      acr: text(),
      /** JSON array (RFC 8176). */
      amr: text().notNull(),
      nonce: text(),
      created_at: instant().notNull(),
      ended_at: instant(),
      end_reason: text(),
    }),
    /** Authorization codes: single use by conditional update; reuse ends the grant. */
    oidcCodes: table("oidc_codes", {
      digest: text().primaryKey(),
      grant_id: text().notNull(),
      client_id: text().notNull(),
      redirect_uri: text().notNull(),
      code_challenge: text(),
      dpop_jkt: text(),
      expires_at: instant().notNull(),
      used_at: instant(),
    }),
    /** Refresh tokens of a grant, one lineage. The successor is sealed, so that a lost reply can be repeated for a few seconds. */
    oidcRefreshTokens: table("oidc_refresh_tokens", {
      digest: text().primaryKey(),
      grant_id: text().notNull(),
      client_id: text().notNull(),
      generation: count().notNull(),
      scope: text().notNull(),
      dpop_jkt: text(),
      created_at: instant().notNull(),
      expires_at: instant().notNull(),
      used_at: instant(),
      successor: text(),
    }),
    /** Access tokens that were revoked before their end, by `jti`, until they would have ended anyway. */
    oidcRevokedTokens: table("oidc_revoked_tokens", {
      jti: text().primaryKey(),
      expires_at: instant().notNull(),
    }),
  };
}

function oidcPendingTables({ table, text, instant, count }: Kit) {
  return {
    /** Clients that have to be told that a sign-in ended. Id: session id + `/` + client id. Indexes on `due_at` and the references. */
    oidcLogoutNotices: table("oidc_logout_notices", {
      id: text().primaryKey(),
      client_id: text().notNull(),
      user_id: text().notNull(),
      session_id: text().notNull(),
      attempts: count().notNull(),
      created_at: instant().notNull(),
      due_at: instant().notNull(),
    }),
    /** Authorization requests that wait for a person (pushed, or on the way through sign-in and consent). */
    oidcRequests: table("oidc_requests", {
      /** Digest of the request's handle. */
      digest: text().primaryKey(),
      /** Null for a sign-in at a page of the issuer's own. */
      client_id: text(),
      /** The validated parameters as JSON: everything later is decided from here, never from the browser again. */
      parameters: text().notNull(),
      /** Digest of the browser's own cookie, so that a request cannot be finished in another browser. */
      browser_digest: text(),
      created_at: instant().notNull(),
      expires_at: instant().notNull(),
      used_at: instant(),
    }),
    /** `jti` of DPoP proofs and client assertions, until they are too old to be replayed. Id: kind + `/` + digest. */
    oidcSeenTokens: table("oidc_seen_tokens", {
      id: text().primaryKey(),
      expires_at: instant().notNull(),
    }),
  };
}

function workflowTables({ table, text, instant, count }: Kit) {
  return {
    /** Unique index on `team_id`, `workflow_slug`. */
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
      /** What a save replaces and has no column here, as JSON (`workflows/definition.ts`). */
      definition: text().notNull(),
    }),
    /** Every saved version. Unique index on `workflow_id`, `workflow_version`. */
    workflowSnapshots: table("workflow_snapshots", {
      id: text().primaryKey(),
      team_id: text().notNull(),
      workflow_id: text().notNull(),
      workflow_slug: text().notNull(),
      display_name: text().notNull(),
      description: text().notNull(),
      tool_type: text().notNull(),
      definition: text().notNull(),
      workflow_version: count().notNull(),
      snapshot_note: text().notNull(),
      created_at: instant().notNull(),
    }),
  };
}

function agentTables({ table, text, instant, count, flag }: Kit) {
  return {
    /**
     * Agents that are connected to a gateway now. Id: `team id` + `/` + what the agent calls itself, so that there is one of a name.
     * Unique index on `session_id`; indexes on `team_id` with `agent_id`, on `last_heartbeat`.
     */
    agents: table("agents", {
      id: text().primaryKey(),
      team_id: text().notNull(),
      agent_id: text().notNull(),
      session_id: text().notNull(),
      gateway_id: text().notNull(),
      credential_id: text().notNull(),
      /** As the agent says it; whether it runs something stands in the tasks. */
      agent_status: text().notNull(),
      /** It takes no new tasks. */
      is_draining: flag().notNull(),
      agent_labels: text().notNull(),
      /** Tasks that it runs at the same time. */
      capacity: count().notNull(),
      gpu_type: text(),
      /** What it is, JSON: versions, tool, platform. */
      facts: text().notNull(),
      /** What it said last about syncing and its system, JSON. */
      report: text().notNull(),
      connected_at: instant().notNull(),
      last_heartbeat: instant().notNull(),
    }),
    /** How many agents there are, of a team by its id and of the deployment by "". Kept by triggers of `agents`. */
    agentCounts: table("agent_counts", {
      scope: text().primaryKey(),
      connected: count().notNull(),
    }),
  };
}

function accessTables({ table, text, instant, count }: Kit) {
  return {
    /** Unique index on `team_id`, `service_slug`. */
    containerServices: table("container_services", {
      id: text().primaryKey(),
      team_id: text().notNull(),
      service_slug: text().notNull(),
      display_name: text().notNull(),
      service_type: text().notNull(),
      service_status: text().notNull(),
      /** One more with each deployment. */
      generation: count().notNull(),
      /** What a save replaces and has no column here, as JSON (`containers/definition.ts`). */
      definition: text().notNull(),
      created_at: instant().notNull(),
      updated_at: instant().notNull(),
    }),
    /** Id: service id + `/` + index. Indexes on `service_id` with `replica_index`, on `team_id`. */
    serviceReplicas: table("service_replicas", {
      id: text().primaryKey(),
      team_id: text().notNull(),
      service_id: text().notNull(),
      replica_index: count().notNull(),
      /** What the agent calls itself; null while none has it. */
      agent_id: text(),
      generation: count().notNull(),
      replica_state: text().notNull(),
      detail: text(),
      /** Since when its agent is not connected. */
      lost_at: instant(),
      updated_at: instant().notNull(),
    }),
    /** Ways through the gateway to an agent's own host. Indexes on `team_id` with `agent_id`, on `expires_at`. */
    tunnels: table("tunnels", {
      id: text().primaryKey(),
      team_id: text().notNull(),
      agent_id: text().notNull(),
      target_port: count().notNull(),
      /** `http` or `tcp`. */
      tunnel_protocol: text().notNull(),
      /** `user:ID`. */
      created_by: text().notNull(),
      created_at: instant().notNull(),
      expires_at: instant().notNull(),
      /** Towards the agent. */
      bytes_in: count().notNull(),
      bytes_out: count().notNull(),
      last_used_at: instant(),
    }),
  };
}

function taskTables({ table, text, instant, count }: Kit) {
  return {
    /** A run of a workflow, with all it needs from it. Indexes on `team_id` with `created_at`, on `status` with `team_id`, on `session_id`. */
    tasks: table("tasks", {
      id: text().primaryKey(),
      team_id: text().notNull(),
      workflow_id: text().notNull(),
      workflow_slug: text().notNull(),
      workflow_version: count().notNull(),
      /** `jwt` or `api_key`. */
      created_via: text().notNull(),
      /** `user:ID` or `integration:ID`. */
      created_by: text().notNull(),
      tool_type: text().notNull(),
      workflow_json: text().notNull(),
      /** The values of the run, JSON. */
      parameters: text().notNull(),
      required_labels: text().notNull(),
      required_models: text().notNull(),
      /** Seconds from acceptance; 0 for none. */
      task_timeout: count().notNull(),
      max_retries: count().notNull(),
      submitter_region: text(),
      status: text().notNull(),
      waiting_reason: text(),
      /** Grows with each offer; every word of an agent names it. */
      attempt: count().notNull(),
      /** Attempts that failed and were made good by another. */
      retry_count: count().notNull(),
      /** Attempts that were lost or never accepted. */
      lost_count: count().notNull(),
      agent_id: text(),
      agent_labels: text().notNull(),
      gpu_type: text(),
      /** The agent's connection that holds the attempt. */
      session_id: text(),
      gateway_id: text(),
      lease_until: instant(),
      deadline_at: instant(),
      /** Not claimed before. */
      available_at: instant().notNull(),
      created_at: instant().notNull(),
      started_at: instant(),
      completed_at: instant(),
      task_output: text(),
      task_error: text(),
      /** Bytes of the attempt's log so far. */
      log_bytes: count().notNull(),
      /** Sequence of the last event. */
      event_count: count().notNull(),
    }),
  };
}

function taskPartTables({ table, text, instant, count }: Kit) {
  return {
    /** The labels that a task requires, one row each, for the claim. Id: `task id` + `/` + label. */
    taskLabels: table("task_labels", {
      id: text().primaryKey(),
      task_id: text().notNull(),
      label: text().notNull(),
    }),
    /**
     * What happened to a task, in order. Id: `task id` + `/` + sequence, so that they lie in order. Unique index on `task_id`,
     * `sequence`. Partial index on `untold_since` where it is not null.
     */
    taskEvents: table("task_events", {
      id: text().primaryKey(),
      task_id: text().notNull(),
      team_id: text().notNull(),
      sequence: count().notNull(),
      attempt: count().notNull(),
      kind: text().notNull(),
      /** JSON, as followers get it. */
      content: text().notNull(),
      created_at: instant().notNull(),
      /** Set while the team's webhooks have not got their deliveries for it; null for what none of them is told. */
      untold_since: instant(),
    }),
  };
}

function webhookTables({ table, text, instant }: Kit) {
  return {
    /** Where a team wants to be called. Index on `team_id`. */
    webhooks: table("webhooks", {
      id: text().primaryKey(),
      team_id: text().notNull(),
      display_name: text().notNull(),
      webhook_url: text().notNull(),
      /** Host and port of the address: what has a limit on calls at a time. */
      host: text().notNull(),
      /** The signing secret, sealed: it is needed for each call. */
      secret: text().notNull(),
      secret_prefix: text().notNull(),
      /** The secret before, sealed, while a rotation overlaps. */
      previous_secret: text(),
      previous_expires_at: instant(),
      /** Event types, JSON array. */
      webhook_events: text().notNull(),
      /** `active` or `disabled`. */
      webhook_status: text().notNull(),
      /** `by_hand`, `gone` or `failing`; null while it is active. */
      disabled_reason: text(),
      disabled_at: instant(),
      /** Since when no delivery has arrived; null when the last one did. */
      failing_since: instant(),
      /** The receiver asked for quiet until then. */
      paused_until: instant(),
      last_delivered_at: instant(),
      created_at: instant().notNull(),
      updated_at: instant().notNull(),
    }),
  };
}

function deliveryTables({ table, text, instant, count }: Kit) {
  return {
    /** What a webhook is told, and how that went. Index on `webhook_id` with `created_at`; on `created_at`; partial on `due_at` and on `webhook_id` where `due_at` is not null. */
    webhookDeliveries: table("webhook_deliveries", {
      /** Also the receiver's `webhook-id`, the same at every attempt. */
      id: text().primaryKey(),
      team_id: text().notNull(),
      webhook_id: text().notNull(),
      /** Null for a test call. */
      task_id: text(),
      event_type: text().notNull(),
      /** The very text that is signed and sent. */
      body: text().notNull(),
      /** `pending`, `delivered` or `failed`. */
      delivery_status: text().notNull(),
      /** Attempts that have an outcome. */
      attempt_count: count().notNull(),
      /** The last ones with their outcomes, JSON array. */
      attempts: text().notNull(),
      /** Next attempt; while one is under way, when it is taken for lost. Null once settled. */
      due_at: instant(),
      /** Beginning of the last answer's body. */
      response_body: text(),
      created_at: instant().notNull(),
      delivered_at: instant(),
    }),
  };
}

function fileTables({ table, text, instant, count }: Kit) {
  return {
    /** Files of teams; their bytes are on the shelf (`files/shelf.ts`). Indexes on `team_id`, `expires_at`. */
    files: table("files", {
      id: text().primaryKey(),
      team_id: text().notNull(),
      /** `inputs/TEAM/ID/NAME`, or `outputs/…`: what others call it by. */
      file_key: text().notNull().unique(),
      file_name: text().notNull(),
      content_type: text().notNull(),
      file_size: count().notNull(),
      /** `waiting` for its bytes, or `stored`. */
      status: text().notNull(),
      /** Hex; once it is stored. */
      sha256: text(),
      created_by: text().notNull(),
      created_at: instant().notNull(),
      stored_at: instant(),
      expires_at: instant().notNull(),
      /** Of an output: the attempt that made it, and its name there. Unique together; null for an input. */
      task_id: text(),
      task_attempt: count(),
      output_id: text(),
    }),
  };
}

function notificationTables({ table, text, instant }: Kit) {
  return {
    /** What a person should know. Unique index on `user_id`, `topic`. Index on `created_at`. */
    notifications: table("notifications", {
      id: text().primaryKey(),
      user_id: text().notNull(),
      /** Of one topic a person is told once. */
      topic: text().notNull(),
      kind: text().notNull(),
      /** The facts, JSON (`notifications/notices.ts`). */
      content: text().notNull(),
      created_at: instant().notNull(),
      read_at: instant(),
    }),
  };
}

function gateTables({ table, text, instant, count }: Kit) {
  return {
    /**
     * Who did what to what, in the same commit as the deed; each row continues the one before it in its stream.
     * Nothing changes or deletes a row. Unique index on `stream` and `sequence`, indexes on `at`, and on `team_id` and `at`.
     */
    audit: table("audit", {
      id: text().primaryKey(),
      /** `main` in SQLite; in PostgreSQL one for each command that a process runs beside others. */
      stream: text().notNull(),
      /** 1, 2, 3 … within the stream. */
      sequence: count().notNull(),
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
      /** SHA-256 over the row and the chain of the row before it, base64url. */
      chain: text().notNull(),
      /** Keyed digest of `chain`: what nobody can make without the master key. */
      seal: text().notNull(),
    }),
    /** What creating calls answered, so that a repeat hears it again. Index on `expires_at`, by which old ones are forgotten. */
    idempotencyKeys: table("idempotency_keys", {
      /** Keyed digest of caller, team, operation and key. */
      id: text().primaryKey(),
      /** Keyed digest of the input. */
      fingerprint: text().notNull(),
      /** The operation's value as JSON, sealed, because it can hold a secret that is shown once. */
      value: text().notNull(),
      created_at: instant().notNull(),
      expires_at: instant().notNull(),
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
    ...leaseTables(kit),
    ...identityTables(kit),
    ...deviceTables(kit),
    ...passkeyTables(kit),
    ...proofTables(kit),
    ...upstreamTables(kit),
    ...teamTables(kit),
    ...credentialTables(kit),
    ...oidcTables(kit),
    ...federationTables(kit),
    ...notificationTables(kit),
    ...fileTables(kit),
    ...workflowTables(kit),
    ...agentTables(kit),
    ...accessTables(kit),
    ...taskTables(kit),
    ...taskPartTables(kit),
    ...webhookTables(kit),
    ...deliveryTables(kit),
    ...gateTables(kit),
  };
}

export type Tables = ReturnType<typeof defineTables>;

-- The first schema. Never edited after release: a change is a new pair of files.
-- Children go with the team or the person they belong to; the audit refers to nothing, so that it outlives all.
-- Text compares by its bytes (collation C), as in SQLite, so that an order means the same on both engines.

create table license_server (
  id text collate "C" not null primary key,
  license text collate "C",
  accepted_at bigint,
  bound_parts text collate "C",
  bound_at bigint,
  epoch bigint not null,
  high_water bigint not null,
  high_water_license text collate "C"
);

create table license_sequences (
  deployment_id text collate "C" not null primary key,
  sequence bigint not null,
  seen_at bigint not null
);

create table license_activations (
  license_id text collate "C" not null primary key,
  activated_at bigint not null
);

create table lease_clients (
  id text collate "C" not null primary key,
  client_key text collate "C" not null,
  role text collate "C" not null,
  enrolled_by text collate "C" not null,
  enrolled_at bigint not null,
  revoked_at bigint
);

create table lease_days (
  id text collate "C" not null primary key,
  client_id text collate "C" not null,
  day text collate "C" not null,
  granted bigint not null,
  refused bigint not null,
  last_counter bigint not null,
  last_lease_at bigint not null,
  chain text collate "C" not null
);

create table join_tokens (
  id text collate "C" not null primary key,
  secret text collate "C" not null,
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint
);

create table deployments (
  id text collate "C" not null primary key,
  display_name text collate "C" not null,
  set_up_at bigint not null
);

create table setup_links (
  digest text collate "C" not null primary key,
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint
);

create table users (
  id text collate "C" not null primary key,
  email_address text collate "C" not null,
  email_key text collate "C" not null unique,
  first_name text collate "C" not null,
  last_name text collate "C" not null,
  display_name text collate "C" not null,
  password_hash text collate "C",
  is_administrator boolean not null,
  email_verified boolean not null,
  disabled_at bigint,
  created_at bigint not null
);

create table sessions (
  id text collate "C" not null primary key,
  user_id text collate "C" not null references users (id) on delete cascade,
  kind text collate "C" not null,
  digest text collate "C" not null unique,
  rotated_at bigint,
  created_at bigint not null,
  expires_at bigint not null,
  ended_at bigint,
  end_reason text collate "C"
);

create table sign_in_buckets (
  key text collate "C" not null primary key,
  failures bigint not null,
  last_failed_at bigint not null,
  blocked_until bigint not null
);

create table teams (
  id text collate "C" not null primary key,
  display_name text collate "C" not null,
  created_at bigint not null
);

create table memberships (
  id text collate "C" not null primary key,
  team_id text collate "C" not null references teams (id) on delete cascade,
  user_id text collate "C" not null references users (id) on delete cascade,
  role text collate "C" not null,
  created_at bigint not null
);

create table credentials (
  id text collate "C" not null primary key,
  kind text collate "C" not null,
  team_id text collate "C" not null references teams (id) on delete cascade,
  user_id text collate "C" references users (id) on delete cascade,
  created_by text collate "C" not null,
  display_name text collate "C" not null,
  key_prefix text collate "C" not null,
  digest text collate "C" not null unique,
  created_at bigint not null,
  expires_at bigint,
  last_used_at bigint,
  revoked_at bigint
);

create table signing_keys (
  kid text collate "C" not null primary key,
  alg text collate "C" not null,
  public_jwk text collate "C" not null,
  private_jwk text collate "C" not null,
  created_at bigint not null,
  active_from bigint not null,
  retired_at bigint,
  published_until bigint
);

create table workflows (
  id text collate "C" not null primary key,
  team_id text collate "C" not null references teams (id) on delete cascade,
  workflow_slug text collate "C" not null,
  display_name text collate "C" not null,
  description text collate "C" not null,
  tool_type text collate "C" not null,
  workflow_status text collate "C" not null,
  version bigint not null,
  created_at bigint not null,
  updated_at bigint not null
);

create table audit (
  id text collate "C" not null primary key,
  at bigint not null,
  operation text collate "C" not null,
  outcome text collate "C" not null,
  actor text collate "C" not null,
  team_id text collate "C",
  subject text collate "C",
  address text collate "C",
  details text collate "C" not null
);

create table migrations (
  number bigint not null primary key,
  name text collate "C" not null,
  checksum text collate "C" not null,
  applied_at bigint not null
);

create index lease_days_by_client on lease_days (client_id, day);

create index sessions_by_user on sessions (user_id);
create index sessions_by_expiry on sessions (expires_at);

create index sign_in_buckets_by_last_failure on sign_in_buckets (last_failed_at);

create unique index memberships_by_team on memberships (team_id, user_id);
create index memberships_by_user on memberships (user_id);

create index credentials_by_team on credentials (team_id, kind);
create index credentials_by_user on credentials (user_id);

create unique index workflows_by_slug on workflows (team_id, workflow_slug);

create index audit_by_time on audit (at);
create index audit_by_team on audit (team_id, at);

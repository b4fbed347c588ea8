-- The first schema. Never edited after release: a change is a new pair of files.
-- Children go with the team or the person they belong to; the audit refers to nothing, so that it outlives all.
-- Rows that are found by text are kept in the key's own tree (without rowid), one tree instead of two.

create table license_server (
  id text not null primary key,
  license text,
  accepted_at integer,
  bound_parts text,
  bound_at integer,
  epoch integer not null,
  high_water integer not null,
  high_water_license text
) strict;

create table license_sequences (
  deployment_id text not null primary key,
  sequence integer not null,
  seen_at integer not null
) strict, without rowid;

create table license_activations (
  license_id text not null primary key,
  activated_at integer not null
) strict, without rowid;

create table lease_clients (
  id text not null primary key,
  client_key text not null,
  role text not null,
  enrolled_by text not null,
  enrolled_at integer not null,
  revoked_at integer
) strict, without rowid;

create table lease_days (
  id text not null primary key,
  client_id text not null,
  day text not null,
  granted integer not null,
  refused integer not null,
  last_counter integer not null,
  last_lease_at integer not null,
  chain text not null
) strict, without rowid;

create table join_tokens (
  id text not null primary key,
  secret text not null,
  created_at integer not null,
  expires_at integer not null,
  used_at integer
) strict, without rowid;

create table deployments (
  id text not null primary key,
  display_name text not null,
  set_up_at integer not null
) strict, without rowid;

create table setup_links (
  digest text not null primary key,
  created_at integer not null,
  expires_at integer not null,
  used_at integer
) strict, without rowid;

create table users (
  id text not null primary key,
  email_address text not null,
  email_key text not null unique,
  first_name text not null,
  last_name text not null,
  display_name text not null,
  password_hash text,
  is_administrator integer not null check (is_administrator in (0, 1)),
  email_verified integer not null check (email_verified in (0, 1)),
  disabled_at integer,
  created_at integer not null
) strict, without rowid;

create table sessions (
  id text not null primary key,
  user_id text not null references users (id) on delete cascade,
  kind text not null,
  digest text not null unique,
  rotated_at integer,
  created_at integer not null,
  expires_at integer not null,
  ended_at integer,
  end_reason text
) strict, without rowid;

create table sign_in_buckets (
  key text not null primary key,
  failures integer not null,
  last_failed_at integer not null,
  blocked_until integer not null
) strict, without rowid;

create table teams (
  id text not null primary key,
  display_name text not null,
  created_at integer not null
) strict, without rowid;

create table memberships (
  id text not null primary key,
  team_id text not null references teams (id) on delete cascade,
  user_id text not null references users (id) on delete cascade,
  role text not null,
  created_at integer not null
) strict, without rowid;

create table credentials (
  id text not null primary key,
  kind text not null,
  team_id text not null references teams (id) on delete cascade,
  user_id text references users (id) on delete cascade,
  created_by text not null,
  display_name text not null,
  key_prefix text not null,
  digest text not null unique,
  created_at integer not null,
  expires_at integer,
  last_used_at integer,
  revoked_at integer
) strict, without rowid;

create table signing_keys (
  kid text not null primary key,
  alg text not null,
  public_jwk text not null,
  private_jwk text not null,
  created_at integer not null,
  active_from integer not null,
  retired_at integer,
  published_until integer
) strict, without rowid;

create table workflows (
  id text not null primary key,
  team_id text not null references teams (id) on delete cascade,
  workflow_slug text not null,
  display_name text not null,
  description text not null,
  tool_type text not null,
  workflow_status text not null,
  version integer not null,
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;

create table audit (
  id text not null primary key,
  at integer not null,
  operation text not null,
  outcome text not null,
  actor text not null,
  team_id text,
  subject text,
  address text,
  details text not null
) strict, without rowid;

create table migrations (
  number integer not null primary key,
  name text not null,
  checksum text not null,
  applied_at integer not null
) strict;

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

-- The issuer's clients, grants, tokens and pending requests, and the emergency end of a signing key.

alter table signing_keys add column revoked_at integer;
alter table signing_keys add column token_seconds integer not null default 86400;

create table oidc_clients (
  client_id text not null primary key,
  client_name text not null,
  redirect_uris text not null,
  post_logout_redirect_uris text not null,
  grant_types text not null,
  response_types text not null,
  scope text not null,
  token_endpoint_auth_method text not null,
  jwks text,
  jwks_uri text,
  id_token_signed_response_alg text not null,
  subject_type text not null,
  sector_identifier_uri text,
  require_pkce integer not null,
  rotate_refresh_tokens integer not null,
  require_pushed_authorization_requests integer not null,
  dpop_bound_access_tokens integer not null,
  backchannel_logout_uri text,
  logo_uri text,
  policy_uri text,
  tos_uri text,
  is_first_party integer not null,
  registration_digest text unique,
  created_at integer not null,
  updated_at integer not null,
  disabled_at integer
) strict, without rowid;

create table oidc_client_secrets (
  id text not null primary key,
  client_id text not null references oidc_clients (client_id) on delete cascade,
  digest text not null unique,
  created_at integer not null,
  expires_at integer
) strict, without rowid;

create table oidc_initial_access_tokens (
  id text not null primary key,
  digest text not null unique,
  created_at integer not null,
  expires_at integer not null,
  used_at integer
) strict, without rowid;

create table oidc_consents (
  id text not null primary key,
  user_id text not null references users (id) on delete cascade,
  client_id text not null references oidc_clients (client_id) on delete cascade,
  scope text not null,
  granted_at integer not null
) strict, without rowid;

create table oidc_grants (
  id text not null primary key,
  client_id text not null references oidc_clients (client_id) on delete cascade,
  user_id text references users (id) on delete cascade,
  session_id text,
  scope text not null,
  resource text not null,
  claims text,
  auth_time integer,
  acr text,
  amr text not null,
  nonce text,
  created_at integer not null,
  ended_at integer,
  end_reason text
) strict, without rowid;

create table oidc_codes (
  digest text not null primary key,
  grant_id text not null references oidc_grants (id) on delete cascade,
  client_id text not null references oidc_clients (client_id) on delete cascade,
  redirect_uri text not null,
  code_challenge text,
  dpop_jkt text,
  expires_at integer not null,
  used_at integer
) strict, without rowid;

create table oidc_refresh_tokens (
  digest text not null primary key,
  grant_id text not null references oidc_grants (id) on delete cascade,
  client_id text not null references oidc_clients (client_id) on delete cascade,
  generation integer not null,
  scope text not null,
  dpop_jkt text,
  created_at integer not null,
  expires_at integer not null,
  used_at integer,
  successor text
) strict, without rowid;

create table oidc_revoked_tokens (
  jti text not null primary key,
  expires_at integer not null
) strict, without rowid;

create table oidc_requests (
  digest text not null primary key,
  client_id text not null references oidc_clients (client_id) on delete cascade,
  parameters text not null,
  browser_digest text,
  created_at integer not null,
  expires_at integer not null,
  used_at integer
) strict, without rowid;

create table device_authorizations (
  device_digest text not null primary key,
  user_digest text not null unique,
  client_id text not null references oidc_clients (client_id) on delete cascade,
  scope text not null,
  status text not null,
  grant_id text references oidc_grants (id) on delete cascade,
  user_id text references users (id) on delete cascade,
  polled_at integer,
  interval_ms integer not null,
  created_at integer not null,
  expires_at integer not null
) strict, without rowid;

create table oidc_seen_tokens (
  id text not null primary key,
  expires_at integer not null
) strict, without rowid;

create index oidc_client_secrets_by_client on oidc_client_secrets (client_id);
create index oidc_consents_by_user on oidc_consents (user_id);
create index oidc_consents_by_client on oidc_consents (client_id);
create index oidc_grants_by_user on oidc_grants (user_id);
create index oidc_grants_by_client on oidc_grants (client_id);
create index oidc_grants_by_session on oidc_grants (session_id);
create index oidc_codes_by_grant on oidc_codes (grant_id);
create index oidc_codes_by_expiry on oidc_codes (expires_at);
create index oidc_refresh_tokens_by_grant on oidc_refresh_tokens (grant_id);
create index oidc_refresh_tokens_by_expiry on oidc_refresh_tokens (expires_at);
create index oidc_revoked_tokens_by_expiry on oidc_revoked_tokens (expires_at);
create index oidc_requests_by_expiry on oidc_requests (expires_at);
create index device_authorizations_by_expiry on device_authorizations (expires_at);
create index oidc_seen_tokens_by_expiry on oidc_seen_tokens (expires_at);

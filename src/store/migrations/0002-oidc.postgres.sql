-- The issuer's clients, grants, tokens and pending requests, and the emergency end of a signing key.

alter table signing_keys add column revoked_at bigint;
alter table signing_keys add column token_seconds bigint not null default 86400;

create table oidc_clients (
  client_id text collate "C" not null primary key,
  client_name text collate "C" not null,
  redirect_uris text collate "C" not null,
  post_logout_redirect_uris text collate "C" not null,
  grant_types text collate "C" not null,
  response_types text collate "C" not null,
  scope text collate "C" not null,
  token_endpoint_auth_method text collate "C" not null,
  jwks text collate "C",
  jwks_uri text collate "C",
  id_token_signed_response_alg text collate "C" not null,
  subject_type text collate "C" not null,
  sector_identifier_uri text collate "C",
  require_pkce boolean not null,
  rotate_refresh_tokens boolean not null,
  require_pushed_authorization_requests boolean not null,
  dpop_bound_access_tokens boolean not null,
  backchannel_logout_uri text collate "C",
  logo_uri text collate "C",
  policy_uri text collate "C",
  tos_uri text collate "C",
  is_first_party boolean not null,
  registration_digest text collate "C" unique,
  created_at bigint not null,
  updated_at bigint not null,
  disabled_at bigint
);

create table oidc_client_secrets (
  id text collate "C" not null primary key,
  client_id text collate "C" not null references oidc_clients (client_id) on delete cascade,
  digest text collate "C" not null unique,
  created_at bigint not null,
  expires_at bigint
);

create table oidc_initial_access_tokens (
  id text collate "C" not null primary key,
  digest text collate "C" not null unique,
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint
);

create table oidc_consents (
  id text collate "C" not null primary key,
  user_id text collate "C" not null references users (id) on delete cascade,
  client_id text collate "C" not null references oidc_clients (client_id) on delete cascade,
  scope text collate "C" not null,
  granted_at bigint not null
);

create table oidc_grants (
  id text collate "C" not null primary key,
  client_id text collate "C" not null references oidc_clients (client_id) on delete cascade,
  user_id text collate "C" references users (id) on delete cascade,
  session_id text collate "C",
  scope text collate "C" not null,
  resource text collate "C" not null,
  claims text collate "C",
  auth_time bigint,
  acr text collate "C",
  amr text collate "C" not null,
  nonce text collate "C",
  created_at bigint not null,
  ended_at bigint,
  end_reason text collate "C"
);

create table oidc_codes (
  digest text collate "C" not null primary key,
  grant_id text collate "C" not null references oidc_grants (id) on delete cascade,
  client_id text collate "C" not null references oidc_clients (client_id) on delete cascade,
  redirect_uri text collate "C" not null,
  code_challenge text collate "C",
  dpop_jkt text collate "C",
  expires_at bigint not null,
  used_at bigint
);

create table oidc_refresh_tokens (
  digest text collate "C" not null primary key,
  grant_id text collate "C" not null references oidc_grants (id) on delete cascade,
  client_id text collate "C" not null references oidc_clients (client_id) on delete cascade,
  generation bigint not null,
  scope text collate "C" not null,
  dpop_jkt text collate "C",
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint,
  successor text collate "C"
);

create table oidc_revoked_tokens (
  jti text collate "C" not null primary key,
  expires_at bigint not null
);

create table oidc_requests (
  digest text collate "C" not null primary key,
  client_id text collate "C" not null references oidc_clients (client_id) on delete cascade,
  parameters text collate "C" not null,
  browser_digest text collate "C",
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint
);

create table device_authorizations (
  device_digest text collate "C" not null primary key,
  user_digest text collate "C" not null unique,
  client_id text collate "C" not null references oidc_clients (client_id) on delete cascade,
  scope text collate "C" not null,
  status text collate "C" not null,
  grant_id text collate "C" references oidc_grants (id) on delete cascade,
  user_id text collate "C" references users (id) on delete cascade,
  polled_at bigint,
  interval_ms bigint not null,
  created_at bigint not null,
  expires_at bigint not null
);

create table oidc_seen_tokens (
  id text collate "C" not null primary key,
  expires_at bigint not null
);

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

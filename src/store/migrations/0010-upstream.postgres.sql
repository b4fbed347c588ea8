-- Sign-in through other people's providers: who they are, who is known by them, sign-ins under way.

create table upstream_providers (
  id text collate "C" not null primary key,
  display_name text collate "C" not null,
  issuer text collate "C" not null,
  client_id text collate "C" not null,
  client_secret text collate "C",
  token_endpoint_auth_method text collate "C" not null,
  scope text collate "C" not null,
  provisioning text collate "C" not null,
  allowed_domains text collate "C" not null,
  disabled_at bigint,
  created_at bigint not null,
  updated_at bigint not null
);

create table upstream_identities (
  id text collate "C" not null primary key,
  key text collate "C" not null unique,
  user_id text collate "C" not null references users (id) on delete cascade,
  issuer text collate "C" not null,
  subject text collate "C" not null,
  email_address text collate "C",
  created_at bigint not null,
  last_used_at bigint not null
);

create index upstream_identities_by_user on upstream_identities (user_id);

create table upstream_flows (
  digest text collate "C" not null primary key,
  stage text collate "C" not null,
  provider_id text collate "C" not null,
  issuer text collate "C" not null,
  browser_digest text collate "C" not null,
  target text collate "C" not null,
  identity text collate "C",
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint
);

create index upstream_flows_by_expiry on upstream_flows (expires_at);

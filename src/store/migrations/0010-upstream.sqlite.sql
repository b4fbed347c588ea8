-- Sign-in through other people's providers: who they are, who is known by them, sign-ins under way.

create table upstream_providers (
  id text not null primary key,
  display_name text not null,
  issuer text not null,
  client_id text not null,
  client_secret text,
  token_endpoint_auth_method text not null,
  scope text not null,
  provisioning text not null,
  allowed_domains text not null,
  disabled_at integer,
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;

create table upstream_identities (
  id text not null primary key,
  key text not null unique,
  user_id text not null references users (id) on delete cascade,
  issuer text not null,
  subject text not null,
  email_address text,
  created_at integer not null,
  last_used_at integer not null
) strict, without rowid;

create index upstream_identities_by_user on upstream_identities (user_id);

create table upstream_flows (
  digest text not null primary key,
  stage text not null,
  provider_id text not null,
  issuer text not null,
  browser_digest text not null,
  target text not null,
  identity text,
  created_at integer not null,
  expires_at integer not null,
  used_at integer
) strict, without rowid;

create index upstream_flows_by_expiry on upstream_flows (expires_at);

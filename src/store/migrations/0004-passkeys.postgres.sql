-- Passkeys, and what people see and end of their sign-ins.

alter table users add column credentials_changed_at bigint;

alter table sessions add column address text collate "C";

create table passkeys (
  id text collate "C" not null primary key,
  user_id text collate "C" not null references users (id) on delete cascade,
  credential_id text collate "C" not null unique,
  public_key text collate "C" not null,
  algorithm bigint not null,
  counter bigint not null,
  transports text collate "C" not null,
  is_synced boolean not null,
  display_name text collate "C" not null,
  created_at bigint not null,
  last_used_at bigint,
  failures bigint not null,
  clone_seen_at bigint
);

create table passkey_challenges (
  digest text collate "C" not null primary key,
  expires_at bigint not null
);

create index passkeys_by_user on passkeys (user_id);
create index passkey_challenges_by_expiry on passkey_challenges (expires_at);

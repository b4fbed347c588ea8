-- Passkeys, and what people see and end of their sign-ins.

alter table users add column credentials_changed_at integer;

alter table sessions add column address text;

create table passkeys (
  id text not null primary key,
  user_id text not null references users (id) on delete cascade,
  credential_id text not null unique,
  public_key text not null,
  algorithm integer not null,
  counter integer not null,
  transports text not null,
  is_synced integer not null check (is_synced in (0, 1)),
  display_name text not null,
  created_at integer not null,
  last_used_at integer,
  failures integer not null,
  clone_seen_at integer
) strict, without rowid;

create table passkey_challenges (
  digest text not null primary key,
  expires_at integer not null
) strict, without rowid;

create index passkeys_by_user on passkeys (user_id);
create index passkey_challenges_by_expiry on passkey_challenges (expires_at);

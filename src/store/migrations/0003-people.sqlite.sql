-- What a person has beside the password, single-use tokens, and mails to be sent.

alter table sessions add column amr text;

alter table users add column pending_until integer;

create table second_factors (
  user_id text not null primary key references users (id) on delete cascade,
  secret text not null,
  created_at integer not null,
  confirmed_at integer,
  last_step integer not null,
  failures integer not null
) strict, without rowid;

create table recovery_codes (
  digest text not null primary key,
  user_id text not null references users (id) on delete cascade,
  created_at integer not null,
  used_at integer
) strict, without rowid;

create table step_tokens (
  digest text not null primary key,
  purpose text not null,
  user_id text not null references users (id) on delete cascade,
  context text not null,
  created_at integer not null,
  expires_at integer not null,
  used_at integer
) strict, without rowid;

create table outbox (
  id text not null primary key,
  kind text not null,
  recipient text not null,
  created_at integer not null,
  due_at integer not null,
  attempts integer not null,
  settled_at integer
) strict, without rowid;

create index users_by_pending on users (pending_until) where pending_until is not null;
create index recovery_codes_by_user on recovery_codes (user_id);
create index step_tokens_by_user on step_tokens (user_id);
create index step_tokens_by_expiry on step_tokens (expires_at);
create index outbox_by_due on outbox (due_at);

-- What a person has beside the password, single-use tokens, and mails to be sent.

alter table sessions add column amr text collate "C";

alter table users add column pending_until bigint;

create table second_factors (
  user_id text collate "C" not null primary key references users (id) on delete cascade,
  secret text collate "C" not null,
  created_at bigint not null,
  confirmed_at bigint,
  last_step bigint not null,
  failures bigint not null
);

create table recovery_codes (
  digest text collate "C" not null primary key,
  user_id text collate "C" not null references users (id) on delete cascade,
  created_at bigint not null,
  used_at bigint
);

create table step_tokens (
  digest text collate "C" not null primary key,
  purpose text collate "C" not null,
  user_id text collate "C" not null references users (id) on delete cascade,
  context text collate "C" not null,
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint
);

create table outbox (
  id text collate "C" not null primary key,
  kind text collate "C" not null,
  recipient text collate "C" not null,
  created_at bigint not null,
  due_at bigint not null,
  attempts bigint not null,
  settled_at bigint
);

create index users_by_pending on users (pending_until) where pending_until is not null;
create index recovery_codes_by_user on recovery_codes (user_id);
create index step_tokens_by_user on step_tokens (user_id);
create index step_tokens_by_expiry on step_tokens (expires_at);
create index outbox_by_due on outbox (due_at);

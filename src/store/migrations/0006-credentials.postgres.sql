-- What narrows a key, a second secret while a key is rotated, and a count of everything that ends somebody's access.

alter table credentials add column scopes text collate "C";
alter table credentials add column allowed_cidrs text collate "C";
alter table credentials add column previous_digest text collate "C";
alter table credentials add column previous_key_prefix text collate "C";
alter table credentials add column previous_expires_at bigint;

create unique index credentials_by_previous on credentials (previous_digest) where previous_digest is not null;

create table access_changes (
  id text collate "C" not null primary key,
  seen bigint not null
);

insert into access_changes (id, seen) values ('all', 0);

-- Triggers, so that no statement which ends an access can forget to be counted.
create function count_access_change() returns trigger language plpgsql as $$
begin
  update access_changes set seen = seen + 1;
  return null;
end
$$;
create trigger credentials_changed after update of digest, previous_digest, expires_at, revoked_at or delete on credentials
  for each statement execute function count_access_change();
create trigger memberships_deleted after delete on memberships
  for each statement execute function count_access_change();
create trigger users_disabled after update of disabled_at on users
  for each statement execute function count_access_change();
create trigger sessions_ended after update of ended_at on sessions
  for each statement execute function count_access_change();

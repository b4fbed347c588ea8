-- What narrows a key, a second secret while a key is rotated, and a count of everything that ends somebody's access.

alter table credentials add column scopes text;
alter table credentials add column allowed_cidrs text;
alter table credentials add column previous_digest text;
alter table credentials add column previous_key_prefix text;
alter table credentials add column previous_expires_at integer;

create unique index credentials_by_previous on credentials (previous_digest) where previous_digest is not null;

create table access_changes (
  id text not null primary key,
  seen integer not null
) strict, without rowid;

insert into access_changes (id, seen) values ('all', 0);

-- Triggers, so that no statement which ends an access can forget to be counted.
create trigger credentials_changed after update of digest, previous_digest, expires_at, revoked_at on credentials
begin
  update access_changes set seen = seen + 1;
end;
create trigger credentials_deleted after delete on credentials
begin
  update access_changes set seen = seen + 1;
end;
create trigger memberships_deleted after delete on memberships
begin
  update access_changes set seen = seen + 1;
end;
create trigger users_disabled after update of disabled_at on users
begin
  update access_changes set seen = seen + 1;
end;
create trigger sessions_ended after update of ended_at on sessions
begin
  update access_changes set seen = seen + 1;
end;

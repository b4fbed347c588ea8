-- Invitations; and a team has one owner, whatever happens at the same moment.

create unique index memberships_by_owner on memberships (team_id) where role = 'owner';

create table invitations (
  id text not null primary key,
  team_id text not null references teams (id) on delete cascade,
  email_address text not null,
  email_key text not null,
  role text not null,
  invited_by text not null references users (id) on delete cascade,
  digest text unique,
  is_mailed integer not null check (is_mailed in (0, 1)),
  created_at integer not null,
  expires_at integer not null
) strict, without rowid;

create unique index invitations_by_team on invitations (team_id, email_key);
create index invitations_by_address on invitations (email_key);
create index invitations_by_inviter on invitations (invited_by);
create index invitations_by_expiry on invitations (expires_at);

-- Invitations; and a team has one owner, whatever happens at the same moment.

create unique index memberships_by_owner on memberships (team_id) where role = 'owner';

create table invitations (
  id text collate "C" not null primary key,
  team_id text collate "C" not null references teams (id) on delete cascade,
  email_address text collate "C" not null,
  email_key text collate "C" not null,
  role text collate "C" not null,
  invited_by text collate "C" not null references users (id) on delete cascade,
  digest text collate "C" unique,
  is_mailed boolean not null,
  created_at bigint not null,
  expires_at bigint not null
);

create unique index invitations_by_team on invitations (team_id, email_key);
create index invitations_by_address on invitations (email_key);
create index invitations_by_inviter on invitations (invited_by);
create index invitations_by_expiry on invitations (expires_at);

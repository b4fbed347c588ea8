-- Files of teams: what they are; their bytes lie on the disk.

create table files (
  id text not null primary key,
  team_id text not null references teams (id) on delete cascade,
  file_key text not null unique,
  file_name text not null,
  content_type text not null,
  file_size integer not null,
  status text not null,
  sha256 text,
  created_by text not null,
  created_at integer not null,
  stored_at integer,
  expires_at integer not null,
  task_id text,
  task_attempt integer,
  output_id text,
  unique (task_id, task_attempt, output_id)
) strict, without rowid;

create index files_by_team on files (team_id);
create index files_by_end on files (expires_at);

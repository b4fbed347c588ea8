-- Files of teams: what they are; their bytes lie on the disk.

create table files (
  id text collate "C" not null primary key,
  team_id text collate "C" not null references teams (id) on delete cascade,
  file_key text collate "C" not null unique,
  file_name text collate "C" not null,
  content_type text collate "C" not null,
  file_size bigint not null,
  status text collate "C" not null,
  sha256 text collate "C",
  created_by text collate "C" not null,
  created_at bigint not null,
  stored_at bigint,
  expires_at bigint not null,
  task_id text collate "C",
  task_attempt bigint,
  output_id text collate "C",
  unique (task_id, task_attempt, output_id)
);

create index files_by_team on files (team_id);
create index files_by_end on files (expires_at);

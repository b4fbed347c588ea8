-- What a workflow is made of, and every version of it that was saved.

alter table workflows add column definition text not null default '{}';

create table workflow_snapshots (
  id text not null primary key,
  team_id text not null references teams (id) on delete cascade,
  workflow_id text not null references workflows (id) on delete cascade,
  workflow_slug text not null,
  display_name text not null,
  description text not null,
  tool_type text not null,
  definition text not null,
  workflow_version integer not null,
  snapshot_note text not null,
  created_at integer not null
) strict, without rowid;

create unique index workflow_snapshots_by_version on workflow_snapshots (workflow_id, workflow_version);
create index workflow_snapshots_by_team on workflow_snapshots (team_id);

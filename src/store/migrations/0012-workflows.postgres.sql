-- What a workflow is made of, and every version of it that was saved.

alter table workflows add column definition text collate "C" not null default '{}';

create table workflow_snapshots (
  id text collate "C" not null primary key,
  team_id text collate "C" not null references teams (id) on delete cascade,
  workflow_id text collate "C" not null references workflows (id) on delete cascade,
  workflow_slug text collate "C" not null,
  display_name text collate "C" not null,
  description text collate "C" not null,
  tool_type text collate "C" not null,
  definition text collate "C" not null,
  workflow_version bigint not null,
  snapshot_note text collate "C" not null,
  created_at bigint not null
);

create unique index workflow_snapshots_by_version on workflow_snapshots (workflow_id, workflow_version);
create index workflow_snapshots_by_team on workflow_snapshots (team_id);

-- Runs of workflows: the queue, what each task requires of an agent, what happened to it.

create table tasks (
  id text not null primary key,
  team_id text not null references teams (id) on delete cascade,
  workflow_id text not null,
  workflow_slug text not null,
  workflow_version integer not null,
  created_via text not null,
  created_by text not null,
  tool_type text not null,
  workflow_json text not null,
  parameters text not null,
  required_labels text not null,
  required_models text not null,
  task_timeout integer not null,
  max_retries integer not null,
  submitter_region text,
  status text not null,
  waiting_reason text,
  attempt integer not null,
  retry_count integer not null,
  lost_count integer not null,
  agent_id text,
  agent_labels text not null,
  gpu_type text,
  session_id text,
  gateway_id text,
  lease_until integer,
  deadline_at integer,
  available_at integer not null,
  created_at integer not null,
  started_at integer,
  completed_at integer,
  task_output text,
  task_error text,
  log_bytes integer not null,
  event_count integer not null
) strict, without rowid;

create table task_labels (
  id text not null primary key,
  task_id text not null references tasks (id) on delete cascade,
  label text not null
) strict, without rowid;

create table task_events (
  id text not null primary key,
  task_id text not null references tasks (id) on delete cascade,
  team_id text not null references teams (id) on delete cascade,
  sequence integer not null,
  attempt integer not null,
  kind text not null,
  content text not null,
  created_at integer not null
) strict, without rowid;

create index tasks_by_team on tasks (team_id, created_at);
create index tasks_by_status on tasks (status, team_id, created_at);
create index tasks_by_session on tasks (session_id);
create index task_labels_by_task on task_labels (task_id);
create unique index task_events_by_sequence on task_events (task_id, sequence);
create index task_events_by_team on task_events (team_id);

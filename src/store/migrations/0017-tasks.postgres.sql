-- Runs of workflows: the queue, what each task requires of an agent, what happened to it.

create table tasks (
  id text collate "C" not null primary key,
  team_id text collate "C" not null references teams (id) on delete cascade,
  workflow_id text collate "C" not null,
  workflow_slug text collate "C" not null,
  workflow_version bigint not null,
  created_via text collate "C" not null,
  created_by text collate "C" not null,
  tool_type text collate "C" not null,
  workflow_json text collate "C" not null,
  parameters text collate "C" not null,
  required_labels text collate "C" not null,
  required_models text collate "C" not null,
  task_timeout bigint not null,
  max_retries bigint not null,
  submitter_region text collate "C",
  status text collate "C" not null,
  waiting_reason text collate "C",
  attempt bigint not null,
  retry_count bigint not null,
  lost_count bigint not null,
  agent_id text collate "C",
  agent_labels text collate "C" not null,
  gpu_type text collate "C",
  session_id text collate "C",
  gateway_id text collate "C",
  lease_until bigint,
  deadline_at bigint,
  available_at bigint not null,
  created_at bigint not null,
  started_at bigint,
  completed_at bigint,
  task_output text collate "C",
  task_error text collate "C",
  log_bytes bigint not null,
  event_count bigint not null
);

create table task_labels (
  id text collate "C" not null primary key,
  task_id text collate "C" not null references tasks (id) on delete cascade,
  label text collate "C" not null
);

create table task_events (
  id text collate "C" not null primary key,
  task_id text collate "C" not null references tasks (id) on delete cascade,
  team_id text collate "C" not null references teams (id) on delete cascade,
  sequence bigint not null,
  attempt bigint not null,
  kind text collate "C" not null,
  content text collate "C" not null,
  created_at bigint not null
);

create index tasks_by_team on tasks (team_id, created_at);
create index tasks_by_status on tasks (status, team_id, created_at);
create index tasks_by_session on tasks (session_id);
create index task_labels_by_task on task_labels (task_id);
create unique index task_events_by_sequence on task_events (task_id, sequence);
create index task_events_by_team on task_events (team_id);

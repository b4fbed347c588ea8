-- Agents that are connected to a gateway now.

create table agents (
  id text collate "C" not null primary key,
  team_id text collate "C" not null references teams (id) on delete cascade,
  agent_id text collate "C" not null,
  session_id text collate "C" not null,
  gateway_id text collate "C" not null,
  credential_id text collate "C" not null,
  agent_status text collate "C" not null,
  is_draining boolean not null,
  agent_labels text collate "C" not null,
  capacity bigint not null,
  gpu_type text collate "C",
  facts text collate "C" not null,
  report text collate "C" not null,
  connected_at bigint not null,
  last_heartbeat bigint not null
);

create unique index agents_by_session on agents (session_id);
create index agents_by_team on agents (team_id, agent_id);
create index agents_by_heartbeat on agents (last_heartbeat);
create index tasks_by_agent on tasks (team_id, agent_id, status);

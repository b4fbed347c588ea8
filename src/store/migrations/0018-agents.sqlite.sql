-- Agents that are connected to a gateway now.

create table agents (
  id text not null primary key,
  team_id text not null references teams (id) on delete cascade,
  agent_id text not null,
  session_id text not null,
  gateway_id text not null,
  credential_id text not null,
  agent_status text not null,
  is_draining integer not null,
  agent_labels text not null,
  capacity integer not null,
  gpu_type text,
  facts text not null,
  report text not null,
  connected_at integer not null,
  last_heartbeat integer not null
) strict, without rowid;

create unique index agents_by_session on agents (session_id);
create index agents_by_team on agents (team_id, agent_id);
create index agents_by_heartbeat on agents (last_heartbeat);
create index tasks_by_agent on tasks (team_id, agent_id, status);

-- Ways through the gateway to a service on an agent's own host, while they are open.

create table tunnels (
  id text collate "C" not null primary key,
  team_id text collate "C" not null references teams (id) on delete cascade,
  agent_id text collate "C" not null,
  target_port bigint not null,
  tunnel_protocol text collate "C" not null,
  created_by text collate "C" not null,
  created_at bigint not null,
  expires_at bigint not null,
  bytes_in bigint not null,
  bytes_out bigint not null,
  last_used_at bigint
);

create index tunnels_by_agent on tunnels (team_id, agent_id);
create index tunnels_by_end on tunnels (expires_at);

-- Ways through the gateway to a service on an agent's own host, while they are open.

create table tunnels (
  id text not null primary key,
  team_id text not null references teams (id) on delete cascade,
  agent_id text not null,
  target_port integer not null,
  tunnel_protocol text not null,
  created_by text not null,
  created_at integer not null,
  expires_at integer not null,
  bytes_in integer not null,
  bytes_out integer not null,
  last_used_at integer
) strict, without rowid;

create index tunnels_by_agent on tunnels (team_id, agent_id);
create index tunnels_by_end on tunnels (expires_at);

-- Services that agents run on their own hosts, or call from there.

create table container_services (
  id text not null primary key,
  team_id text not null references teams (id) on delete cascade,
  service_slug text not null,
  display_name text not null,
  service_type text not null,
  service_status text not null,
  generation integer not null,
  definition text not null,
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;

create unique index container_services_by_slug on container_services (team_id, service_slug);

create table service_replicas (
  id text not null primary key,
  team_id text not null references teams (id) on delete cascade,
  service_id text not null references container_services (id) on delete cascade,
  replica_index integer not null,
  agent_id text,
  generation integer not null,
  replica_state text not null,
  detail text,
  lost_at integer,
  updated_at integer not null
) strict, without rowid;

create index service_replicas_by_service on service_replicas (service_id, replica_index);
create index service_replicas_by_team on service_replicas (team_id);

-- Services that agents run on their own hosts, or call from there.

create table container_services (
  id text collate "C" not null primary key,
  team_id text collate "C" not null references teams (id) on delete cascade,
  service_slug text collate "C" not null,
  display_name text collate "C" not null,
  service_type text collate "C" not null,
  service_status text collate "C" not null,
  generation bigint not null,
  definition text collate "C" not null,
  created_at bigint not null,
  updated_at bigint not null
);

create unique index container_services_by_slug on container_services (team_id, service_slug);

create table service_replicas (
  id text collate "C" not null primary key,
  team_id text collate "C" not null references teams (id) on delete cascade,
  service_id text collate "C" not null references container_services (id) on delete cascade,
  replica_index bigint not null,
  agent_id text collate "C",
  generation bigint not null,
  replica_state text collate "C" not null,
  detail text collate "C",
  lost_at bigint,
  updated_at bigint not null
);

create index service_replicas_by_service on service_replicas (service_id, replica_index);
create index service_replicas_by_team on service_replicas (team_id);

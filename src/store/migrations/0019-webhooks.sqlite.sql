-- Where teams want to be called when their tasks go on, and what was told to whom.

alter table task_events add column untold_since integer;

create index task_events_untold on task_events (untold_since) where untold_since is not null;

create table webhooks (
  id text not null primary key,
  team_id text not null references teams (id) on delete cascade,
  display_name text not null,
  webhook_url text not null,
  host text not null,
  secret text not null,
  secret_prefix text not null,
  previous_secret text,
  previous_expires_at integer,
  webhook_events text not null,
  webhook_status text not null,
  disabled_reason text,
  disabled_at integer,
  failing_since integer,
  paused_until integer,
  last_delivered_at integer,
  created_at integer not null,
  updated_at integer not null
) strict;

create table webhook_deliveries (
  id text not null primary key,
  team_id text not null references teams (id) on delete cascade,
  webhook_id text not null references webhooks (id) on delete cascade,
  task_id text,
  event_type text not null,
  body text not null,
  delivery_status text not null,
  attempt_count integer not null,
  attempts text not null,
  due_at integer,
  response_body text,
  created_at integer not null,
  delivered_at integer
) strict;

create index webhooks_by_team on webhooks (team_id);
create index webhook_deliveries_by_webhook on webhook_deliveries (webhook_id, created_at);
create index webhook_deliveries_by_team on webhook_deliveries (team_id);
create index webhook_deliveries_by_age on webhook_deliveries (created_at);
create index webhook_deliveries_due on webhook_deliveries (due_at) where due_at is not null;
create index webhook_deliveries_pending on webhook_deliveries (webhook_id) where due_at is not null;

-- Where teams want to be called when their tasks go on, and what was told to whom.

alter table task_events add column untold_since bigint;

create index task_events_untold on task_events (untold_since) where untold_since is not null;

create table webhooks (
  id text collate "C" not null primary key,
  team_id text collate "C" not null references teams (id) on delete cascade,
  display_name text collate "C" not null,
  webhook_url text collate "C" not null,
  host text collate "C" not null,
  secret text collate "C" not null,
  secret_prefix text collate "C" not null,
  previous_secret text collate "C",
  previous_expires_at bigint,
  webhook_events text collate "C" not null,
  webhook_status text collate "C" not null,
  disabled_reason text collate "C",
  disabled_at bigint,
  failing_since bigint,
  paused_until bigint,
  last_delivered_at bigint,
  created_at bigint not null,
  updated_at bigint not null
);

create table webhook_deliveries (
  id text collate "C" not null primary key,
  team_id text collate "C" not null references teams (id) on delete cascade,
  webhook_id text collate "C" not null references webhooks (id) on delete cascade,
  task_id text collate "C",
  event_type text collate "C" not null,
  body text collate "C" not null,
  delivery_status text collate "C" not null,
  attempt_count bigint not null,
  attempts text collate "C" not null,
  due_at bigint,
  response_body text collate "C",
  created_at bigint not null,
  delivered_at bigint
);

create index webhooks_by_team on webhooks (team_id);
create index webhook_deliveries_by_webhook on webhook_deliveries (webhook_id, created_at);
create index webhook_deliveries_by_team on webhook_deliveries (team_id);
create index webhook_deliveries_by_age on webhook_deliveries (created_at);
create index webhook_deliveries_due on webhook_deliveries (due_at) where due_at is not null;
create index webhook_deliveries_pending on webhook_deliveries (webhook_id) where due_at is not null;

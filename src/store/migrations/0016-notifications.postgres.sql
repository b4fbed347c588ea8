-- What people should know.

create table notifications (
  id text collate "C" not null primary key,
  user_id text collate "C" not null references users (id) on delete cascade,
  topic text collate "C" not null,
  kind text collate "C" not null,
  content text collate "C" not null,
  created_at bigint not null,
  read_at bigint
);

create unique index notifications_by_topic on notifications (user_id, topic);
create index notifications_by_age on notifications (created_at);

-- What people should know.

create table notifications (
  id text not null primary key,
  user_id text not null references users (id) on delete cascade,
  topic text not null,
  kind text not null,
  content text not null,
  created_at integer not null,
  read_at integer
) strict, without rowid;

create unique index notifications_by_topic on notifications (user_id, topic);
create index notifications_by_age on notifications (created_at);

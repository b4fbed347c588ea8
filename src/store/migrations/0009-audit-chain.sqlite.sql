-- The audit becomes a chain. Rows from before are of builds that were never released, and cannot be chained after the fact.

drop table audit;

create table audit (
  id text not null primary key,
  stream text not null,
  sequence integer not null,
  at integer not null,
  operation text not null,
  outcome text not null,
  actor text not null,
  team_id text,
  subject text,
  address text,
  details text not null,
  chain text not null,
  seal text not null
) strict, without rowid;

create unique index audit_by_sequence on audit (stream, sequence);
create index audit_by_time on audit (at);
create index audit_by_team on audit (team_id, at);

-- The audit becomes a chain. Rows from before are of builds that were never released, and cannot be chained after the fact.

drop table audit;

create table audit (
  id text collate "C" not null primary key,
  stream text collate "C" not null,
  sequence bigint not null,
  at bigint not null,
  operation text collate "C" not null,
  outcome text collate "C" not null,
  actor text collate "C" not null,
  team_id text collate "C",
  subject text collate "C",
  address text collate "C",
  details text collate "C" not null,
  chain text collate "C" not null,
  seal text collate "C" not null
);

create unique index audit_by_sequence on audit (stream, sequence);
create index audit_by_time on audit (at);
create index audit_by_team on audit (team_id, at);

-- Licenses that the vendor revoked.

create table license_revocations (
  deployment_id text not null primary key,
  revocation text not null,
  sequence integer not null,
  issued_at integer not null,
  seen_at integer not null
) strict, without rowid;

-- Licenses that the vendor revoked.

create table license_revocations (
  deployment_id text collate "C" not null primary key,
  revocation text collate "C" not null,
  sequence bigint not null,
  issued_at bigint not null,
  seen_at bigint not null
);

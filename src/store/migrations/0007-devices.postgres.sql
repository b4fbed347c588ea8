-- Devices that ask and are approved in a browser: one table for OIDC clients and desktops, in place of one that no build
-- has used. Sign-ins at the issuer's own pages are for no client.

drop table device_authorizations;

create table device_requests (
  device_digest text collate "C" not null primary key,
  user_digest text collate "C" not null unique,
  purpose text collate "C" not null,
  asked text collate "C" not null,
  address text collate "C",
  status text collate "C" not null,
  user_id text collate "C" references users (id) on delete cascade,
  answer text collate "C",
  polled_at bigint,
  interval_ms bigint not null,
  created_at bigint not null,
  expires_at bigint not null
);

alter table credentials add column companion_of text collate "C" references credentials (id) on delete cascade;

alter table oidc_requests alter column client_id drop not null;

create index device_requests_by_expiry on device_requests (expires_at);
create index credentials_by_companion on credentials (companion_of) where companion_of is not null;

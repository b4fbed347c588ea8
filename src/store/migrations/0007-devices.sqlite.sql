-- Devices that ask and are approved in a browser: one table for OIDC clients and desktops, in place of one that no build
-- has used. Sign-ins at the issuer's own pages are for no client.

drop table device_authorizations;

create table device_requests (
  device_digest text not null primary key,
  user_digest text not null unique,
  purpose text not null,
  asked text not null,
  address text,
  status text not null,
  user_id text references users (id) on delete cascade,
  answer text,
  polled_at integer,
  interval_ms integer not null,
  created_at integer not null,
  expires_at integer not null
) strict, without rowid;

alter table credentials add column companion_of text references credentials (id) on delete cascade;

-- People who are signing in while this runs start again.
drop table oidc_requests;

create table oidc_requests (
  digest text not null primary key,
  client_id text references oidc_clients (client_id) on delete cascade,
  parameters text not null,
  browser_digest text,
  created_at integer not null,
  expires_at integer not null,
  used_at integer
) strict, without rowid;

create index oidc_requests_by_expiry on oidc_requests (expires_at);
create index device_requests_by_expiry on device_requests (expires_at);
create index credentials_by_companion on credentials (companion_of) where companion_of is not null;

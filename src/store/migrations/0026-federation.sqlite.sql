-- The trust circle: this site's own key and bundle, and the sites whose tokens it takes.

create table federation_self (
  id text not null primary key,
  seed text not null,
  bundle text,
  content_digest text,
  sequence integer not null,
  issued_at integer,
  created_at integer not null
) strict, without rowid;

create table federation_sites (
  id text not null primary key,
  shape text not null,
  issuer text not null,
  site_kid text not null unique,
  bundle text not null,
  sequence integer not null,
  expires_at integer not null,
  rules text not null,
  imported_at integer not null,
  checked_at integer,
  problem text,
  removed_at integer,
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;

create index federation_sites_by_issuer on federation_sites (issuer);

create table federation_departed (
  subject text not null primary key,
  at integer not null
) strict, without rowid;

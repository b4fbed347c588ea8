-- The trust circle: this site's own key and bundle, and the sites whose tokens it takes.

create table federation_self (
  id text collate "C" not null primary key,
  seed text collate "C" not null,
  bundle text collate "C",
  content_digest text collate "C",
  sequence bigint not null,
  issued_at bigint,
  created_at bigint not null
);

create table federation_sites (
  id text collate "C" not null primary key,
  shape text collate "C" not null,
  issuer text collate "C" not null,
  site_kid text collate "C" not null unique,
  bundle text collate "C" not null,
  sequence bigint not null,
  expires_at bigint not null,
  rules text collate "C" not null,
  imported_at bigint not null,
  checked_at bigint,
  problem text collate "C",
  removed_at bigint,
  created_at bigint not null,
  updated_at bigint not null
);

create index federation_sites_by_issuer on federation_sites (issuer);

create table federation_departed (
  subject text collate "C" not null primary key,
  at bigint not null
);

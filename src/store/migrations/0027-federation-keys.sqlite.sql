-- Replicated keys: where this site stands among those that share one issuer identity.

create table federation_key_state (
  id text not null primary key,
  -- leader or follower
  standing text not null,
  leader_kid text,
  leader_key text,
  leader_url text,
  sequence integer not null,
  content_digest text,
  next_change_at integer,
  imported_at integer,
  checked_at integer,
  problem text,
  updated_at integer not null
) strict, without rowid;

create table federation_key_receivers (
  site_kid text not null primary key,
  site_key text not null,
  created_at integer not null
) strict, without rowid;

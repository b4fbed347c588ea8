-- Replicated keys: where this site stands among those that share one issuer identity.

create table federation_key_state (
  id text collate "C" not null primary key,
  -- leader or follower
  standing text collate "C" not null,
  leader_kid text collate "C",
  leader_key text collate "C",
  leader_url text collate "C",
  sequence bigint not null,
  content_digest text collate "C",
  next_change_at bigint,
  imported_at bigint,
  checked_at bigint,
  problem text collate "C",
  updated_at bigint not null
);

create table federation_key_receivers (
  site_kid text collate "C" not null primary key,
  site_key text collate "C" not null,
  created_at bigint not null
);

-- What creating calls answered, so that a repeat with the same key hears it again.

create table idempotency_keys (
  id text not null primary key,
  fingerprint text not null,
  value text not null,
  created_at integer not null,
  expires_at integer not null
) strict, without rowid;

create index idempotency_keys_by_expiry on idempotency_keys (expires_at);

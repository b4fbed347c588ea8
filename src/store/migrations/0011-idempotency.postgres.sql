-- What creating calls answered, so that a repeat with the same key hears it again.

create table idempotency_keys (
  id text collate "C" not null primary key,
  fingerprint text collate "C" not null,
  value text collate "C" not null,
  created_at bigint not null,
  expires_at bigint not null
);

create index idempotency_keys_by_expiry on idempotency_keys (expires_at);

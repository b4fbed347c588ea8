-- Who asked for a mail, so that nobody sends too many.

alter table outbox add column asked_by text collate "C";

create index outbox_by_asker on outbox (asked_by, created_at) where asked_by is not null;

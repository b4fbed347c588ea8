-- Holds the number 26 open for another change; nothing is altered.
select 1;

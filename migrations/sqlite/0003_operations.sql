-- The tables of migrations/0003_operations.sql.

create table queues (
  name         text primary key,
  paused       integer not null,
  changed_at   integer not null
) strict, without rowid;
create index queues_paused on queues (name) where paused;

alter table jobs add column traceparent text;

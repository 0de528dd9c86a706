-- The tables of migrations/0002_api.sql; a list is a JSON array as text.

alter table jobs add column expires_at integer;
alter table jobs add column object_limit integer not null default 0
  constraint jobs_object_limit check (object_limit in (0, 1));
alter table jobs add column progress text;
alter table jobs add column cancel_requested integer not null default 0;
alter table jobs add column blocked integer not null default 0
  constraint jobs_blocked_waits check (not blocked or (status <> 'running' and object_limit = 1));

-- An index of SQLite ends with the id anyway.
create index jobs_object on jobs (object_id);
create index jobs_unsuccessful on jobs (id) where status in ('failed', 'cancelled');
create index jobs_expiring on jobs (expires_at) where status = 'created' and expires_at is not null;
create unique index jobs_one_of_object on jobs (type, object_id) where status = 'running' and object_limit = 1;
create index jobs_blocked on jobs (type, object_id, priority) where status = 'created' and blocked;

create table job_attempts (
  job_id       integer not null,
  attempt      integer not null,
  outcome      text not null,
  node_id      integer,
  start_time   integer,
  end_time     integer,
  message      text,
  primary key (job_id, attempt, outcome)
) strict, without rowid;

create table job_idempotency (
  key          text primary key,
  fingerprint  text not null,
  job_ids      text not null,
  duplicates   text not null,
  expires_at   integer not null
) strict, without rowid;
create index job_idempotency_expires_at on job_idempotency (expires_at);

alter table nodes add column queues text not null default '[]';
alter table nodes add column types text not null default '[]';

-- The tables of migrations/0001_jobs.sql for a file of one process: same columns, same meaning. Times are
-- microseconds since 1970 in UTC, JSON is text on one line, a boolean is 0 or 1.

create table jobs (
  -- autoincrement: an id is never given out again, also if the job is pruned.
  id           integer primary key autoincrement,
  object_id    integer not null,
  status       text not null default 'created',
  start_time   integer,
  end_time     integer,
  message      text,
  created_at   integer not null,

  queue        text not null default 'default',
  type         text not null default 'default',
  payload      text,
  priority     integer not null default 5,
  run_at       integer,
  ready        integer not null default 1,
  timeout      real,
  max_attempts integer not null default 1,
  attempt      integer not null default 0,
  failures     integer not null default 0,
  recoveries   integer not null default 0,
  node_id      integer,
  result       text,

  constraint jobs_status_is_known check (status in ('created', 'running', 'success', 'failed', 'cancelled')),
  constraint jobs_running_is_owned check (
    status <> 'running' or (node_id is not null and start_time is not null and ready)),
  constraint jobs_final_has_ended check (status in ('created', 'running') or end_time is not null),
  constraint jobs_waiting_has_time check (
    ready or (status in ('created', 'cancelled') and run_at is not null))
) strict;

create index jobs_ready on jobs (queue, priority, id) where status = 'created' and ready;
create index jobs_scheduled on jobs (run_at) where status = 'created' and not ready;
create index jobs_running on jobs (node_id) where status = 'running';

create table nodes (
  id           integer primary key autoincrement,
  host         text not null,
  pid          integer not null,
  version      text not null,
  started_at   integer not null,
  heartbeat_at integer not null,
  slots        integer not null default 0
) strict;

create table job_dedupe (
  type         text not null,
  object_id    integer not null,
  job_id       integer not null,
  expires_at   integer not null,
  primary key (type, object_id)
) strict, without rowid;

create index job_dedupe_expires_at on job_dedupe (expires_at);

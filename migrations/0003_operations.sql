-- What those who run the service need. Only tables and columns are added: programs of schema 2 go on.

-- Queues that were ever paused. A program of schema 2 does not know of it, and takes their jobs.
create table queues (
  name         text primary key,
  paused       boolean not null,
  changed_at   timestamp(6) not null default timezone('utc', now())
);
-- Each claim looks here.
create index queues_paused on queues (name) where paused;

-- W3C trace context of the request that made the job.
alter table jobs add column traceparent text;

-- How many jobs each queue has: open ones (created or running, which the index of running jobs tells apart, so that
-- a claim counts nothing), and final ones by status. A statement that adds, ends or removes jobs appends how many,
-- which waits for nobody; the pruner adds them up. What programs of schema 2 do after this migration is not counted.
create table job_counts (
  queue        text not null,
  status       text not null,
  n            bigint not null,
  primary key (queue, status)
);
create table job_count_deltas (
  queue        text not null,
  -- Null: the jobs are new.
  was          text,
  -- Null: the jobs are gone.
  became       text,
  n            bigint not null
);
alter table job_count_deltas set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
insert into job_counts (queue, status, n) select queue, case when status in ('created', 'running') then 'open' else status end as counted_as, count(*)
  from jobs group by queue, counted_as;

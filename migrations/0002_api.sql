-- What the API offers beyond submit and get. Only columns and tables are added: programs of schema 1 go on.

alter table jobs
  -- A job that has not started by then fails.
  add column expires_at       timestamp(6),
  -- How many jobs of its type and object may run at a time: 1, or 0 for no limit.
  add column object_limit     smallint not null default 0,
  -- What the run told last.
  add column progress         jsonb,
  -- It runs, and a client asked for its end.
  add column cancel_requested boolean not null default false,
  -- Set aside (not ready) since another job of its object runs, until that ends or run_at comes.
  add column blocked          boolean not null default false,

  add constraint jobs_object_limit check (object_limit in (0, 1)),
  add constraint jobs_blocked_waits check (not blocked or (status <> 'running' and object_limit = 1));

-- For those who ask what became of an object.
create index jobs_object on jobs (object_id, id);
-- Few, and looked for.
create index jobs_unsuccessful on jobs (id) where status in ('failed', 'cancelled');
create index jobs_expiring on jobs (expires_at) where status = 'created' and expires_at is not null;
-- Decides every race for an object's one place.
create unique index jobs_one_of_object on jobs (type, object_id) where status = 'running' and object_limit = 1;
create index jobs_blocked on jobs (type, object_id, priority, id) where status = 'created' and blocked;

-- Attempts that were not a job's last one, and outcomes that came too late. The last attempt is on the job's own
-- row, so a job that succeeds at its first writes nothing here. Removed with the job.
create table job_attempts (
  job_id       bigint not null,
  attempt      integer not null,
  outcome      text not null,
  node_id      bigint,
  start_time   timestamp(6),
  end_time     timestamp(6),
  message      text,
  primary key (job_id, attempt, outcome)
);

-- The first answer to each Idempotency-Key.
create table job_idempotency (
  key          text primary key,
  fingerprint  text not null,
  job_ids      bigint[] not null,
  duplicates   boolean[] not null,
  expires_at   timestamp(6) not null
);
create index job_idempotency_expires_at on job_idempotency (expires_at);

-- What a node takes.
alter table nodes
  add column queues text[] not null default '{}',
  add column types  text[] not null default '{}';

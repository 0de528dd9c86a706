-- The tables of migrations/0003_operations.sql.

create table queues (
  name         text primary key,
  paused       integer not null,
  changed_at   integer not null
) strict, without rowid;
create index queues_paused on queues (name) where paused;

alter table jobs add column traceparent text;

-- There is one writer, so the counts are kept in place. Open jobs are those that are created or running.
create table job_counts (
  queue        text not null,
  status       text not null,
  n            integer not null,
  primary key (queue, status)
) strict, without rowid;
insert into job_counts (queue, status, n) select queue, case when status in ('created', 'running') then 'open' else status end as counted_as, count(*)
  from jobs group by queue, counted_as;

create trigger jobs_counted_new after insert on jobs begin
  insert into job_counts (queue, status, n) values (new.queue, 'open', 1)
    on conflict (queue, status) do update set n = n + 1;
end;
create trigger jobs_counted_end after update of status on jobs
when new.status in ('success', 'failed', 'cancelled') begin
  update job_counts set n = n - 1 where queue = old.queue and status = 'open';
  insert into job_counts (queue, status, n) values (new.queue, new.status, 1)
    on conflict (queue, status) do update set n = n + 1;
end;
create trigger jobs_counted_again after update of status on jobs
when old.status in ('success', 'failed', 'cancelled') begin
  update job_counts set n = n - 1 where queue = old.queue and status = old.status;
  insert into job_counts (queue, status, n) values (new.queue, 'open', 1)
    on conflict (queue, status) do update set n = n + 1;
end;
create trigger jobs_counted_gone after delete on jobs begin
  update job_counts set n = n - 1 where queue = old.queue
    and status = case when old.status in ('created', 'running') then 'open' else old.status end;
end;

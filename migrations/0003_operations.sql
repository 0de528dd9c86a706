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

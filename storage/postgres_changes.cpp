#include "storage/postgres_changes.hpp"

#include "storage/postgres_jobs.hpp"

namespace jobd::storage {
namespace {

using lifecycle::event;

constexpr auto cancel_held = statement{"cancel_held", R"sql(
with held as (
  select id, status = 'running' as runs from jobs
  where id = any($1::bigint[]) and status in ('created', 'running')
  order by id
  for update
), changed as (
  update jobs j set
    status = case when h.runs then j.status else $2::text end,
    end_time = case when h.runs then j.end_time else timezone('utc', now()) end,
    ready = true,
    blocked = false,
    cancel_requested = h.runs
  from held h where j.id = h.id
  returning j.id, j.object_id, j.type, j.queue, j.priority, j.status, j.attempt,
    case when h.runs then j.node_id end
), counted as (
  insert into job_count_deltas (queue, was, became, n)
  select queue, 'open', status, count(*) from changed where status <> 'running' group by queue, status
)
select * from changed order by id
)sql"};

/// An attempt that was given back or lost has its record already.
constexpr auto rerun_held = statement{"rerun_held", R"sql(
with held as (
  select id, attempt, status, node_id, start_time, end_time, message from jobs
  where id = any($1::bigint[]) and status in ('failed', 'cancelled')
  order by id
  for update
), recorded as (
  insert into job_attempts (job_id, attempt, outcome, node_id, start_time, end_time, message)
  select id, attempt, status, node_id, start_time, end_time, message from held
  where attempt > 0 and not exists (
    select from job_attempts h
    where h.job_id = held.id and h.attempt = held.attempt and h.outcome <> 'refused')
  on conflict do nothing
), changed as (
  update jobs j set status = $2::text, ready = true, blocked = false, run_at = null, expires_at = null,
    failures = 0, recoveries = 0, cancel_requested = false, progress = null, result = null, message = null,
    start_time = null, end_time = null, node_id = null
  from held h where j.id = h.id
  returning j.id, j.object_id, j.type, j.queue, j.priority, j.status, j.attempt, j.node_id
), counted as (
  insert into job_count_deltas (queue, was, became, n)
  select c.queue, h.status, 'open', count(*) from changed c join held h on h.id = c.id group by c.queue, h.status
)
select * from changed order by id
)sql"};

sql_expected<std::vector<job_change>> change(postgres_connection& pg, const statement& s,
                                             std::span<const job_id> ids, job_status to) {
  auto r = pg.exec(s, parameters{}.add(column<std::int64_t>(ids.begin(), ids.end())).add(to_string(to)));
  if (!r)
    return tl::unexpected{r.error()};
  auto changes = std::vector<job_change>{};
  for (auto row = 0; row < r->size(); ++row)
    changes.push_back(read_change(*r, row));
  return changes;
}

} // namespace

sql_expected<std::vector<job_change>> cancel_jobs(postgres_connection& pg, std::span<const job_id> ids) {
  return change(pg, cancel_held, ids, lifecycle::next(job_status::created, event::cancel).value());
}

sql_expected<std::vector<job_change>> rerun_jobs(postgres_connection& pg, std::span<const job_id> ids) {
  return change(pg, rerun_held, ids, lifecycle::next(job_status::failed, event::rerun).value());
}

} // namespace jobd::storage

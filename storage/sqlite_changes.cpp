#include "storage/sqlite_changes.hpp"

#include "storage/sqlite_jobs.hpp"

#include <algorithm>

namespace jobd::storage {
namespace {

/// One that runs is only marked: its node ends it.
constexpr auto cancel_or_mark = R"sql(
update jobs set
  status = iif(status = 'created', ?2, status),
  end_time = iif(status = 'created', ?3, end_time),
  ready = 1,
  blocked = 0,
  cancel_requested = status = 'running'
where id in (select value from json_each(?1)) and status in ('created', 'running')
returning id, object_id, type, queue, priority, status, attempt, iif(status = 'running', node_id, null)
)sql";

/// The last attempt leaves the job's row, unless the job went back and has its record already.
constexpr auto record_last = R"sql(
insert into job_attempts (job_id, attempt, outcome, node_id, start_time, end_time, message)
select id, attempt, status, node_id, start_time, end_time, message from jobs
where id in (select value from json_each(?1)) and status in ('failed', 'cancelled') and attempt > 0
  and not exists (
    select 1 from job_attempts a where a.job_id = jobs.id and a.attempt = jobs.attempt and a.outcome <> 'refused')
)sql";

constexpr auto rerun_ended = R"sql(
update jobs set
  status = ?2, ready = 1, run_at = null, failures = 0, recoveries = 0, cancel_requested = 0, expires_at = null,
  progress = null, result = null, message = null, start_time = null, end_time = null, node_id = null
where id in (select value from json_each(?1)) and status in ('failed', 'cancelled')
returning id, object_id, type, queue, priority, status, attempt, null
)sql";

/// An update returns its rows in any order.
std::vector<job_change> sorted(std::vector<job_change> changes) {
  std::ranges::sort(changes, {}, &job_change::id);
  return changes;
}

} // namespace

expected<std::vector<job_change>> cancel_jobs(sqlite_connection& db, std::span<const job_id> ids) {
  auto changes = std::vector<job_change>{};
  const auto cancelled = to_string(lifecycle::next(job_status::created, lifecycle::event::cancel).value());
  return db
      .each(
          cancel_or_mark, [&](const sqlite_row& r) { changes.push_back(read_change(r)); }, json_list(ids),
          cancelled, time_now())
      .map([&] { return sorted(std::move(changes)); });
}

expected<std::vector<job_change>> rerun_jobs(sqlite_connection& db, std::span<const job_id> ids) {
  auto changes = std::vector<job_change>{};
  const auto which = json_list(ids);
  const auto again = to_string(lifecycle::next(job_status::failed, lifecycle::event::rerun).value());
  return db.run(record_last, which)
      .and_then([&] {
        return db.each(
            rerun_ended, [&](const sqlite_row& r) { changes.push_back(read_change(r)); }, which, again);
      })
      .map([&] { return sorted(std::move(changes)); });
}

} // namespace jobd::storage

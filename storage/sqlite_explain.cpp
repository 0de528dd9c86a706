#include "storage/sqlite_jobs.hpp"

namespace jobd::storage {
namespace {

/// Two pieces of the index of what is ready. As `(priority, id) < (?2, ?3)` it would be walked to the end of
/// the priority.
constexpr auto count_ahead = R"sql(
select count(*) from (
  select 1 from jobs where queue = ?1 and status = 'created' and ready and priority < ?2
  union all
  select 1 from jobs where queue = ?1 and status = 'created' and ready and priority = ?2 and id < ?3
  limit ?4)
)sql";

constexpr auto find_worker = R"sql(
select 1 from nodes
where heartbeat_at >= ?3 and ?1 in (select value from json_each(queues))
  and ?2 in (select value from json_each(types))
limit 1
)sql";

constexpr auto find_pause = "select 1 from queues where name = ?1 and paused";

constexpr auto find_blocking = R"sql(
select id from jobs
where type = ?1 and object_id = ?2 and status = 'running' and object_limit = 1 and id <> ?3
)sql";

/// Only a job that has not started waits for others.
expected<void> look_around(sqlite_connection& db, explanation& e) {
  const auto& j = e.what;
  const auto ahead = [&](const sqlite_row& r) { e.ahead = r.number<std::int64_t>(0); };
  const auto blocking = [&](const sqlite_row& r) { e.blocked_by = r.number<job_id>(0); };
  if (j.status != job_status::created)
    return {};
  auto counted = db.each(count_ahead, ahead, j.queue, j.priority, j.id, most_ahead);
  if (!counted || j.object_limit == 0)
    return counted;
  return db.each(find_blocking, blocking, j.type, j.object_id, j.id);
}

} // namespace

expected<explanation> explain_job(sqlite_connection& db, job_id id) {
  auto found = read_jobs(db, std::vector{id});
  if (!found)
    return tl::unexpected{found.error()};
  if (!found->front())
    return fail(ec::not_found, "no job has the id " + std::to_string(id));
  auto e = explanation{.what = std::move(*found->front()), .blocked_by = {}};
  const auto worker = [&](const sqlite_row&) { e.has_worker = true; };
  const auto pause = [&](const sqlite_row&) { e.paused = true; };
  return db.each(find_worker, worker, e.what.queue, e.what.type, time_now() - lease::overdue_after)
      .and_then([&] { return db.each(find_pause, pause, e.what.queue); })
      .and_then([&] { return look_around(db, e); })
      .map([&] { return std::move(e); });
}

} // namespace jobd::storage

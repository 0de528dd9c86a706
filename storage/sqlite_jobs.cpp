#include "storage/sqlite_jobs.hpp"

#include <map>

namespace jobd::storage {
namespace {

constexpr auto jobs_by_id = R"sql(
select id, object_id, status, start_time, end_time, message, created_at, queue, type, payload, priority, run_at, ready,
  timeout, max_attempts, attempt, failures, recoveries, node_id, result, expires_at, object_limit, progress,
  cancel_requested, traceparent
from jobs where id in (select value from json_each(?1))
)sql";

/// The head of one queue, by the index that holds nothing but what is ready.
constexpr auto ready_head = R"sql(
select id, queue, priority from jobs
where queue = ?1 and status = 'created' and ready and type in (select value from json_each(?2))
  and not exists (select 1 from queues where name = ?1 and paused)
order by priority, id
limit ?3
)sql";

job read_job(const sqlite_row& r) {
  auto j = job{};
  j.id = r.number<job_id>(0);
  j.object_id = r.number<std::int64_t>(1);
  j.status = parse_status(r.text(2)).value_or(job_status::created);
  j.start_time = r.time(3);
  j.end_time = r.time(4);
  j.message = r.optional_text(5);
  j.created_at = r.time(6).value_or(timestamp{});
  j.queue = r.text(7);
  j.type = r.text(8);
  j.payload = r.optional_text(9);
  j.priority = r.number<int>(10);
  j.run_at = r.time(11);
  j.ready = r.number<int>(12) != 0;
  if (!r.null(13))
    j.timeout = seconds{r.real(13)};
  j.max_attempts = r.number<int>(14);
  j.attempt = r.number<attempt_no>(15);
  j.failures = r.number<int>(16);
  j.recoveries = r.number<int>(17);
  j.node = r.optional_number<node_id>(18);
  j.result = r.optional_text(19);
  j.expires_at = r.time(20);
  j.object_limit = r.number<int>(21);
  j.progress = r.optional_text(22);
  j.cancel_requested = r.number<int>(23) != 0;
  j.traceparent = r.optional_text(24);
  return j;
}

} // namespace

job_change read_change(const sqlite_row& r) {
  return {.id = r.number<job_id>(0),
          .object_id = r.number<std::int64_t>(1),
          .type = r.text(2),
          .queue = r.text(3),
          .priority = r.number<int>(4),
          .status = parse_status(r.text(5)).value_or(job_status::created),
          .attempt = r.number<attempt_no>(6),
          .node = r.optional_number<node_id>(7)};
}

expected<std::vector<std::optional<job>>> read_jobs(sqlite_connection& db, std::span<const job_id> ids) {
  auto by_id = std::map<job_id, job>{};
  auto read = db.each(
      jobs_by_id,
      [&](const sqlite_row& r) {
        auto j = read_job(r);
        const auto id = j.id;
        by_id.emplace(id, std::move(j));
      },
      json_list(ids));
  if (!read)
    return tl::unexpected{read.error()};
  auto found = std::vector<std::optional<job>>(ids.size());
  for (auto i = std::size_t{0}; i < ids.size(); ++i)
    if (const auto at = by_id.find(ids[i]); at != by_id.end())
      found[i] = at->second;
  return found;
}

expected<std::vector<hint>> read_ready(sqlite_connection& db, const ready_query& q) {
  auto hints = std::vector<hint>{};
  const auto types = json_list(q.types);
  for (const auto& queue : q.queues)
    if (auto read = db.each(
            ready_head, [&](const sqlite_row& r) { hints.push_back(read_hint(r)); }, queue, types,
            std::max(q.limit, 0));
        !read)
      return tl::unexpected{read.error()};
  return hints;
}

} // namespace jobd::storage

#include "storage/sqlite_jobs.hpp"

namespace jobd::storage {
namespace {

constexpr auto select_heads = R"sql(
select distinct jobs.id, jobs.attempt
from nodes n
cross join json_each(n.queues) q
cross join jobs on jobs.id = (
  select id from (
    select id, priority, type, expires_at from jobs
    where queue = q.value and status = 'created' and ready
    order by priority, id
    limit ?3)
  where type in (select value from json_each(n.types)) and (expires_at is null or expires_at > ?2)
  order by priority, id
  limit 1)
where n.heartbeat_at >= ?1
  and q.value not in (select name from queues where paused)
  and n.slots > (select count(*) from jobs r where r.node_id = n.id and r.status = 'running')
order by jobs.id
)sql";

constexpr auto find_worker = "select exists (select 1 from nodes where slots > 0 and heartbeat_at >= ?1)";

/// Queues are found by jumping from one to the next, as by `list_queues`.
constexpr auto select_any_head = R"sql(
with recursive ready(queue) as (
  select (select queue from jobs where status = 'created' and ready order by queue limit 1)
  union all
  select (select j.queue from jobs j where j.status = 'created' and j.ready and j.queue > r.queue
          order by j.queue limit 1)
  from ready r where r.queue is not null
)
select id, attempt from jobs
where status = 'created' and ready and queue = (
  select queue from ready
  where queue is not null and queue not in (select name from queues where paused)
  limit 1)
order by priority, id
limit 1
)sql";

} // namespace

expected<queue_heads> read_heads(sqlite_connection& db, int most) {
  auto heads = queue_heads{};
  const auto now = time_now();
  const auto fresh = now - lease::overdue_after;
  const auto add = [&](const sqlite_row& r) {
    heads.jobs.push_back({r.number<job_id>(0), r.number<attempt_no>(1)});
  };
  return db
      .each(
          find_worker, [&](const sqlite_row& r) { heads.has_worker = r.number<int>(0) != 0; }, fresh)
      .and_then([&] {
        return heads.has_worker ? db.each(select_heads, add, fresh, now, most)
                                : db.each(select_any_head, add);
      })
      .map([&] { return std::move(heads); });
}

} // namespace jobd::storage

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
  and n.slots > (select count(*) from jobs r where r.node_id = n.id and r.status = 'running')
order by jobs.id
)sql";

} // namespace

expected<std::vector<run_key>> read_heads(sqlite_connection& db, int most) {
  auto heads = std::vector<run_key>{};
  const auto now = time_now();
  return db
      .each(
          select_heads,
          [&](const sqlite_row& r) {
            heads.push_back({r.number<job_id>(0), r.number<attempt_no>(1)});
          },
          now - lease::overdue_after, now, most)
      .map([&] { return std::move(heads); });
}

} // namespace jobd::storage

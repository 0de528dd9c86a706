#include "storage/sqlite_queues.hpp"

#include <algorithm>

namespace jobd::storage {
namespace {

/// Queues with ready jobs are found by jumping from one to the next in their index.
constexpr auto list_queues = R"sql(
with recursive ready(queue) as (
  select (select queue from jobs where status = 'created' and ready order by queue limit 1)
  union all
  select (select j.queue from jobs j where j.status = 'created' and j.ready and j.queue > r.queue
          order by j.queue limit 1)
  from ready r where r.queue is not null
  limit ?2 + 1
), served as (
  select value as name, count(*) as workers from nodes, json_each(nodes.queues)
  where heartbeat_at >= ?1
  group by value
)
select known.name, coalesce(q.paused, 0), q.changed_at, coalesce(s.workers, 0)
from (
  select name from queues where paused
  union
  select name from served
  union
  select queue from ready where queue is not null
) known
left join queues q on q.name = known.name
left join served s on s.name = known.name
order by known.name
limit ?2
)sql";

constexpr auto insert_paused = R"sql(
insert into queues (name, paused, changed_at) values (?1, 1, ?2)
on conflict (name) do update set paused = 1, changed_at = excluded.changed_at where not paused
)sql";

constexpr auto update_resumed = "update queues set paused = 0, changed_at = ?2 where name = ?1 and paused";

constexpr auto find_queue = R"sql(
select asked.name, coalesce(q.paused, 0), q.changed_at, (
  select count(*) from nodes where heartbeat_at >= ?2 and ?1 in (select value from json_each(nodes.queues)))
from (select ?1 as name) asked left join queues q on q.name = asked.name
)sql";

/// As in PostgreSQL.
constexpr auto sum_counts = R"sql(
with recursive priorities(p) as (select 0 union all select p + 1 from priorities where p < 9),
runs as (select queue, count(*) as n from jobs where status = 'running' group by queue)
select c.queue, max(sum(c.n) filter (where status = 'open') - coalesce(r.n, 0), 0), coalesce(r.n, 0),
  sum(c.n) filter (where status = 'success'), sum(c.n) filter (where status = 'failed'),
  sum(c.n) filter (where status = 'cancelled'), (
    select min((
      select max(created_at, coalesce(run_at, created_at)) from jobs j
      where j.queue = c.queue and j.status = 'created' and j.ready and j.priority = p
      order by j.id
      limit 1))
    from priorities)
from job_counts c left join runs r on r.queue = c.queue
where c.n <> 0
group by c.queue
order by c.queue
limit ?1
)sql";

queue_info read_queue(const sqlite_row& r) {
  return {r.text(0), r.number<int>(1) != 0, r.time(2), r.number<int>(3)};
}

timestamp fresh_since() {
  return time_now() - lease::overdue_after;
}

} // namespace

expected<std::vector<queue_info>> read_queues(sqlite_connection& db) {
  auto queues = std::vector<queue_info>{};
  return db
      .each(
          list_queues, [&](const sqlite_row& r) { queues.push_back(read_queue(r)); }, fresh_since(),
          most_queues)
      .map([&] { return std::move(queues); });
}

expected<std::vector<queue_stats>> read_stats(sqlite_connection& db) {
  auto stats = std::vector<queue_stats>{};
  const auto now = time_now();
  const auto on_row = [&](const sqlite_row& r) {
    auto& q = stats.emplace_back();
    q.queue = r.text(0);
    for (auto status = 0; status < 5; ++status)
      q.jobs[static_cast<std::size_t>(status)] = r.number<std::int64_t>(1 + status);
    if (const auto since = r.time(6))
      q.oldest_ready = std::max(seconds{now - *since}, seconds{0});
  };
  return db.each(sum_counts, on_row, most_queues).map([&] { return std::move(stats); });
}

expected<queue_info> pause_queue(sqlite_connection& db, const std::string& queue, bool paused) {
  auto after = queue_info{};
  return db.run(paused ? insert_paused : update_resumed, queue, time_now())
      .and_then([&] {
        return db.each(
            find_queue, [&](const sqlite_row& r) { after = read_queue(r); }, queue, fresh_since());
      })
      .map([&] { return std::move(after); });
}

} // namespace jobd::storage

#include "storage/sqlite_queues.hpp"

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

#include "storage/postgres_queues.hpp"

namespace jobd::storage {
namespace {

/// Queues with ready jobs are found by jumping from one to the next in their index, so that it does not
/// matter how many jobs there are.
constexpr auto list_queues = statement{"list_queues", R"sql(
with recursive ready as (
  (select queue from jobs where status = 'created' and ready order by queue limit 1)
  union all
  select next.queue from ready r
  cross join lateral (
    select queue from jobs where status = 'created' and ready and queue > r.queue order by queue limit 1
  ) next
), served as (
  select name, count(*) as workers from nodes cross join lateral unnest(queues) as name
  where heartbeat_at >= timezone('utc', now()) - $1::float8 * interval '1 second'
  group by name
)
select name, coalesce(q.paused, false), q.changed_at, coalesce(s.workers, 0)
from (
  select name from queues where paused
  union
  select name from served
  union
  (select queue from ready limit $2::bigint)
) known
left join queues q using (name)
left join served s using (name)
order by name
limit $2::bigint
)sql"};

/// One that was never paused needs no row.
constexpr auto set_paused = statement{"set_paused", R"sql(
with changed as (
  insert into queues as q (name, paused) select $1::text, $2::boolean
  where $2::boolean or exists (select from queues where name = $1::text)
  on conflict (name) do update set paused = excluded.paused,
    changed_at = case when q.paused = excluded.paused then q.changed_at else excluded.changed_at end
  returning paused, changed_at
)
select name, coalesce(paused, false), changed_at, (
  select count(*) from nodes
  where name = any(queues) and heartbeat_at >= timezone('utc', now()) - $3::float8 * interval '1 second')
from (select $1::text as name) asked left join changed on true
)sql"};

queue_info read_queue(const rows& r, int row) {
  return {std::string{r.text(row, 0)}, r.boolean(row, 1), r.time(row, 2), r.number<int>(row, 3)};
}

std::optional<double> fresh() {
  return seconds{lease::overdue_after}.count();
}

} // namespace

sql_expected<std::vector<queue_info>> read_queues(postgres_connection& pg) {
  auto r = pg.exec(list_queues, parameters{}.add(fresh()).add(std::int64_t{most_queues}));
  if (!r)
    return tl::unexpected{r.error()};
  auto queues = std::vector<queue_info>{};
  for (auto row = 0; row < r->size(); ++row)
    queues.push_back(read_queue(*r, row));
  return queues;
}

sql_expected<queue_info> pause_queue(postgres_connection& pg, const std::string& queue, bool paused) {
  auto r = pg.exec(set_paused, parameters{}.add(queue).add(paused ? "true" : "false").add(fresh()));
  if (!r)
    return tl::unexpected{r.error()};
  return read_queue(*r, 0);
}

} // namespace jobd::storage

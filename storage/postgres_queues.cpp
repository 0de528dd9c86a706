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

/// Open jobs that do not run are created. Those that run are as many as the nodes have slots at most, and
/// have an index of their own. The oldest ready job is the first of some priority.
constexpr auto sum_counts = statement{"sum_counts", R"sql(
with counted as (
  select queue, status, sum(n)::bigint as n from (
    select queue, status, n from job_counts
    union all
    select queue, was, -n from job_count_deltas where was is not null
    union all
    select queue, became, n from job_count_deltas where became is not null
  ) moved
  group by queue, status
  having sum(n) <> 0
), runs as (
  select queue, count(*) as n from jobs where status = 'running' group by queue
)
select c.queue,
  greatest(coalesce(sum(c.n) filter (where status = 'open'), 0) - coalesce(min(r.n), 0), 0),
  coalesce(min(r.n), 0),
  coalesce(sum(c.n) filter (where status = 'success'), 0), coalesce(sum(c.n) filter (where status = 'failed'), 0),
  coalesce(sum(c.n) filter (where status = 'cancelled'), 0), (
    select extract(epoch from timezone('utc', now()) - min(head.since))::float8
    from generate_series(0, 9) as p(priority)
    cross join lateral (
      select greatest(created_at, run_at) as since from jobs j
      where j.queue = c.queue and j.status = 'created' and j.ready and j.priority = p.priority
      order by j.id
      limit 1
    ) head)
from counted c left join runs r using (queue)
group by c.queue
order by c.queue
limit $1::bigint
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

sql_expected<std::vector<queue_stats>> read_stats(postgres_connection& pg) {
  auto r = pg.exec(sum_counts, parameters{}.add(std::int64_t{most_queues}));
  if (!r)
    return tl::unexpected{r.error()};
  auto stats = std::vector<queue_stats>{};
  for (auto row = 0; row < r->size(); ++row) {
    auto& q = stats.emplace_back();
    q.queue = r->text(row, 0);
    for (auto status = 0; status < 5; ++status)
      q.jobs[static_cast<std::size_t>(status)] = r->number<std::int64_t>(row, 1 + status);
    if (!r->null(row, 6))
      q.oldest_ready = seconds{r->number<double>(row, 6)};
  }
  return stats;
}

sql_expected<queue_info> pause_queue(postgres_connection& pg, const std::string& queue, bool paused) {
  auto r = pg.exec(set_paused, parameters{}.add(queue).add(paused ? "true" : "false").add(fresh()));
  if (!r)
    return tl::unexpected{r.error()};
  return read_queue(*r, 0);
}

} // namespace jobd::storage

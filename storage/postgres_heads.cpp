#include "storage/postgres_jobs.hpp"

#include "core/lease.hpp"

namespace jobd::storage {
namespace {

/// Nodes that take the same are looked at once.
constexpr auto select_heads = statement{"select_heads", R"sql(
select distinct head.id, head.attempt
from (
  select distinct n.queues, n.types from nodes n
  where n.heartbeat_at >= timezone('utc', now()) - $1::float8 * interval '1 second'
    and n.slots > (select count(*) from jobs r where r.node_id = n.id and r.status = 'running')
) takes
cross join lateral (
  select name from unnest(takes.queues) name
  where not exists (select from queues where queues.name = name.name and paused)
) q
cross join lateral (
  select id, attempt from (
    select id, attempt, priority, type, expires_at from jobs
    where queue = q.name and status = 'created' and ready
    order by priority, id
    limit $2::bigint
  ) first
  where type = any(takes.types) and (expires_at is null or expires_at > timezone('utc', now()))
  order by priority, id
  limit 1
) head
order by head.id
)sql"};

constexpr auto find_worker = statement{"find_worker", R"sql(
select exists (
  select from nodes where slots > 0 and heartbeat_at >= timezone('utc', now()) - $1::float8 * interval '1 second')
)sql"};

/// Queues are found by jumping from one to the next, as by `list_queues`.
constexpr auto select_any_head = statement{"select_any_head", R"sql(
with recursive ready as (
  (select queue from jobs where status = 'created' and ready order by queue limit 1)
  union all
  select next.queue from ready r
  cross join lateral (
    select queue from jobs where status = 'created' and ready and queue > r.queue order by queue limit 1
  ) next
)
select head.id, head.attempt
from (
  select queue from ready where not exists (select from queues where name = ready.queue and paused) limit 1
) first
cross join lateral (
  select id, attempt from jobs
  where queue = first.queue and status = 'created' and ready
  order by priority, id
  limit 1
) head
)sql"};

} // namespace

sql_expected<queue_heads> read_heads(postgres_connection& pg, int most) {
  const auto fresh = std::optional{seconds{lease::overdue_after}.count()};
  const auto worker = pg.exec(find_worker, parameters{}.add(fresh));
  if (!worker)
    return tl::unexpected{worker.error()};
  auto heads = queue_heads{.has_worker = worker->boolean(0, 0), .jobs = {}};
  const auto r = heads.has_worker ? pg.exec(select_heads, parameters{}.add(fresh).add(std::int64_t{most}))
                                  : pg.exec(select_any_head, parameters{});
  if (!r)
    return tl::unexpected{r.error()};
  for (auto row = 0; row < r->size(); ++row)
    heads.jobs.push_back({r->number<job_id>(row, 0), r->number<attempt_no>(row, 1)});
  return heads;
}

} // namespace jobd::storage

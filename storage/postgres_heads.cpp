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
cross join lateral unnest(takes.queues) q(name)
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

} // namespace

sql_expected<std::vector<run_key>> read_heads(postgres_connection& pg, int most) {
  const auto fresh = std::optional{seconds{lease::overdue_after}.count()};
  auto r = pg.exec(select_heads, parameters{}.add(fresh).add(std::int64_t{most}));
  if (!r)
    return tl::unexpected{r.error()};
  auto heads = std::vector<run_key>{};
  for (auto row = 0; row < r->size(); ++row)
    heads.push_back({r->number<job_id>(row, 0), r->number<attempt_no>(row, 1)});
  return heads;
}

} // namespace jobd::storage

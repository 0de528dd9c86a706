#include "storage/postgres_jobs.hpp"

namespace jobd::storage {
namespace {

/// Each part by an index, and none for a job that does not wait.
const auto explain_job_sql = "select j.*,"
                             R"sql(
  case when j.status = 'created' then (
    select count(*) from (
      select from jobs a
      where a.queue = j.queue and a.status = 'created' and a.ready and (a.priority, a.id) < (j.priority, j.id)
      limit $2::bigint
    ) before
  ) else 0 end,
  exists (
    select from nodes n
    where n.heartbeat_at >= timezone('utc', now()) - $3::float8 * interval '1 second'
      and j.queue = any(n.queues) and j.type = any(n.types)),
  case when j.status = 'created' and j.object_limit = 1 then (
    select r.id from jobs r
    where r.type = j.type and r.object_id = j.object_id and r.status = 'running' and r.object_limit = 1
  ) end,
  exists (select from queues q where q.name = j.queue and q.paused)
from (select )sql" + job_columns
                             + " from jobs where id = $1::bigint) j";
const auto explain_job = statement{"explain_job", explain_job_sql.c_str()};

} // namespace

sql_expected<std::optional<explanation>> read_explanation(postgres_connection& pg, job_id id) {
  const auto fresh = std::optional{seconds{lease::overdue_after}.count()};
  auto r = pg.exec(explain_job, parameters{}.add(id).add(most_ahead).add(fresh));
  if (!r)
    return tl::unexpected{r.error()};
  if (r->size() == 0)
    return std::nullopt;
  auto e = explanation{};
  e.what = read_job(*r, 0);
  e.ahead = r->number<std::int64_t>(0, job_column_count);
  e.has_worker = r->boolean(0, job_column_count + 1);
  if (!r->null(0, job_column_count + 2))
    e.blocked_by = r->number<job_id>(0, job_column_count + 2);
  e.paused = r->boolean(0, job_column_count + 3);
  return e;
}

} // namespace jobd::storage

#include "storage/postgres_jobs.hpp"

#include <map>

namespace jobd::storage {
namespace {

const auto jobs_by_id_sql = "select " + job_columns + " from jobs where id = any($1::bigint[])";
const auto jobs_by_id = statement{"jobs_by_id", jobs_by_id_sql.c_str()};

/// Reads the head of each queue, by the index that holds nothing but what is ready.
constexpr auto ready_heads = statement{"ready_heads", R"sql(
select head.id, head.queue, head.priority
from unnest($1::text[]) with ordinality as q(name, place)
cross join lateral (
  select id, queue, priority from jobs
  where queue = q.name and status = 'created' and ready and type = any($2::text[])
  order by priority, id
  limit $3::bigint
) head
where q.name <> all(array(select name from queues where paused))
order by q.place, head.priority, head.id
)sql"};

} // namespace

job read_job(const rows& r, int row) {
  auto j = job{};
  j.id = r.number<job_id>(row, 0);
  j.object_id = r.number<std::int64_t>(row, 1);
  j.status = parse_status(r.text(row, 2)).value_or(job_status::created);
  j.start_time = r.time(row, 3);
  j.end_time = r.time(row, 4);
  j.message = r.optional_text(row, 5);
  j.created_at = r.time(row, 6).value_or(timestamp{});
  j.queue = r.text(row, 7);
  j.type = r.text(row, 8);
  j.payload = r.optional_text(row, 9);
  j.priority = r.number<int>(row, 10);
  j.run_at = r.time(row, 11);
  j.ready = r.boolean(row, 12);
  if (!r.null(row, 13))
    j.timeout = seconds{r.number<double>(row, 13)};
  j.max_attempts = r.number<int>(row, 14);
  j.attempt = r.number<attempt_no>(row, 15);
  j.failures = r.number<int>(row, 16);
  j.recoveries = r.number<int>(row, 17);
  if (!r.null(row, 18))
    j.node = r.number<node_id>(row, 18);
  j.result = r.optional_text(row, 19);
  j.expires_at = r.time(row, 20);
  j.object_limit = r.number<int>(row, 21);
  j.progress = r.optional_text(row, 22);
  j.cancel_requested = r.boolean(row, 23);
  j.traceparent = r.optional_text(row, 24);
  return j;
}

sql_expected<std::vector<std::optional<job>>> read_jobs(postgres_connection& pg,
                                                        std::span<const job_id> ids) {
  auto r = pg.exec(jobs_by_id, parameters{}.add(column<std::int64_t>(ids.begin(), ids.end())));
  if (!r)
    return tl::unexpected{r.error()};
  auto row_of = std::map<job_id, int>{};
  for (auto row = 0; row < r->size(); ++row)
    row_of[r->number<job_id>(row, 0)] = row;
  auto found = std::vector<std::optional<job>>(ids.size());
  for (auto i = std::size_t{0}; i < ids.size(); ++i)
    if (const auto at = row_of.find(ids[i]); at != row_of.end())
      found[i] = read_job(*r, at->second);
  return found;
}

job_change read_change(const rows& r, int row) {
  auto c = job_change{};
  c.id = r.number<job_id>(row, 0);
  c.object_id = r.number<std::int64_t>(row, 1);
  c.type = r.text(row, 2);
  c.queue = r.text(row, 3);
  c.priority = r.number<int>(row, 4);
  c.status = parse_status(r.text(row, 5)).value_or(job_status::created);
  c.attempt = r.number<attempt_no>(row, 6);
  if (!r.null(row, 7))
    c.node = r.number<node_id>(row, 7);
  return c;
}

hint read_hint(const rows& r, int row) {
  return {r.number<job_id>(row, 0), std::string{r.text(row, 1)}, r.number<int>(row, 2)};
}

sql_expected<std::vector<hint>> read_ready(postgres_connection& pg, const ready_query& q) {
  auto r = pg.exec(ready_heads, parameters{}.add(q.queues).add(q.types).add(std::int64_t{q.limit}));
  if (!r)
    return tl::unexpected{r.error()};
  auto hints = std::vector<hint>{};
  for (auto row = 0; row < r->size(); ++row)
    hints.push_back(read_hint(*r, row));
  return hints;
}

} // namespace jobd::storage

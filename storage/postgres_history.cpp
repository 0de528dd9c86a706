#include "storage/postgres_jobs.hpp"

namespace jobd::storage {
namespace {

/// The last attempt is on the job's own row, unless it has its record already: it was given back or lost, and
/// the job waits, or came to its end without another run. A job that runs shows the message of the attempt
/// before. The first row stands for the job itself.
constexpr auto attempts_of = statement{"attempts_of", R"sql(
select null::integer as attempt, null::bigint, null::timestamp, null::timestamp as end_time, null::text,
  null::text
from jobs where id = $1::bigint
union all
select attempt, node_id, start_time, end_time, outcome, message from job_attempts
where job_id = $1::bigint and exists (select from jobs where id = $1::bigint)
union all
select attempt, node_id, start_time, end_time, status, case when status <> 'running' then message end from jobs j
where id = $1::bigint and status <> 'created' and attempt > 0
  and not exists (
    select from job_attempts h
    where h.job_id = $1::bigint and h.attempt = j.attempt and h.outcome <> 'refused')
order by attempt nulls first, end_time
)sql"};

attempt_record read_record(const rows& r, int row) {
  auto a = attempt_record{};
  a.attempt = r.number<attempt_no>(row, 0);
  if (!r.null(row, 1))
    a.node = r.number<node_id>(row, 1);
  a.start_time = r.time(row, 2);
  a.end_time = r.time(row, 3);
  a.outcome = r.text(row, 4);
  a.message = r.optional_text(row, 5);
  return a;
}

} // namespace

sql_expected<std::optional<std::vector<attempt_record>>> read_history(postgres_connection& pg, job_id id) {
  auto r = pg.exec(attempts_of, parameters{}.add(id));
  if (!r)
    return tl::unexpected{r.error()};
  if (r->size() == 0)
    return std::nullopt;
  auto records = std::vector<attempt_record>{};
  for (auto row = 1; row < r->size(); ++row)
    records.push_back(read_record(*r, row));
  return records;
}

} // namespace jobd::storage

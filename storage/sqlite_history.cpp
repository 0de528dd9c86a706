#include "storage/sqlite_jobs.hpp"

namespace jobd::storage {
namespace {

constexpr auto find_job = "select 1 from jobs where id = ?1";

/// The last attempt is on the job's row, unless the job went back and was then withdrawn. A job that runs
/// shows the message of the attempt before.
constexpr auto read_attempts = R"sql(
select attempt, node_id, start_time, end_time, outcome, message from job_attempts where job_id = ?1
union all
select attempt, node_id, start_time, end_time, status, iif(status = 'running', null, message) from jobs
where id = ?1 and attempt > 0 and status <> 'created' and not exists (
  select 1 from job_attempts a where a.job_id = jobs.id and a.attempt = jobs.attempt and a.outcome <> 'refused')
order by attempt, end_time nulls last
)sql";

attempt_record read_record(const sqlite_row& r) {
  return {r.number<attempt_no>(0), r.optional_number<node_id>(1), r.time(2), r.time(3), r.text(4),
          r.optional_text(5)};
}

} // namespace

expected<std::vector<attempt_record>> read_history(sqlite_connection& db, job_id id) {
  auto records = std::vector<attempt_record>{};
  auto found = false;
  auto read = db.each(
                    find_job, [&](const sqlite_row&) { found = true; }, id)
                  .and_then([&] {
                    return db.each(
                        read_attempts, [&](const sqlite_row& r) { records.push_back(read_record(r)); }, id);
                  });
  if (!read)
    return tl::unexpected{read.error()};
  if (!found)
    return fail(ec::not_found, "no job has the id " + std::to_string(id));
  return records;
}

} // namespace jobd::storage

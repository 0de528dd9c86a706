#include "storage/sqlite_upkeep.hpp"

#include "storage/sqlite_jobs.hpp"

#include <algorithm>

namespace jobd::storage {
namespace {

constexpr auto turn_due_ready = R"sql(
update jobs set ready = 1
where id in (
  select id from jobs where status = 'created' and not ready and run_at <= ?1 order by run_at limit ?2)
returning id, queue, priority
)sql";

constexpr auto read_next = R"sql(
select run_at from jobs where status = 'created' and not ready order by run_at limit 1
)sql";

/// One page of the primary key. Ids grow with created_at, so a page that reaches rows younger than the
/// retention has nothing old behind it.
constexpr auto read_page = R"sql(
select max(id), count(*) < ?2 or max(created_at) > ?3
from (select id, created_at from jobs where id > ?1 order by id limit ?2)
)sql";

constexpr auto delete_page = R"sql(
delete from jobs
where id > ?1 and id <= ?2 and status in ('success', 'failed', 'cancelled') and end_time < ?3
)sql";

constexpr auto delete_expired = R"sql(
delete from job_dedupe
where (type, object_id) in (
  select type, object_id from job_dedupe where expires_at < ?1 order by expires_at limit ?2)
)sql";

constexpr std::int64_t page_rows = 2000;

} // namespace

expected<promotion> promote_due(sqlite_connection& db, int limit) {
  auto p = promotion{};
  const auto now = time_now();
  const auto next = [&](const sqlite_row& r) {
    p.next_in = std::max(seconds{r.time(0).value_or(now) - now}, seconds{0});
  };
  return db
      .each(
          turn_due_ready, [&](const sqlite_row& r) { p.hints.push_back(read_hint(r)); }, now,
          std::max(limit, 0))
      .and_then([&] { return db.each(read_next, next); })
      .map([&] { return std::move(p); });
}

expected<prune_report> prune_old(sqlite_connection& db, prune_cursor from, seconds retention) {
  auto report = prune_report{};
  const auto now = time_now();
  const auto before = after(now, -retention);
  auto last = std::optional<job_id>{};
  auto end_of_jobs = true;
  const auto page = [&](const sqlite_row& r) {
    if (r.null(0))
      return;
    last = r.number<job_id>(0);
    end_of_jobs = r.number<int>(1) != 0;
  };
  return db.each(read_page, page, from.after, page_rows, before)
      .and_then([&] { return db.run(delete_page, from.after, last.value_or(from.after), before); })
      .and_then([&] {
        report.jobs = db.changed();
        // A minute late, as in PostgreSQL: nothing depends on it here.
        return db.run(delete_expired, now - std::chrono::minutes{1}, page_rows);
      })
      .map([&] {
        report.dedupe_rows = db.changed();
        if (!end_of_jobs)
          report.next.after = *last;
        report.done = end_of_jobs && report.dedupe_rows < page_rows;
        return report;
      });
}

} // namespace jobd::storage

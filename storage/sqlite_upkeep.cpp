#include "storage/sqlite_upkeep.hpp"

#include "storage/sqlite_jobs.hpp"

#include <algorithm>

namespace jobd::storage {
namespace {

constexpr auto turn_due_ready = R"sql(
update jobs set ready = 1, blocked = 0
where id in (
  select id from jobs where status = 'created' and not ready and run_at <= ?1 order by run_at limit ?2)
returning id, queue, priority
)sql";

constexpr auto read_next = R"sql(
select run_at from jobs where status = 'created' and not ready order by run_at limit 1
)sql";

/// Also what is not due yet: it will not be in time.
constexpr auto fail_expired = R"sql(
update jobs set status = ?1, message = 'expired', end_time = ?2, ready = 1, blocked = 0
where id in (
  select id from jobs
  where status = 'created' and expires_at is not null and expires_at <= ?2
  order by expires_at
  limit ?3)
returning id, object_id, type, queue, priority, status, attempt, null
)sql";

constexpr auto read_next_expiry = R"sql(
select expires_at from jobs where status = 'created' and expires_at is not null order by expires_at limit 1
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

/// Of the page's jobs that are gone.
constexpr auto delete_attempts = R"sql(
delete from job_attempts
where job_id > ?1 and job_id <= ?2 and not exists (select 1 from jobs where jobs.id = job_attempts.job_id)
)sql";

constexpr auto delete_expired = R"sql(
delete from job_dedupe
where (type, object_id) in (
  select type, object_id from job_dedupe where expires_at < ?1 order by expires_at limit ?2)
)sql";

constexpr auto delete_expired_answers = R"sql(
delete from job_idempotency
where key in (select key from job_idempotency where expires_at < ?1 order by expires_at limit ?2)
)sql";

/// Queues come and go.
constexpr auto forget_empty = "delete from job_counts where n = 0";

constexpr std::int64_t page_rows = 2000;

/// Until that time; zero if it has passed.
seconds wait_for(std::optional<timestamp> due, timestamp now) {
  return std::max(seconds{due.value_or(now) - now}, seconds{0});
}

/// Removes dedupe rows and answers to idempotency keys; true if none is left.
expected<bool> prune_keys(sqlite_connection& db, timestamp now, std::int64_t& dedupe_rows) {
  // A minute late, as in PostgreSQL: nothing depends on it here.
  const auto before = now - std::chrono::minutes{1};
  return db.run(delete_expired, before, page_rows)
      .and_then([&] {
        dedupe_rows = db.changed();
        return db.run(delete_expired_answers, before, page_rows);
      })
      .map([&] { return dedupe_rows < page_rows && db.changed() < page_rows; });
}

} // namespace

expected<promotion> promote_due(sqlite_connection& db, int limit) {
  auto p = promotion{};
  const auto now = time_now();
  const auto next = [&](const sqlite_row& r) { p.next_in = wait_for(r.time(0), now); };
  return db
      .each(
          turn_due_ready, [&](const sqlite_row& r) { p.hints.push_back(read_hint(r)); }, now,
          std::max(limit, 0))
      .and_then([&] { return db.each(read_next, next); })
      .map([&] { return std::move(p); });
}

expected<expiry> expire_jobs(sqlite_connection& db, int limit) {
  auto e = expiry{};
  const auto now = time_now();
  return db
      .each(
          fail_expired, [&](const sqlite_row& r) { e.expired.push_back(read_change(r)); },
          to_string(lifecycle::next(job_status::created, lifecycle::event::expire).value()), now,
          std::max(limit, 0))
      .and_then([&] {
        return db.each(read_next_expiry, [&](const sqlite_row& r) { e.next_in = wait_for(r.time(0), now); });
      })
      .map([&] {
        std::ranges::sort(e.expired, {}, &job_change::id);
        return std::move(e);
      });
}

expected<prune_report> prune_old(sqlite_connection& db, prune_cursor from, seconds retention) {
  auto report = prune_report{};
  const auto now = time_now();
  const auto before = after(now, -retention);
  auto last = std::optional<job_id>{};
  auto end_of_jobs = true;
  const auto first = from.after.value_or(0);
  const auto page = [&](const sqlite_row& r) {
    if (r.null(0))
      return;
    last = r.number<job_id>(0);
    end_of_jobs = r.number<int>(1) != 0;
  };
  return db.each(read_page, page, first, page_rows, before)
      .and_then([&] { return db.run(delete_page, first, last.value_or(first), before); })
      .and_then([&] {
        report.jobs = db.changed();
        return db.run(delete_attempts, first, last.value_or(first));
      })
      .and_then([&] { return db.run(forget_empty); })
      .and_then([&] { return prune_keys(db, now, report.dedupe_rows); })
      .map([&](bool no_keys_left) {
        if (!end_of_jobs)
          report.next.after = *last;
        report.done = end_of_jobs && no_keys_left;
        return report;
      });
}

} // namespace jobd::storage

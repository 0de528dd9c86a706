#include "core/lifecycle.hpp"
#include "storage/sqlite_object_limit.hpp"
#include "storage/sqlite_write.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace jobd::storage {
namespace {

// A node without a row claims nothing: it was condemned, and what it took now would be taken from it at once.

/// `+ready` keeps the planner from walking the index of ready jobs for a few ids.
constexpr auto hinted_candidates = R"sql(
select id, object_limit, recoveries from jobs
where id in (select value from json_each(?2)) and status = 'created' and +ready
  and (expires_at is null or expires_at > ?5)
  and type in (select value from json_each(?3)) and exists (select 1 from nodes where nodes.id = ?1)
  and queue not in (select name from queues where paused)
  and (recoveries < ?6 or not exists (
    select 1 from jobs r where r.node_id = ?1 and r.status = 'running' and r.recoveries >= ?6))
order by priority, id
limit ?4
)sql";

/// The head of one queue, by the index that holds nothing but what is ready.
constexpr auto head_candidates = R"sql(
select id, object_limit, recoveries from jobs
where queue = ?2 and status = 'created' and ready
  and (expires_at is null or expires_at > ?5)
  and type in (select value from json_each(?3)) and exists (select 1 from nodes where nodes.id = ?1)
  and not exists (select 1 from queues where name = ?2 and paused)
  and (recoveries < ?6 or not exists (
    select 1 from jobs r where r.node_id = ?1 and r.status = 'running' and r.recoveries >= ?6))
order by priority, id
limit ?4
)sql";

constexpr auto start_jobs = R"sql(
update jobs set status = 'running', attempt = attempt + 1, node_id = ?2, start_time = ?3, end_time = null,
  progress = null
where id in (select value from json_each(?1))
returning id, attempt, object_id, type, queue, payload, priority, timeout, max_attempts, failures, recoveries,
  object_limit, traceparent,
  case when attempt = 1 then max(start_time - max(created_at, coalesce(run_at, created_at)), 0) end
)sql";

/// A head that is full of suspects, or of jobs to be set aside, is passed in so many steps; the next claim
/// goes on.
constexpr auto most_steps = 8;

struct candidate {
  job_id id = 0;
  bool limited = false;
  bool suspect = false;
};

/// Its place.
std::tuple<int, job_id> in_queue(const claimed_job& j) {
  return {j.priority, j.id};
}

claimed_job read_claimed(const sqlite_row& r) {
  auto j = claimed_job{};
  j.id = r.number<job_id>(0);
  j.attempt = r.number<attempt_no>(1);
  j.object_id = r.number<std::int64_t>(2);
  j.type = r.text(3);
  j.queue = r.text(4);
  j.payload = r.text(5);
  j.priority = r.number<int>(6);
  if (!r.null(7))
    j.timeout = seconds{r.real(7)};
  j.max_attempts = r.number<int>(8);
  j.failures = r.number<int>(9);
  j.recoveries = r.number<int>(10);
  j.object_limit = r.number<int>(11);
  j.traceparent = r.text(12);
  if (!r.null(13))
    j.waited = std::chrono::microseconds{r.number<std::int64_t>(13)};
  return j;
}

/// The first jobs of `where`, a list of ids or a queue, in queue order.
expected<std::vector<candidate>> read_candidates(sqlite_connection& db, const char* sql,
                                                 const claim_request& c, const std::string& where,
                                                 int limit) {
  auto found = std::vector<candidate>{};
  auto read = db.each(
      sql,
      [&](const sqlite_row& r) {
        found.push_back(
            {r.number<job_id>(0), r.number<int>(1) != 0, lifecycle::is_suspect(r.number<int>(2))});
      },
      c.node, where, json_list(c.types), limit, time_now(), lifecycle::suspect_after);
  return read.map([&] { return std::move(found); });
}

expected<void> start(sqlite_connection& db, std::span<const job_id> ids, node_id node,
                     std::vector<claimed_job>& started) {
  return db.each(
      start_jobs, [&](const sqlite_row& r) { started.push_back(read_claimed(r)); }, json_list(ids), node,
      time_now());
}

/// Adds those that are started, in any order. One suspect of them is enough. One with a limit starts at once,
/// so that the next of its object meets it as running; all others by one statement.
expected<void> start_free(sqlite_connection& db, std::span<const candidate> candidates, node_id node,
                          std::vector<claimed_job>& started) {
  auto unlimited = std::vector<job_id>{};
  auto has_suspect = false;
  for (const auto& c : candidates) {
    if (c.suspect && std::exchange(has_suspect, true))
      continue;
    if (!c.limited) {
      unlimited.push_back(c.id);
      continue;
    }
    const auto waits = set_aside(db, c.id);
    if (!waits)
      return tl::unexpected{waits.error()};
    if (*waits)
      continue;
    if (auto done = start(db, {&c.id, 1}, node, started); !done)
      return done;
  }
  return unlimited.empty() ? expected<void>{} : start(db, unlimited, node, started);
}

/// Adds to `jobs` until there are `limit`.
expected<void> take(sqlite_connection& db, const char* sql, const claim_request& c, const std::string& where,
                    std::vector<claimed_job>& jobs) {
  for (auto step = 0; step < most_steps; ++step) {
    const auto before = jobs.size();
    const auto wanted = c.limit - static_cast<int>(before);
    if (wanted <= 0)
      return {};
    const auto candidates = read_candidates(db, sql, c, where, wanted);
    if (!candidates)
      return tl::unexpected{candidates.error()};
    if (auto started = start_free(db, *candidates, c.node, jobs); !started)
      return started;
    std::ranges::sort(jobs.begin() + static_cast<std::ptrdiff_t>(before), jobs.end(), {}, in_queue);
    if (jobs.size() == before + candidates->size())
      return {};
  }
  return {};
}

expected<std::vector<claimed_job>> write_claim(sqlite_connection& db, const claim_request& c) {
  auto jobs = std::vector<claimed_job>{};
  auto taken = expected<void>{};
  if (!c.ids.empty())
    taken = take(db, hinted_candidates, c, json_list(c.ids), jobs);
  else
    for (auto queue = c.queues.begin(); taken && queue != c.queues.end(); ++queue)
      taken = take(db, head_candidates, c, *queue, jobs);
  return taken.map([&] { return std::move(jobs); });
}

} // namespace

expected<std::vector<std::vector<claimed_job>>> write_claims(sqlite_connection& db,
                                                             std::span<const claim_request> claims) {
  auto answers = std::vector<std::vector<claimed_job>>{};
  for (const auto& c : claims) {
    auto taken = write_claim(db, c);
    if (!taken)
      return tl::unexpected{taken.error()};
    answers.push_back(std::move(*taken));
  }
  return answers;
}

} // namespace jobd::storage

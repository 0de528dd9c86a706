#include "storage/sqlite_write.hpp"

#include <algorithm>
#include <tuple>

namespace jobd::storage {
namespace {

// A node without a row claims nothing: it was condemned, and what it took now would be taken from it at once.

/// `+ready` keeps the planner from walking the index of ready jobs for a few ids.
constexpr auto claim_hinted = R"sql(
update jobs set status = 'running', attempt = attempt + 1, node_id = ?1, start_time = ?2, end_time = null
where id in (
  select id from jobs
  where id in (select value from json_each(?3)) and status = 'created' and +ready
    and type in (select value from json_each(?4)) and exists (select 1 from nodes where nodes.id = ?1)
  order by priority, id
  limit ?5)
returning id, attempt, object_id, type, queue, payload, priority, timeout, max_attempts, failures
)sql";

/// The head of one queue, by the index that holds nothing but what is ready.
constexpr auto claim_head = R"sql(
update jobs set status = 'running', attempt = attempt + 1, node_id = ?1, start_time = ?2, end_time = null
where id in (
  select id from jobs
  where queue = ?3 and status = 'created' and ready
    and type in (select value from json_each(?4)) and exists (select 1 from nodes where nodes.id = ?1)
  order by priority, id
  limit ?5)
returning id, attempt, object_id, type, queue, payload, priority, timeout, max_attempts, failures
)sql";

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
  return j;
}

/// The jobs that one statement takes of `where`, a list of ids or a queue, in queue order; an update returns
/// them in any.
expected<std::vector<claimed_job>> take(sqlite_connection& db, const char* sql, const claim_request& c,
                                        const std::string& where, int limit) {
  auto jobs = std::vector<claimed_job>{};
  auto taken = db.each(
      sql, [&](const sqlite_row& r) { jobs.push_back(read_claimed(r)); }, c.node, time_now(), where,
      json_list(c.types), limit);
  if (!taken)
    return tl::unexpected{taken.error()};
  std::ranges::sort(jobs, {}, [](const claimed_job& j) { return std::tuple{j.priority, j.id}; });
  return jobs;
}

expected<std::vector<claimed_job>> write_claim(sqlite_connection& db, const claim_request& c) {
  if (!c.ids.empty())
    return take(db, claim_hinted, c, json_list(c.ids), std::max(c.limit, 0));
  auto jobs = std::vector<claimed_job>{};
  for (const auto& queue : c.queues) {
    const auto wanted = c.limit - static_cast<int>(jobs.size());
    if (wanted <= 0)
      break;
    auto taken = take(db, claim_head, c, queue, wanted);
    if (!taken)
      return taken;
    std::ranges::move(*taken, std::back_inserter(jobs));
  }
  return jobs;
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

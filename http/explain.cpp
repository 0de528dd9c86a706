#include "http/explain.hpp"

#include "core/lifecycle.hpp"

namespace jobd::http {
namespace {

reason why_final(const job& j) {
  auto detail = "the job has ended: " + std::string{to_string(j.status)};
  if (j.end_time)
    detail += " at " + to_rfc3339(*j.end_time);
  if (j.message)
    detail += ", with the message: " + *j.message;
  return {.code = "final", .detail = std::move(detail)};
}

reason why_running(const job& j) {
  auto detail = "attempt " + std::to_string(j.attempt) + " runs";
  if (j.node)
    detail += " on node " + std::to_string(*j.node);
  if (j.start_time)
    detail += " since " + to_rfc3339(*j.start_time);
  if (j.cancel_requested)
    detail += " and was asked to end";
  return {.code = "running", .detail = std::move(detail), .node = j.node};
}

reason why_later(const job& j) {
  const auto at = to_rfc3339(*j.run_at);
  if (j.failures == 0)
    return {.code = "scheduled", .detail = "the job is scheduled for " + at, .until = j.run_at};
  return {.code = "retry_at",
          .detail = std::to_string(j.failures) + " of " + std::to_string(j.max_attempts)
                    + " attempts have failed; the next one is at " + at,
          .until = j.run_at};
}

reason why_blocked(const job& j, job_id by) {
  return {.code = "object_busy",
          .detail = "job " + std::to_string(by) + " of type " + j.type + " runs for object "
                    + std::to_string(j.object_id) + ", and object_limit allows one at a time",
          .blocked_by = by};
}

reason why_paused(const job& j) {
  return {.code = "paused", .detail = "queue " + j.queue + " is paused"};
}

reason why_no_worker(const job& j) {
  return {.code = "no_worker", .detail = "no live worker takes type " + j.type + " from queue " + j.queue};
}

reason why_suspect(const job& j, std::int64_t ahead) {
  return {.code = "suspect",
          .detail = "its workers died " + std::to_string(j.recoveries)
                    + " times while running it, so it waits for a worker that runs no other such job",
          .ahead = std::min(ahead, storage::most_ahead)};
}

reason why_queued(const job& j, std::int64_t ahead) {
  auto count = ahead >= storage::most_ahead ? "at least " + std::to_string(storage::most_ahead)
                                            : std::to_string(ahead);
  return {.code = "queued",
          .detail = std::move(count) + " ready jobs are before it in queue " + j.queue,
          .ahead = std::min(ahead, storage::most_ahead)};
}

} // namespace

std::vector<reason> explain(const storage::explanation& e) {
  const auto& j = e.what;
  if (is_final(j.status))
    return {why_final(j)};
  if (j.status == job_status::running)
    return {why_running(j)};
  auto reasons = std::vector<reason>{};
  if (!j.ready && j.run_at)
    reasons.push_back(why_later(j));
  if (e.blocked_by)
    reasons.push_back(why_blocked(j, *e.blocked_by));
  if (e.paused)
    reasons.push_back(why_paused(j));
  if (!e.has_worker)
    reasons.push_back(why_no_worker(j));
  if (reasons.empty() && lifecycle::is_suspect(j.recoveries))
    reasons.push_back(why_suspect(j, e.ahead));
  if (reasons.empty())
    reasons.push_back(why_queued(j, e.ahead));
  return reasons;
}

} // namespace jobd::http

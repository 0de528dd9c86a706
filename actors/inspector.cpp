#include "actors/inspector.hpp"

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "core/metrics.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;

/// Whoever scrapes or probes must get an answer before giving up, whatever is away.
constexpr auto queue_timeout = 1s;
constexpr auto storage_timeout = 2s;
/// Jobs of each queue that a look goes through, for one of a type that workers have.
constexpr auto most_looked_at = 1'000;

} // namespace

inspector_actor::behavior_type inspector_state::make_behavior(storage_actor storage, queue_actor queue,
                                                              seconds stuck_after) {
  storage_ = std::move(storage);
  queue_ = std::move(queue);
  stuck_after_ = stuck_after;
  return {
      [this](atom::measure) { return measure(); },
      [this](atom::ready) { return ready(); },
  };
}

// -- metrics
// -------------------------------------------------------------------------------------------------------

caf::result<std::string> inspector_state::measure() {
  const auto queues = metrics::queues.all();
  if (queues.empty())
    return metrics::text();
  auto answer = self_->make_response_promise<std::string>();
  measuring_.push_back(answer);
  if (asking_ > 0)
    return answer;
  asking_ = queues.size();
  for (const auto& queue : queues)
    ask<std::int64_t>(
        self_, queue_, queue_timeout,
        [this, queue](std::int64_t size) { measured(queue, static_cast<double>(size)); },
        [this, queue](const caf::error&) { measured(queue, std::numeric_limits<double>::quiet_NaN()); },
        atom::size_v, queue);
  return answer;
}

void inspector_state::measured(const std::string& queue, double depth) {
  metrics::queue_depth.of({queue}).set(depth);
  if (--asking_ > 0)
    return;
  const auto text = metrics::text();
  for (auto& answer : std::exchange(measuring_, {}))
    answer.deliver(text);
}

// -- readiness
// -----------------------------------------------------------------------------------------------------

caf::result<readiness> inspector_state::ready() {
  // Without the database to look costs nothing, and it may be back.
  if (found_ && found_->database
      && self_->clock().now() - found_at_ < std::min<seconds>(good_for, stuck_after_ / 4))
    return *found_;
  auto answer = self_->make_response_promise<readiness>();
  looking_.push_back(answer);
  if (looking_.size() == 1)
    ask<storage::queue_heads>(
        self_, storage_, storage_timeout, [this](storage::queue_heads& heads) { seen(heads); },
        [this](const caf::error& why) { not_seen(from_caf(why)); }, atom::ready_v, most_looked_at);
  return answer;
}

/// Without workers heads may change, but none was started.
void inspector_state::seen(storage::queue_heads& heads) {
  const auto now = self_->clock().now();
  const auto stay = !heads.jobs.empty() && !heads_.jobs.empty() && (!heads.has_worker || heads == heads_)
                    && now - found_at_ <= most_between_looks;
  heads_ = std::move(heads);
  if (!stay)
    since_ = now;
  auto found = readiness{.progress = now - since_ < stuck_after_, .reasons = {}};
  if (!*found.progress)
    found.reasons.push_back(why_stuck());
  tell(std::move(found));
}

readiness::reason inspector_state::why_stuck() const {
  const auto waits = "job " + std::to_string(heads_.jobs.front().id) + " and those behind it wait, ";
  if (!heads_.has_worker)
    return {"no_worker", waits + "and there is no live worker"};
  return {"no_progress", waits + "live workers have free slots, and nothing was started for "
                             + std::to_string(std::chrono::round<std::chrono::seconds>(stuck_after_).count())
                             + " s"};
}

/// While the database is away nobody can start anything, which is no fault of the workers.
void inspector_state::not_seen(const error& why) {
  heads_ = {};
  const auto* code = why.code == ec::schema_old ? "schema_old" : "database_away";
  tell({.database = false, .progress = {}, .reasons = {{code, why.context}}});
}

void inspector_state::tell(readiness found) {
  found_ = std::move(found);
  found_at_ = self_->clock().now();
  for (auto& answer : std::exchange(looking_, {}))
    answer.deliver(*found_);
}

inspector_actor::behavior_type inspector(inspector_actor::stateful_pointer<inspector_state> self,
                                         storage_actor storage, queue_actor queue, seconds stuck_after) {
  return self->state.make_behavior(std::move(storage), std::move(queue), stuck_after);
}

} // namespace jobd::actors

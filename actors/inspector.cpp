#include "actors/inspector.hpp"

#include "actors/ask.hpp"
#include "core/metrics.hpp"

#include <limits>

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;

/// A scrape must come back before Prometheus gives it up, also while Redis is away.
constexpr auto queue_timeout = 1s;

} // namespace

inspector_actor::behavior_type inspector_state::make_behavior(queue_actor queue) {
  queue_ = std::move(queue);
  return {
      [this](atom::measure) { return measure(); },
  };
}

caf::result<std::string> inspector_state::measure() {
  const auto queues = metrics::queues.all();
  if (queues.empty())
    return metrics::text();
  auto answer = self_->make_response_promise<std::string>();
  waiting_.push_back(answer);
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
  for (auto& answer : std::exchange(waiting_, {}))
    answer.deliver(text);
}

inspector_actor::behavior_type inspector(inspector_actor::stateful_pointer<inspector_state> self,
                                         queue_actor queue) {
  return self->state.make_behavior(std::move(queue));
}

} // namespace jobd::actors

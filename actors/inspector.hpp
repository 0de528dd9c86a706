#pragma once

#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

namespace jobd::actors {

/// - Asks the queue how deep it is, for all who want metrics at the same time.
/// - Looks at the heads of the queues, now and then, for all who want to know whether the process is ready. A
///   claim takes a head first, so heads that stay are jobs that nobody starts.
class inspector_state {
public:
  static inline constexpr const char* name = "inspector";
  using self_pointer = inspector_actor::stateful_pointer<inspector_state>;
  /// What was seen is told for so long at most.
  static constexpr std::chrono::seconds good_for{3};
  /// Between two looks that are further apart anything may have happened.
  static constexpr std::chrono::seconds most_between_looks{45};

  explicit inspector_state(self_pointer self) : self_(self) {}
  inspector_actor::behavior_type make_behavior(storage_actor storage, queue_actor queue, seconds stuck_after);

private:
  caf::result<std::string> measure();
  void measured(const std::string& queue, double depth);

  caf::result<readiness> ready();
  void seen(storage::queue_heads& heads);
  [[nodiscard]] readiness::reason why_stuck() const;
  void not_seen(const error& why);
  void tell(readiness found);

  self_pointer self_;
  storage_actor storage_;
  queue_actor queue_;
  /// Heads that stay for so long are stuck.
  seconds stuck_after_{0};

  /// Who waits for metrics, and how many answers of the queue are missing.
  std::vector<caf::typed_response_promise<std::string>> measuring_;
  std::size_t asking_ = 0;

  std::vector<caf::typed_response_promise<readiness>> looking_;
  std::optional<readiness> found_;
  caf::actor_clock::time_point found_at_;
  /// The heads, and since when nothing was started by what they tell.
  storage::queue_heads heads_;
  caf::actor_clock::time_point since_;
};

/// Tells of the queues in `metrics::queues`.
inspector_actor::behavior_type inspector(inspector_actor::stateful_pointer<inspector_state> self,
                                         storage_actor storage, queue_actor queue, seconds stuck_after);

} // namespace jobd::actors

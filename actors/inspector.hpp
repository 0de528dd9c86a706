#pragma once

#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

namespace jobd::actors {

/// Asks the queue how deep it is, for all who want metrics at the same time.
class inspector_state {
public:
  static inline constexpr const char* name = "inspector";
  using self_pointer = inspector_actor::stateful_pointer<inspector_state>;

  explicit inspector_state(self_pointer self) : self_(self) {}
  inspector_actor::behavior_type make_behavior(queue_actor queue);

private:
  caf::result<std::string> measure();
  void measured(const std::string& queue, double depth);

  self_pointer self_;
  queue_actor queue_;
  /// Who waits, and for how many answers of the queue.
  std::vector<caf::typed_response_promise<std::string>> waiting_;
  std::size_t asking_ = 0;
};

/// Tells of the queues in `metrics::queues`.
inspector_actor::behavior_type inspector(inspector_actor::stateful_pointer<inspector_state> self,
                                         queue_actor queue);

} // namespace jobd::actors

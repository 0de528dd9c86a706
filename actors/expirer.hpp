#pragma once

#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace jobd::actors {

/// Sleeps until the next job expires, which no claim takes from then on. Other nodes accept jobs too, and may
/// die before they fail them, so it never sleeps longer than `longest_sleep`.
class expirer_state {
public:
  static inline constexpr const char* name = "expirer";
  using self_pointer = expirer_actor::stateful_pointer<expirer_state>;
  static constexpr std::chrono::milliseconds longest_sleep{15'000};
  static constexpr int limit = 1'000;

  explicit expirer_state(self_pointer self) : self_(self) {}
  expirer_actor::behavior_type make_behavior(storage_actor storage, queue_actor queue);

private:
  void run_once();
  void expire();
  void sleep(std::chrono::milliseconds for_so_long);

  self_pointer self_;
  storage_actor storage_;
  queue_actor queue_;
  /// When the next run is due. A delayed message cannot be taken back, so one that comes earlier is ignored.
  caf::actor_clock::time_point next_;
  bool running_ = false;
};

expirer_actor::behavior_type expirer(expirer_actor::stateful_pointer<expirer_state> self,
                                     storage_actor storage, queue_actor queue);

} // namespace jobd::actors

#pragma once

#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace jobd::actors {

/// Sleeps until the next scheduled job is due. Other nodes schedule jobs too, and may die before they promote
/// them, so it never sleeps longer than `longest_sleep`.
class promoter_state {
public:
  static inline constexpr const char* name = "promoter";
  using self_pointer = promoter_actor::stateful_pointer<promoter_state>;
  static constexpr std::chrono::milliseconds longest_sleep{5'000};
  static constexpr int limit = 1'000;

  explicit promoter_state(self_pointer self) : self_(self) {}
  promoter_actor::behavior_type make_behavior(storage_actor storage, queue_actor queue);

private:
  void run_once();
  void promote();
  void sleep(std::chrono::milliseconds for_so_long);

  self_pointer self_;
  storage_actor storage_;
  queue_actor queue_;
  /// When the next run is due. A delayed message cannot be taken back, so one that comes earlier is ignored.
  caf::actor_clock::time_point next_;
  bool running_ = false;
};

promoter_actor::behavior_type promoter(promoter_actor::stateful_pointer<promoter_state> self,
                                       storage_actor storage, queue_actor queue);

} // namespace jobd::actors

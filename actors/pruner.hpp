#pragma once

#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace jobd::actors {

/// One bounded step after the other while there is something to remove, then a rest.
class pruner_state {
public:
  static inline constexpr const char* name = "pruner";
  using self_pointer = pruner_actor::stateful_pointer<pruner_state>;
  static constexpr std::chrono::milliseconds rest{60'000};
  static constexpr std::chrono::milliseconds between_steps{200};

  explicit pruner_state(self_pointer self) : self_(self) {}
  pruner_actor::behavior_type make_behavior(storage_actor storage);

private:
  void run_once();

  self_pointer self_;
  storage_actor storage_;
  storage::prune_cursor cursor_;
};

pruner_actor::behavior_type pruner(pruner_actor::stateful_pointer<pruner_state> self, storage_actor storage);

} // namespace jobd::actors

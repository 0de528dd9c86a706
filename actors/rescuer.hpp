#pragma once

#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace jobd::actors {

class rescuer_state {
public:
  static inline constexpr const char* name = "rescuer";
  using self_pointer = rescuer_actor::stateful_pointer<rescuer_state>;

  explicit rescuer_state(self_pointer self) : self_(self) {}
  rescuer_actor::behavior_type make_behavior(storage_actor storage, queue_actor queue);

private:
  void rescue(const lease::suspect& dead);

  self_pointer self_;
  storage_actor storage_;
  queue_actor queue_;
  lease::judge judge_;
};

rescuer_actor::behavior_type rescuer(rescuer_actor::stateful_pointer<rescuer_state> self,
                                     storage_actor storage, queue_actor queue);

} // namespace jobd::actors

#pragma once

#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <memory>

namespace jobd::actors {

/// Makes a store that is not connected yet.
using store_factory = std::function<std::unique_ptr<storage::store>()>;

struct connection_options {
  store_factory make_store;
  seconds retention;
};

class connection_state {
public:
  static inline constexpr const char* name = "connection";
  using self_pointer = connection_actor::stateful_pointer<connection_state>;

  explicit connection_state(self_pointer self) : self_(self) {}
  connection_actor::behavior_type make_behavior(connection_options options);

private:
  self_pointer self_;
  std::unique_ptr<storage::store> store_;
};

connection_actor::behavior_type connection(connection_actor::stateful_pointer<connection_state> self,
                                           connection_options options);

} // namespace jobd::actors

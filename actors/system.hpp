#pragma once

#include <caf/actor_system_config.hpp>

namespace jobd::actors {

/// What an actor system of jobd needs to know before it starts: message types, error texts, threads.
class system_config : public caf::actor_system_config {
public:
  /// `threads`: how many take turns at all actors that are not detached.
  explicit system_config(std::size_t threads = 1);
};

} // namespace jobd::actors

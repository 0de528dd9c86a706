#pragma once

#include <caf/actor_system_config.hpp>

namespace jobd::actors {

/// What an actor system of jobd needs to know before it starts: message types, error texts, threads.
class system_config : public caf::actor_system_config {
public:
  system_config();
};

} // namespace jobd::actors

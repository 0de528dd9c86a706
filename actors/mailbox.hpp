#pragma once

#include <caf/fwd.hpp>

#include <string_view>

namespace jobd::actors {

/// Shows how much an actor has not read yet. To be called from inside it.
void show_mailbox(std::string_view actor, caf::scheduled_actor& self);

} // namespace jobd::actors

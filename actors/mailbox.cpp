#include "actors/mailbox.hpp"

#include "core/metrics.hpp"

#include <caf/scheduled_actor.hpp>

namespace jobd::actors {

void show_mailbox(std::string_view actor, caf::scheduled_actor& self) {
  metrics::mailbox.of({actor}).set(static_cast<double>(self.mailbox().size()));
}

} // namespace jobd::actors

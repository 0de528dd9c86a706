#pragma once

#include "core/metrics.hpp"

namespace jobd::actors {

/// Shows how much an actor has not read yet. To be called from inside it.
template <class State>
void show_mailbox(const State&, typename State::self_pointer self) {
  metrics::mailbox.of({State::name}).set(static_cast<double>(self->mailbox().size()));
}

} // namespace jobd::actors

#pragma once

#include "actors/interfaces.hpp"

namespace jobd::actors {

/// How failures travel between actors.
[[nodiscard]] caf::error to_caf(const error& e);

/// Whatever an actor answered, as one of our own codes: a request that timed out is `ec::store_away`, an
/// actor that is gone `ec::stopping`, anything else that is not ours `ec::internal`.
[[nodiscard]] error from_caf(const caf::error& e);

} // namespace jobd::actors

#pragma once

#include "app/termination.hpp"
#include "core/config.hpp"

namespace jobd::app {

/// The process that serves HTTP. Returns its exit code when it was asked to end.
[[nodiscard]] int run_api(const config& settings, termination& end);

/// The process that runs jobs. Returns its exit code when it was asked to end.
[[nodiscard]] int run_worker(const config& settings, termination& end);

} // namespace jobd::app

#pragma once

#include "app/termination.hpp"
#include "core/config.hpp"

/// The processes. Each returns its exit code when it was asked to end.
namespace jobd::app {

/// Serves HTTP.
[[nodiscard]] int run_api(const config& settings, termination& end);

/// Runs jobs.
[[nodiscard]] int run_worker(const config& settings, termination& end);

/// Does both, without any server.
[[nodiscard]] int run_standalone(const config& settings, termination& end);

} // namespace jobd::app

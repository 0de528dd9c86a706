#pragma once

#include "app/termination.hpp"
#include "core/config.hpp"
#include "execution/registry.hpp"

#include <memory>

/// The processes. Each returns its exit code when it was asked to end.
namespace jobd::app {

using handlers_ptr = std::shared_ptr<execution::registry>;

/// Serves HTTP.
[[nodiscard]] int run_api(const config& settings, termination& end);

/// Runs jobs.
[[nodiscard]] int run_worker(const config& settings, const handlers_ptr& handlers, termination& end);

/// Does both, without any server.
[[nodiscard]] int run_standalone(const config& settings, const handlers_ptr& handlers, termination& end);

} // namespace jobd::app

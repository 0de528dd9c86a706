#pragma once

#include "app/options.hpp"

namespace jobd::app {

/// Runs one command to its end; the result is the process' exit code.
[[nodiscard]] int run(const request& what);

} // namespace jobd::app

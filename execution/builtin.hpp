#pragma once

#include "core/job.hpp"

#include <stop_token>

/// Native functions for first steps and tests.
namespace jobd::execution::builtin {

/// Its result is the payload.
[[nodiscard]] outcome echo(const claimed_job& j, std::stop_token stop);

/// Takes `{"seconds": 0.5}` and as long. Fails at once when it is asked to stop.
[[nodiscard]] outcome sleep(const claimed_job& j, std::stop_token stop);

/// Takes `{"message": "why"}` and fails so.
[[nodiscard]] outcome fail(const claimed_job& j, std::stop_token stop);

} // namespace jobd::execution::builtin

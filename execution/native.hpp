#pragma once

#include "core/job.hpp"

#include <functional>
#include <stop_token>

namespace jobd::execution {

/// A job's work as a C++ function. It runs on a thread of its own and should return soon after the token asks it
/// to stop. A C++ function cannot be killed: one that goes on is given up, and its result is refused by the fence.
/// What it throws is the job's failure.
using native_function = std::function<outcome(const claimed_job&, std::stop_token)>;

} // namespace jobd::execution

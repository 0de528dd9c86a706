#pragma once

#include "core/job.hpp"

#include <cstdint>

namespace jobd::execution {

/// Why a run is ended before its work is.
enum class stop_reason : std::uint8_t {
  /// It ran out of its time: the job has failed.
  timeout,
  /// The node gives it up alive: the job goes back.
  give_back,
  /// A client asked for it: unless its work succeeds first, the job is cancelled.
  cancelled,
  /// Another node may own the job by now: whatever comes out of it is dropped.
  lost,
};

/// What a run has come to that was told to stop and then ended as `seen`: it has not done what it should,
/// however it ended; but a cancel may come too late. `timeout` is what it had.
outcome outcome_of_stopped(stop_reason why, seconds timeout, outcome seen);

} // namespace jobd::execution

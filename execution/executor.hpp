#pragma once

#include "core/job.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

/// What runs a job's work.
namespace jobd::execution {

/// Names one run inside an executor; never used twice.
using ticket = std::uint64_t;

/// Runs jobs. All calls are thread-safe and none blocks.
///
/// `done` is called exactly once for each start, from a thread of the executor (or from within `start`, if
/// the work could not be started). After `stop` it is called within the grace plus one second, whatever the
/// work does: work that cannot be ended (a C++ function that ignores its stop token) is given up and reported
/// as failed.
///
/// `progress` may be empty. It is called, any number of times before `done` and never after it, with all that
/// the run has told of itself so far: a JSON object that can be stored, at most `limits::progress_bytes`. It
/// must not block.
class executor {
public:
  struct callbacks {
    std::function<void(outcome)> done;
    std::function<void(std::string)> progress = {};
  };

  virtual ~executor() = default;

  virtual ticket start(const claimed_job& j, callbacks tell) = 0;

  /// Asks the run to end (TERM to its processes, or its stop token), and ends it by force (KILL) after
  /// `grace`. Without effect for a run that is over. A second call with a shorter grace shortens it.
  virtual void stop(ticket t, std::chrono::milliseconds grace) = 0;
};

} // namespace jobd::execution

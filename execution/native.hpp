#pragma once

#include "core/job.hpp"
#include "execution/executor.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>

namespace jobd::execution {

/// A job's work as a C++ function. It runs on a thread of its own and should return soon after the token asks
/// it to stop. A C++ function cannot be killed: one that goes on is given up, and its result is refused by
/// the fence. What it throws is the job's failure.
using native_function = std::function<outcome(const claimed_job&, std::stop_token)>;

/// Runs jobs as C++ functions on threads, as many as there are jobs at a time; a thread that is idle is used
/// again.
class native_executor {
public:
  native_executor();
  /// Asks what runs to stop, and waits up to one second. What goes on is reported as `released` and left to
  /// its thread, which touches nothing but what it shares.
  ~native_executor();
  native_executor(const native_executor&) = delete;

  /// `t` must be new. Otherwise as in `executor`. The pointer keeps alive what the function needs.
  void start(ticket t, const claimed_job& j, std::shared_ptr<const native_function> f,
             executor::done_callback done);
  void stop(ticket t, std::chrono::milliseconds grace);

private:
  class pool;
  /// Shared with its threads, some of which may outlive this object.
  std::shared_ptr<pool> pool_;
};

} // namespace jobd::execution

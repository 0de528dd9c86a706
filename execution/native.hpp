#pragma once

#include "core/job.hpp"
#include "execution/executor.hpp"
#include "execution/progress.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

namespace jobd::execution {

/// What a native function is given beside its job. Thread-safe; it lives until the function returns.
class run_context {
public:
  /// `tell` is given the whole progress, as in `executor`, each time that it changes; it may be empty.
  run_context(std::stop_token stop, std::function<void(std::string)> tell);
  run_context(const run_context&) = delete;

  [[nodiscard]] std::stop_token stop_token() const { return stop_; }
  /// A function that only asks when to stop may take the token itself.
  operator std::stop_token() const { return stop_; }

  /// How far the run is, from 0 to 100. Others see it within about a second.
  void progress(double percent);
  /// And what it does now.
  void progress(double percent, std::string_view message);
  /// A line for people; the last ones are kept.
  void log(std::string_view line);

private:
  void tell_all();

  const std::stop_token stop_;
  const std::function<void(std::string)> tell_;
  /// Held while it tells, so that the newest state is told last.
  std::mutex guard_;
  progress_state state_;
};

/// A job's work as a C++ function: `outcome(const claimed_job&, run_context&)`, or with a `std::stop_token`
/// in place of the context. It runs on a thread of its own and should return soon after the token asks it to
/// stop. A C++ function cannot be killed: one that goes on is given up, and its result is refused by the
/// fence. What it throws is the job's failure.
using native_function = std::function<outcome(const claimed_job&, run_context&)>;

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
             executor::callbacks tell);
  void stop(ticket t, std::chrono::milliseconds grace);

private:
  class pool;
  /// Shared with its threads, some of which may outlive this object.
  std::shared_ptr<pool> pool_;
};

} // namespace jobd::execution

#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace jobd::app {

/// Makes SIGTERM and SIGINT an orderly end that always comes.
///
/// The first signal (or `request`) starts the end, a second signal ends the process at once, and so does the
/// time limit: a shutdown that hangs is worth less than a process that is gone, and nothing is lost by it.
/// Made before any other thread, so that all of them leave the signals to this one.
class termination {
public:
  /// The process is gone at the latest so long after the end was asked for.
  /// `heeds_hangup`: SIGHUP does what `on_hangup` says, and not what it does by itself, to end the process.
  termination(std::chrono::milliseconds limit, bool heeds_hangup);
  ~termination();
  termination(const termination&) = delete;
  termination& operator=(const termination&) = delete;

  /// Asks for the end from within, with the exit code that is to tell why.
  void request(int exit_code);
  /// Waits until the end is asked for.
  void wait();
  /// Waits so long at most; true if the end was asked for.
  [[nodiscard]] bool wait_for(std::chrono::milliseconds time);
  [[nodiscard]] int exit_code() const;

  /// What SIGHUP does until the end is asked for; nothing by a null one. When this returns, what it did
  /// before is over.
  void on_hangup(std::function<void()> what);

private:
  void watch(std::chrono::milliseconds limit);
  void hang_up();

  const bool heeds_hangup_;
  std::mutex hangup_mutex_;
  std::function<void()> hangup_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool asked_ = false;
  bool over_ = false;
  int exit_code_ = 0;
  std::thread thread_;
};

} // namespace jobd::app

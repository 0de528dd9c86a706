#include "app/termination.hpp"

#include "core/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>

namespace jobd::app {
namespace {

sigset_t signals() {
  auto set = sigset_t{};
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  // Wakes the watching thread for a request from within.
  sigaddset(&set, SIGUSR1);
  return set;
}

/// True when one came, false when the time was over. The wait also ends when the process was stopped and
/// continued (SIGSTOP, SIGCONT), or when a child has ended (SIGCHLD): neither asks for the end.
bool wait_for_signal(std::optional<std::chrono::steady_clock::time_point> until) {
  const auto set = signals();
  for (;;) {
    if (!until) {
      if (sigwaitinfo(&set, nullptr) > 0)
        return true;
      continue;
    }
    const auto left =
        std::max(*until - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration{0});
    const auto whole = std::chrono::floor<std::chrono::seconds>(left);
    const auto time = timespec{whole.count(), (left - whole).count()};
    if (sigtimedwait(&set, nullptr, &time) > 0)
      return true;
    if (left.count() == 0)
      return false;
  }
}

} // namespace

termination::termination(std::chrono::milliseconds limit) {
  const auto set = signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A connection that is gone is an error of its write, never the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  thread_ = std::thread{[this, limit] { watch(limit); }};
}

termination::~termination() {
  {
    const auto lock = std::lock_guard{mutex_};
    over_ = true;
  }
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
}

void termination::request(int exit_code) {
  {
    const auto lock = std::lock_guard{mutex_};
    if (asked_)
      return;
    exit_code_ = exit_code;
  }
  pthread_kill(thread_.native_handle(), SIGUSR1);
}

void termination::wait() {
  auto lock = std::unique_lock{mutex_};
  changed_.wait(lock, [this] { return asked_; });
}

bool termination::wait_for(std::chrono::milliseconds time) {
  auto lock = std::unique_lock{mutex_};
  return changed_.wait_for(lock, time, [this] { return asked_; });
}

int termination::exit_code() const {
  const auto lock = std::lock_guard{mutex_};
  return exit_code_;
}

void termination::watch(std::chrono::milliseconds limit) {
  wait_for_signal({});
  {
    const auto lock = std::lock_guard{mutex_};
    if (over_)
      return;
    asked_ = true;
  }
  changed_.notify_all();
  const auto again = wait_for_signal(std::chrono::steady_clock::now() + limit);
  const auto lock = std::lock_guard{mutex_};
  if (over_)
    return;
  if (again)
    log::warn("A second signal came; the process ends at once.");
  else
    log::warn("The shutdown took too long; the process ends now, and what it left is rescued by others.");
  _exit(exit_code_);
}

} // namespace jobd::app

#include "app/termination.hpp"

#include "core/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

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

/// Waits so long at most; false if none of the signals came. Others, such as a child's end, may interrupt the
/// wait without ending it.
bool another_signal_comes(const sigset_t& set, std::chrono::milliseconds within) {
  using clock = std::chrono::steady_clock;
  const auto until = clock::now() + within;
  for (;;) {
    const auto left = std::max<clock::duration>(until - clock::now(), clock::duration::zero());
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(left);
    const auto rest = std::chrono::nanoseconds{left - whole};
    const auto time = timespec{whole.count(), static_cast<long>(rest.count())};
    if (sigtimedwait(&set, nullptr, &time) >= 0)
      return true;
    if (errno != EINTR)
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
  const auto set = signals();
  while (sigwaitinfo(&set, nullptr) < 0 && errno == EINTR)
    ;
  {
    const auto lock = std::lock_guard{mutex_};
    if (over_)
      return;
    asked_ = true;
  }
  changed_.notify_all();
  const auto again = another_signal_comes(set, limit);
  const auto lock = std::lock_guard{mutex_};
  if (over_)
    return;
  if (!again)
    log::warn("The shutdown took too long; the process ends now, and what it left is rescued by others.");
  else
    log::warn("A second signal came; the process ends at once.");
  _exit(exit_code_);
}

} // namespace jobd::app

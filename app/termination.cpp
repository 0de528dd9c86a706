#include "app/termination.hpp"

#include "core/log.hpp"

#include <csignal>
#include <unistd.h>

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
  sigwaitinfo(&set, nullptr);
  {
    const auto lock = std::lock_guard{mutex_};
    if (over_)
      return;
    asked_ = true;
  }
  changed_.notify_all();
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(limit);
  const auto rest = std::chrono::nanoseconds{limit - whole};
  const auto time = timespec{whole.count(), static_cast<long>(rest.count())};
  const auto again = sigtimedwait(&set, nullptr, &time);
  const auto lock = std::lock_guard{mutex_};
  if (over_)
    return;
  if (again < 0)
    log::warn("The shutdown took too long; the process ends now, and what it left is rescued by others.");
  else
    log::warn("A second signal came; the process ends at once.");
  _exit(exit_code_);
}

} // namespace jobd::app

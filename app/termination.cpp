#include "app/termination.hpp"

#include "core/log.hpp"
#include "execution/process_tree.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <utility>

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

sigset_t with_hangup(sigset_t set) {
  sigaddset(&set, SIGHUP);
  return set;
}

/// The signal that came, 0 when the time was over. The wait also ends when the process was stopped and
/// continued (SIGSTOP, SIGCONT), or when a child has ended (SIGCHLD): neither asks for the end.
int wait_for_signal(const sigset_t& set, std::optional<std::chrono::steady_clock::time_point> until) {
  for (;;) {
    if (!until) {
      if (const auto signal = sigwaitinfo(&set, nullptr); signal > 0)
        return signal;
      continue;
    }
    const auto left =
        std::max(*until - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration{0});
    const auto whole = std::chrono::floor<std::chrono::seconds>(left);
    const auto time = timespec{whole.count(), (left - whole).count()};
    if (const auto signal = sigtimedwait(&set, nullptr, &time); signal > 0)
      return signal;
    if (left.count() == 0)
      return 0;
  }
}

} // namespace

termination::termination(std::chrono::milliseconds limit, bool heeds_hangup) : heeds_hangup_(heeds_hangup) {
  const auto set = heeds_hangup_ ? with_hangup(signals()) : signals();
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

void termination::on_hangup(std::function<void()> what) {
  const auto lock = std::lock_guard{hangup_mutex_};
  hangup_ = std::move(what);
}

void termination::hang_up() {
  const auto lock = std::lock_guard{hangup_mutex_};
  if (hangup_)
    hangup_();
}

void termination::watch(std::chrono::milliseconds limit) {
  const auto all = heeds_hangup_ ? with_hangup(signals()) : signals();
  while (wait_for_signal(all, {}) == SIGHUP)
    hang_up();
  {
    const auto lock = std::lock_guard{mutex_};
    if (over_)
      return;
    asked_ = true;
  }
  changed_.notify_all();
  const auto again = wait_for_signal(signals(), std::chrono::steady_clock::now() + limit);
  const auto lock = std::lock_guard{mutex_};
  if (over_)
    return;
  if (again)
    log::warn("A second signal came; the process ends at once.");
  else
    log::warn("The shutdown took too long; the process ends now, and what it left is rescued by others.");
  execution::kill_descendants();
  _exit(exit_code_);
}

} // namespace jobd::app

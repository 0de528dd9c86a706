#include "actors/job_runner.hpp"

#include <array>
#include <cstdio>
#include <utility>

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;

/// Each one is a write of the job's row.
constexpr auto between_progress = 1s;

outcome timed_out(seconds timeout, const outcome& seen) {
  auto text = std::array<char, 64>{};
  std::snprintf(text.data(), text.size(), "timed out after %g s", timeout.count());
  auto message = std::string{text.data()};
  if (!seen.message.empty())
    message += "; " + seen.message;
  return outcome::failed(std::move(message));
}

/// Work that succeeded before it could be stopped has succeeded.
outcome cancelled(const outcome& seen) {
  if (seen.what == outcome::kind::success)
    return seen;
  return {outcome::kind::cancelled, {}, "cancelled" + (seen.message.empty() ? "" : "; " + seen.message)};
}

} // namespace

job_runner_actor::behavior_type job_runner_state::make_behavior(std::shared_ptr<execution::executor> executor,
                                                                const claimed_job& what, seconds timeout,
                                                                worker_pool_actor pool) {
  executor_ = std::move(executor);
  run_ = {what.id, what.attempt};
  timeout_ = timeout;
  pool_ = std::move(pool);
  ticket_ = executor_->start(what, callbacks());
  return {
      [this](atom::progress) { progress(); },
      [this](atom::done, outcome& o) { done(o); },
      [this](atom::stop, stop_reason why, int grace) { stop(why, std::chrono::milliseconds{grace}); },
  };
}

execution::executor::callbacks job_runner_state::callbacks() {
  const auto me = job_runner_actor{self_};
  return {[me](outcome o) { caf::anon_send(me, atom::done_v, std::move(o)); },
          [me, told = told_](std::string json) {
            const auto lock = std::lock_guard{told->guard};
            if (std::exchange(told->newest, std::move(json)).empty())
              caf::anon_send(me, atom::progress_v);
          }};
}

void job_runner_state::progress() {
  const auto now = self_->clock().now();
  if (now < next_progress_at_)
    return self_->delayed_send(self_, next_progress_at_ - now, atom::progress_v);
  next_progress_at_ = now + between_progress;
  hand_progress_on();
}

void job_runner_state::hand_progress_on() {
  auto newest = std::string{};
  {
    const auto lock = std::lock_guard{told_->guard};
    newest.swap(told_->newest);
  }
  if (!newest.empty())
    self_->send(pool_, atom::progress_v, run_, std::move(newest));
}

/// Work that was told to stop has not done what it should, however it ended; but a cancel may come too late.
void job_runner_state::done(outcome& o) {
  if (stopping_ == stop_reason::timeout)
    o = timed_out(timeout_, o);
  else if (stopping_ == stop_reason::cancelled)
    o = cancelled(o);
  else if (stopping_)
    o = outcome::given_back();
  hand_progress_on();
  self_->send(pool_, atom::ended_v, run_, std::move(o));
  self_->quit();
}

/// The first reason stands, but a lost run stays lost: its outcome must not be written.
void job_runner_state::stop(stop_reason why, std::chrono::milliseconds grace) {
  if (!stopping_ || why == stop_reason::lost)
    stopping_ = why;
  executor_->stop(ticket_, grace);
}

job_runner_actor::behavior_type job_runner(job_runner_actor::stateful_pointer<job_runner_state> self,
                                           std::shared_ptr<execution::executor> executor,
                                           const claimed_job& what, seconds timeout, worker_pool_actor pool) {
  return self->state.make_behavior(std::move(executor), what, timeout, std::move(pool));
}

} // namespace jobd::actors

#include "actors/job_runner.hpp"

#include <array>
#include <cstdio>

namespace jobd::actors {
namespace {

outcome timed_out(seconds timeout, const outcome& seen) {
  auto text = std::array<char, 64>{};
  std::snprintf(text.data(), text.size(), "timed out after %g s", timeout.count());
  auto message = std::string{text.data()};
  if (!seen.message.empty())
    message += "; " + seen.message;
  return outcome::failed(std::move(message));
}

} // namespace

job_runner_actor::behavior_type job_runner_state::make_behavior(std::shared_ptr<execution::executor> executor,
                                                                const claimed_job& what, seconds timeout,
                                                                worker_pool_actor pool) {
  executor_ = std::move(executor);
  run_ = {what.id, what.attempt};
  timeout_ = timeout;
  pool_ = std::move(pool);
  const auto me = job_runner_actor{self_};
  ticket_ = executor_->start(what, {[me](outcome o) { caf::anon_send(me, atom::done_v, std::move(o)); }});
  return {
      [this](atom::done, outcome& o) { done(o); },
      [this](atom::stop, stop_reason why, int grace) { stop(why, std::chrono::milliseconds{grace}); },
  };
}

/// Work that was told to stop has not done what it should, however it ended.
void job_runner_state::done(outcome& o) {
  if (stopping_ == stop_reason::timeout)
    o = timed_out(timeout_, o);
  else if (stopping_)
    o = outcome::given_back();
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

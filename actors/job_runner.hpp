#pragma once

#include "actors/interfaces.hpp"
#include "execution/executor.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>
#include <mutex>
#include <string>

namespace jobd::actors {

class job_runner_state {
public:
  static inline constexpr const char* name = "job_runner";
  using self_pointer = job_runner_actor::stateful_pointer<job_runner_state>;

  explicit job_runner_state(self_pointer self) : self_(self) {}
  job_runner_actor::behavior_type make_behavior(std::shared_ptr<execution::executor> executor,
                                                const claimed_job& what, seconds timeout,
                                                worker_pool_actor pool);

private:
  /// What the executor's thread leaves for the runner. Only the newest counts, so that work that tells much
  /// of itself fills no mailbox.
  struct told {
    std::mutex guard;
    std::string newest;
  };

  execution::executor::callbacks callbacks();
  void progress();
  void hand_progress_on();
  void done(outcome& o);
  void stop(stop_reason why, std::chrono::milliseconds grace);

  self_pointer self_;
  std::shared_ptr<execution::executor> executor_;
  execution::ticket ticket_ = 0;
  run_key run_;
  seconds timeout_{};
  worker_pool_actor pool_;
  std::optional<stop_reason> stopping_;
  std::shared_ptr<told> told_ = std::make_shared<told>();
  caf::actor_clock::time_point next_progress_at_;
};

/// `timeout` is only told to the user; the pool watches it.
job_runner_actor::behavior_type job_runner(job_runner_actor::stateful_pointer<job_runner_state> self,
                                           std::shared_ptr<execution::executor> executor,
                                           const claimed_job& what, seconds timeout, worker_pool_actor pool);

} // namespace jobd::actors

#pragma once

#include "actors/interfaces.hpp"
#include "actors/open_requests.hpp"
#include "actors/run_reports.hpp"
#include "execution/executor.hpp"
#include "execution/registry.hpp"
#include "execution/stop_reason.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>

namespace jobd::actors {

struct worker_pool_options {
  int prefetch = 16;
  int concurrency = 8;
  std::vector<std::string> queues;
  seconds timeout{300};
  std::chrono::milliseconds kill_grace{5'000};
  std::chrono::milliseconds shutdown_grace{25'000};
};

/// Whom the pool works with.
struct worker_pool_parts {
  std::shared_ptr<const execution::registry> handlers;
  std::shared_ptr<execution::executor> executor;
  storage_actor storage;
  queue_actor queue;
  fetcher_actor fetcher;
  hinter_actor hinter;
  promoter_actor promoter;
};

/// - Asks the fetcher for no more hints than it can hold: `prefetch` bounds what is buffered, claimed,
///   running, and ended but not yet written.
/// - Takes nothing from queues that are paused. The store claims nothing from them either, so what was
///   fetched before is dropped, and hinted again when the queue is resumed.
/// - Claims as many jobs as slots are free, from the buffer, or from the database while the queue is away.
/// - Gives hints back that found no slot in time, and then buffers none until a run has ended.
/// - Has the executor run each job, and ends what is out of time, out of its lease, or cancelled.
/// - Passes on what runs tell of themselves, each once a second at most.
/// - Publishes what happens to its jobs.
/// - Holds each outcome until storage has taken or refused it.
/// - Lets go of what the store says runs here and does not.
class worker_pool_state {
public:
  static inline constexpr const char* name = "worker_pool";
  using self_pointer = worker_pool_actor::stateful_pointer<worker_pool_state>;

  explicit worker_pool_state(self_pointer self) : self_(self) {}
  worker_pool_actor::behavior_type make_behavior(worker_pool_options options, worker_pool_parts parts);

private:
  using stop_reason = execution::stop_reason;
  using time_point = caf::actor_clock::time_point;

  /// A hint that waits for a slot.
  struct buffered {
    hint what;
    time_point since;
  };
  struct run {
    execution::ticket ticket = 0;
    claimed_job what;
    node_id node = 0;
    time_point started;
    time_point deadline;
    seconds timeout{};
    bool exclusive = false;
    bool cancelled = false;
    /// It was told to stop.
    std::optional<stop_reason> stopping;
    /// Not yet handed on.
    std::string progress;
    time_point next_progress_at;
  };
  /// An outcome that is not yet written.
  struct unwritten {
    storage::finish_request what;
    /// Absent for a run that this process knows nothing else of.
    std::optional<claimed_job> job;
  };

  // Events.
  void joined(node_id id, steady_time sent);
  void beaten(const run_keys& should_run, steady_time sent);
  void cancel(const run_keys& asked);
  void paused(const queue_names& queues);
  void told();
  void wake();
  void wake_within(std::chrono::milliseconds time);
  [[nodiscard]] bool idle() const;
  caf::result<int> stop();

  // Getting work.
  void step();
  void step_soon();
  void fetch();
  void fetched(hints& popped);
  void queue_away();
  void claim_buffered();
  void claim_from_store();
  void claim(storage::claim_request what, hints from);
  void claimed(claimed_jobs& jobs, node_id by);
  [[nodiscard]] bool runs_suspect() const;
  void give_back(hints unstarted);
  void give_back_old_hints();
  [[nodiscard]] std::vector<std::string> claimable_types() const;
  [[nodiscard]] int reserved() const;
  [[nodiscard]] int free_slots() const;

  // Running it.
  void start(claimed_job& what, node_id by);
  [[nodiscard]] execution::executor::callbacks callbacks(run_key key);
  void hand_progress_on();
  void progress(run& r);
  void ended(run_key key, outcome& o);
  void end(run_key key, stop_reason why, std::chrono::milliseconds grace);
  void end_all(stop_reason why, std::chrono::milliseconds grace);
  void end_what_is_out_of_time();
  void end_what_is_out_of_lease();

  // Writing what came of it.
  void finish(claimed_job& what, node_id by, outcome o);
  void write();
  void write(const run_keys& keys);
  void written(run_key key, storage::finish_answer answer);
  void accepted(const claimed_job& job, const lifecycle::conclusion& what);
  void publish(job_event what);
  void send_events();
  void end_shutdown();
  void measure();

  self_pointer self_;
  worker_pool_options options_;
  worker_pool_parts parts_;
  std::mt19937 random_{std::random_device{}()};
  open_requests requests_;
  std::optional<caf::actor_clock::time_point> wake_at_;

  std::optional<node_id> node_;
  time_point last_beat_;

  /// Those of its queues that are not paused.
  queue_names open_queues_;
  std::deque<buffered> buffer_;
  bool fetching_ = false;
  bool queue_away_ = false;
  time_point fetch_at_;
  /// False from the first hint that found no slot in time until a run ends: others may have free slots.
  bool buffers_ = true;

  /// Jobs asked for by each claim in flight, by the order of asking.
  std::map<std::uint64_t, int> claims_;
  std::uint64_t next_claim_ = 1;
  time_point claim_at_;

  std::map<run_key, run> runs_;
  std::set<std::pair<time_point, run_key>> deadlines_;
  std::shared_ptr<run_reports> reports_ = std::make_shared<run_reports>();
  std::map<run_key, unwritten> outbox_;
  /// Those of the outbox that are not on their way to storage.
  run_keys to_write_;
  time_point write_at_;
  /// What the store says runs here and does not, with the number of the next claim at first sight.
  std::map<run_key, std::uint64_t> unexplained_;

  /// What the next step publishes.
  job_events events_;
  bool will_step_ = false;

  std::optional<caf::typed_response_promise<int>> stopping_;
  int given_back_ = 0;
  std::optional<time_point> grace_ends_;
};

worker_pool_actor::behavior_type worker_pool(worker_pool_actor::stateful_pointer<worker_pool_state> self,
                                             worker_pool_options options, worker_pool_parts parts);

} // namespace jobd::actors

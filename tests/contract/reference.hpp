#pragma once

#include "storage/store.hpp"

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace jobd::test {

/// What a store must answer, said as simply as it can be: maps, loops, one caller, and a clock that stands
/// still. The calls are those of `storage::store`. What a store is free to choose it is told: the ids of what
/// is new.
class reference {
public:
  using ids = std::vector<job_id>;

  struct rules {
    timestamp now;
    /// There is a window, which nothing leaves by itself.
    bool dedupe = false;
    /// A claim looks for others instead of those that it sets aside, so many times. One that does not may
    /// return less than there is, and is asked again.
    int claim_steps = 1;
  };

  explicit reference(rules r) : rules_(r), now_(r.now) {}

  /// `fresh`: what the store answered, by the place of the create; it counts only where a new job is made.
  storage::batch_result flush(const storage::batch& b, const ids& fresh);
  expected<std::vector<created_job>> submit(const storage::submission& s, const ids& fresh);
  std::vector<std::optional<job>> find(const ids& which) const;
  /// All pages of it.
  ids list(const storage::job_filter& f) const;
  std::vector<storage::job_change> cancel(const ids& which);
  std::vector<storage::job_change> rerun(const ids& which);
  storage::expiry expire();
  storage::promotion promote();
  storage::prune_report prune(seconds retention);
  /// Each but the refused ones in the order of attempts.
  expected<std::vector<storage::attempt_record>> history(job_id id) const;
  std::vector<storage::queue_stats> stats() const;
  storage::queue_info pause(const std::string& queue, bool paused);
  std::vector<hint> ready_jobs(const storage::ready_query& q) const;

  void register_node(node_id id, const storage::node_info& info) { nodes_[id] = {info, tick()}; }
  void unregister_node(node_id id) { nodes_.erase(id); }
  storage::beat_report beat(node_id id);
  std::vector<storage::job_change> rescue(const lease::suspect& dead);

  // What time would do, as it is done to the rows.
  void age_job(job_id id, seconds by);
  void age_beat(node_id id, seconds by);
  void expire_keys();
  void expire_idempotency() { answers_.clear(); }

private:
  using object = std::pair<std::string, std::int64_t>;
  struct entry {
    job what;
    /// Set aside until another job of its object has ended.
    bool blocked = false;
    /// By attempt, and whether it is an outcome that was refused.
    std::map<std::pair<attempt_no, bool>, storage::attempt_record> attempts;
  };
  struct node {
    storage::node_info what;
    timestamp heartbeat_at;
  };
  struct standing {
    job_id id = 0;
    bool expired = false;
  };
  struct answer {
    std::string fingerprint;
    std::vector<created_job> jobs;
  };

  /// No two beats are of one time.
  timestamp tick() { return now_ += std::chrono::microseconds{1}; }
  bool paused(const std::string& queue) const { return queues_.contains(queue) && queues_.at(queue); }
  bool expired(const job& j) const { return j.expires_at && *j.expires_at <= now_; }
  entry* run_of(node_id n, run_key run);
  /// Of those that may start now, in queue order.
  bool runs_suspect(node_id n) const;
  std::vector<entry*> startable(const storage::claim_request& c, const std::string* queue, bool suspects);
  bool object_runs(const job& j) const;
  std::optional<timestamp> waits_until(job_id id) const;

  created_job create(const job_spec& spec, job_id fresh);
  storage::finish_answer finish(const storage::finish_request& f, std::set<object>& freed);
  storage::finish_answer judge(const storage::finish_request& f);
  std::vector<hint> unblock(const std::set<object>& freed);
  std::vector<claimed_job> claim(const storage::claim_request& c);
  claimed_job start(entry& e, node_id n);
  void end_attempt(entry& e, std::string outcome, std::optional<std::string> message);

  rules rules_;
  timestamp now_;
  job_id last_ = 0;
  std::map<job_id, entry> jobs_;
  std::map<node_id, node> nodes_;
  std::map<object, standing> keys_;
  std::map<std::string, answer> answers_;
  /// Those that were ever paused.
  std::map<std::string, bool> queues_;
};

} // namespace jobd::test

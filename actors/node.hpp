#pragma once

#include "actors/connection.hpp"
#include "actors/interfaces.hpp"

namespace jobd::actors {

struct node_options {
  /// A connection of its own, so that a beat never waits behind work.
  store_factory make_store;
  storage::node_info info;
  /// Absent in a node that runs no jobs.
  std::optional<worker_pool_actor> pool;
  rescuer_actor rescuer;
};

/// - Connects and registers, again whenever it must, with backoff.
/// - Renews the beat every `lease::beat_every`.
/// - Tells the pool its id, what should run here and what of that is to end, which queues are
///   paused, and the rescuer who is overdue.
class node_state {
public:
  static inline constexpr const char* name = "node";
  using self_pointer = node_actor::stateful_pointer<node_state>;

  explicit node_state(self_pointer self) : self_(self) {}
  node_actor::behavior_type make_behavior(node_options options);

private:
  void beat();
  expected<void> beat_once(steady_time sent);
  expected<void> join(steady_time sent);
  void leave();

  self_pointer self_;
  node_options options_;
  std::unique_ptr<storage::store> store_;
  bool connected_ = false;
  bool leaving_ = false;
  bool said_away_ = false;
  std::optional<node_id> id_;
  std::chrono::milliseconds backoff_{0};
};

node_actor::behavior_type node(node_actor::stateful_pointer<node_state> self, node_options options);

} // namespace jobd::actors

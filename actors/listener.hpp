#pragma once

#include "actors/interfaces.hpp"
#include "actors/queue.hpp"

#include <functional>

namespace jobd::actors {

struct listener_options {
  queue_factory make_queue;
  queue::stream from;
  /// Gets what is heard, in order.
  std::function<void(messages)> heard;
  /// Told when it begins to hear everything, and when it hears nothing any more.
  std::function<void(bool)> hears;
};

/// - Waits in one read after the other, for no longer than a shutdown may wait for it.
/// - Starts with what is new. After an outage it goes on where it was, so what was kept meanwhile is not
/// lost.
class listener_state {
public:
  static inline constexpr const char* name = "listener";
  using self_pointer = listener_actor::stateful_pointer<listener_state>;
  static constexpr std::chrono::milliseconds wait{500};

  explicit listener_state(self_pointer self) : self_(self) {}
  listener_actor::behavior_type make_behavior(listener_options options);

private:
  void run_once();
  [[nodiscard]] expected<messages> read_next();

  self_pointer self_;
  listener_options options_;
  std::unique_ptr<queue::job_queue> queue_;
  /// Where to go on; empty before the first read.
  std::string after_;
  bool hears_ = false;
};

listener_actor::behavior_type listener(listener_actor::stateful_pointer<listener_state> self,
                                       listener_options options);

} // namespace jobd::actors

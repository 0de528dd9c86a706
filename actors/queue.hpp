#pragma once

#include "actors/interfaces.hpp"
#include "queue/job_queue.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <memory>

namespace jobd::actors {

/// Makes a queue that connects by itself when it is used.
using queue_factory = std::function<std::unique_ptr<queue::job_queue>()>;

class queue_state {
public:
  static inline constexpr const char* name = "queue";
  using self_pointer = queue_actor::stateful_pointer<queue_state>;

  explicit queue_state(self_pointer self) : self_(self) {}
  queue_actor::behavior_type make_behavior(const queue_factory& make_queue);

private:
  void push(hints& more);
  void publish(job_events& more);
  void cancel(const run_keys& more);
  void flush_later();
  void flush();
  template <class Answer>
  caf::result<Answer> answer(expected<Answer> got);
  void away(const error& why);
  [[nodiscard]] bool rests() const;

  self_pointer self_;
  std::unique_ptr<queue::job_queue> queue_;
  /// What has arrived since the last write.
  hints waiting_;
  job_events events_;
  std::vector<std::string> cancels_;
  bool flushing_ = false;
  bool away_ = false;
  caf::actor_clock::time_point try_again_at_;
};

queue_actor::behavior_type queue(queue_actor::stateful_pointer<queue_state> self,
                                 const queue_factory& make_queue);

} // namespace jobd::actors

#pragma once

#include "actors/interfaces.hpp"
#include "actors/queue.hpp"

namespace jobd::actors {

class fetcher_state {
public:
  static inline constexpr const char* name = "fetcher";
  using self_pointer = fetcher_actor::stateful_pointer<fetcher_state>;
  /// A pop waits so long. It bounds how long a shutdown waits for the fetcher.
  static constexpr std::chrono::milliseconds wait{500};

  explicit fetcher_state(self_pointer) {}
  fetcher_actor::behavior_type make_behavior(const queue_factory& make_queue);

private:
  std::unique_ptr<queue::job_queue> queue_;
};

fetcher_actor::behavior_type fetcher(fetcher_actor::stateful_pointer<fetcher_state> self,
                                     const queue_factory& make_queue);

} // namespace jobd::actors

#pragma once

#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

namespace jobd::actors {

class job_manager_state {
public:
  static inline constexpr const char* name = "job_manager";
  using self_pointer = job_manager_actor::stateful_pointer<job_manager_state>;
  /// Longer than storage takes for its worst case: its own patience, and two calls of a store.
  static constexpr std::chrono::seconds storage_timeout{30};

  explicit job_manager_state(self_pointer self) : self_(self) {}
  job_manager_actor::behavior_type make_behavior(storage_actor storage, queue_actor queue,
                                                 promoter_actor promoter);

private:
  caf::result<created_job> create(job_spec& spec);
  void announce(const created_job& created, const hint& what);

  self_pointer self_;
  storage_actor storage_;
  queue_actor queue_;
  promoter_actor promoter_;
};

job_manager_actor::behavior_type job_manager(job_manager_actor::stateful_pointer<job_manager_state> self,
                                             storage_actor storage, queue_actor queue,
                                             promoter_actor promoter);

} // namespace jobd::actors

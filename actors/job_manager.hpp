#pragma once

#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <utility>
#include <vector>

namespace jobd::actors {

/// Whom the job manager works with.
struct job_manager_parts {
  storage_actor storage;
  queue_actor queue;
  promoter_actor promoter;
  expirer_actor expirer;
  watch_actor watch;
};

class job_manager_state {
public:
  static inline constexpr const char* name = "job_manager";
  using self_pointer = job_manager_actor::stateful_pointer<job_manager_state>;
  /// Longer than storage takes for its worst case: its own patience, and two calls of a store.
  static constexpr std::chrono::seconds storage_timeout{30};

  explicit job_manager_state(self_pointer self) : self_(self) {}
  job_manager_actor::behavior_type make_behavior(job_manager_parts parts);

private:
  caf::result<created_jobs> create(job_specs& specs);
  caf::result<submitted> submit(storage::submission& what);
  template <class Atom>
  caf::result<bulk_report> change_page(Atom what, const storage::page_request& which);

  /// Has one job changed, and answers with it as it is then.
  template <class Atom>
  caf::result<job> change(Atom what, job_id id);

  // After the answer: what is on disk needs no more, and the rest is seen by those who look.
  void announce(const std::vector<std::pair<created_job, job_spec>>& stored);
  void announce(const job_changes& changes);

  self_pointer self_;
  job_manager_parts parts_;
};

job_manager_actor::behavior_type job_manager(job_manager_actor::stateful_pointer<job_manager_state> self,
                                             job_manager_parts parts);

} // namespace jobd::actors

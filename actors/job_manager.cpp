#include "actors/job_manager.hpp"

#include "actors/ask.hpp"
#include "actors/errors.hpp"

#include <algorithm>

namespace jobd::actors {
namespace {

caf::error not_yet() {
  return to_caf({ec::internal, "not yet"});
}

} // namespace

job_manager_actor::behavior_type job_manager_state::make_behavior(storage_actor storage, queue_actor queue,
                                                                  promoter_actor promoter) {
  storage_ = std::move(storage);
  queue_ = std::move(queue);
  promoter_ = std::move(promoter);
  return {
      [this](atom::create, job_spec& spec) { return create(spec); },
      [](atom::submit, storage::submission&) -> caf::result<submitted> { return not_yet(); },
      [this](atom::find, job_id id) { return self_->delegate(storage_, atom::find_v, id); },
      [](atom::wait, job_id, std::chrono::milliseconds) -> caf::result<job> { return not_yet(); },
      [](atom::list, storage::page_request&) -> caf::result<storage::job_page> { return not_yet(); },
      [](atom::cancel, job_id) -> caf::result<job> { return not_yet(); },
      [](atom::cancel, storage::page_request&) -> caf::result<bulk_report> { return not_yet(); },
      [](atom::retry, job_id) -> caf::result<job> { return not_yet(); },
      [](atom::retry, storage::page_request&) -> caf::result<bulk_report> { return not_yet(); },
      [](atom::history, job_id) -> caf::result<attempt_records> { return not_yet(); },
      [](atom::explain, job_id) -> caf::result<storage::explanation> { return not_yet(); },
      [](atom::watch, event_subscription& s) {
        s.reader->end({ec::internal, "not yet"});
      },
  };
}

caf::result<created_job> job_manager_state::create(job_spec& spec) {
  if (const auto valid = validate(spec); !valid)
    return to_caf(valid.error());
  auto announced = hint{0, spec.queue, spec.priority};
  auto answer = self_->make_response_promise<created_job>();
  ask<created_job>(
      self_, storage_, storage_timeout,
      [this, answer, announced](const created_job& created) mutable {
        answer.deliver(created);
        announce(created, announced);
      },
      [answer](caf::error& why) mutable { answer.deliver(std::move(why)); }, atom::create_v, std::move(spec));
  return answer;
}

/// After the answer: the job is on disk, and a hint that is lost is written again by the hinter.
void job_manager_state::announce(const created_job& created, const hint& what) {
  if (created.duplicate)
    return;
  if (!created.run_at) {
    self_->send(queue_, atom::push_v, hints{{created.id, what.queue, what.priority}});
    return;
  }
  const auto until = *created.run_at - std::chrono::system_clock::now();
  self_->send(promoter_, atom::due_v,
              std::max(std::chrono::ceil<std::chrono::milliseconds>(until), std::chrono::milliseconds{0}));
}

job_manager_actor::behavior_type job_manager(job_manager_actor::stateful_pointer<job_manager_state> self,
                                             storage_actor storage, queue_actor queue,
                                             promoter_actor promoter) {
  return self->state.make_behavior(std::move(storage), std::move(queue), std::move(promoter));
}

} // namespace jobd::actors

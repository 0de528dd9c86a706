#include "actors/rescuer.hpp"

#include "actors/changes.hpp"
#include "actors/errors.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"

namespace jobd::actors {
namespace {

/// A rescue that fails is tried again by the next judge that sees the dead node, or its orphans.
constexpr std::chrono::seconds rescue_timeout{30};

} // namespace

rescuer_actor::behavior_type rescuer_state::make_behavior(storage_actor storage, queue_actor queue) {
  storage_ = std::move(storage);
  queue_ = std::move(queue);
  return {
      [this](atom::judge, const suspects& overdue, const suspects& orphaning, steady_time beaten_at) {
        for (const auto& dead : judge_.observe(overdue, beaten_at))
          rescue(dead);
        for (const auto& gone : orphaning)
          rescue(gone);
      },
  };
}

void rescuer_state::rescue(const lease::suspect& dead) {
  self_->request(storage_, rescue_timeout, atom::rescue_v, dead)
      .then(
          [this, dead](const job_changes& rescued) {
            if (rescued.empty())
              return;
            log::warn("A node died; what it ran goes back.",
                      {{"dead_node", dead.node}, {"jobs", rescued.size()}});
            for (const auto& c : rescued)
              metrics::recovered.of({to_string(c.status)}).add();
            self_->send(queue_, atom::push_v, hints_of(rescued));
            self_->send(queue_, atom::publish_v, events_of(rescued));
          },
          [dead](const caf::error& why) {
            log::warn("A dead node could not be rescued yet.",
                      {{"dead_node", dead.node}, {"error", to_string(from_caf(why))}});
          });
}

rescuer_actor::behavior_type rescuer(rescuer_actor::stateful_pointer<rescuer_state> self,
                                     storage_actor storage, queue_actor queue) {
  return self->state.make_behavior(std::move(storage), std::move(queue));
}

} // namespace jobd::actors

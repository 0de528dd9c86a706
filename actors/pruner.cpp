#include "actors/pruner.hpp"

#include "core/log.hpp"

namespace jobd::actors {
namespace {

constexpr std::chrono::seconds storage_timeout{30};

} // namespace

pruner_actor::behavior_type pruner_state::make_behavior(storage_actor storage) {
  storage_ = std::move(storage);
  self_->delayed_send(self_, between_steps, atom::run_once_v);
  return {
      [this](atom::run_once) { run_once(); },
  };
}

void pruner_state::run_once() {
  self_->request(storage_, storage_timeout, atom::prune_v, cursor_)
      .then(
          [this](const storage::prune_report& report) {
            cursor_ = report.next;
            if (report.jobs > 0)
              log::debug("The pruner removed finished jobs.", {{"jobs", report.jobs}});
            self_->delayed_send(self_, report.done ? rest : between_steps, atom::run_once_v);
          },
          [this](const caf::error&) { self_->delayed_send(self_, rest, atom::run_once_v); });
}

pruner_actor::behavior_type pruner(pruner_actor::stateful_pointer<pruner_state> self, storage_actor storage) {
  return self->state.make_behavior(std::move(storage));
}

} // namespace jobd::actors

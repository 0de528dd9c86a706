#include "http/gateway.hpp"

#include "actors/errors.hpp"
#include "core/log.hpp"

namespace jobd::http {
namespace {

constexpr auto wake_every = std::chrono::milliseconds{250};

/// A write whose answer did not come may have happened nonetheless.
error lost_write(const caf::error& e) {
  if (e.category() == caf::detail::error_factory<ec>::category)
    return actors::from_caf(e);
  log::debug("Job manager did not answer a write", {{"error", to_string(actors::from_caf(e))}});
  return {ec::store_uncertain, "no answer from the job manager"};
}

} // namespace

void add_message_types(caf::actor_system_config& cfg) {
  cfg.add_message_types<caf::id_block::jobd_http>();
}

gateway_actor::behavior_type gateway_state::make_behavior() {
  return {
      [this](const questions& all) {
        for (const auto& q : all)
          q->ask(self_, q);
      },
      [this](actors::atom::wake) {
        will_wake_ = false;
        requests_.expire(self_->clock().now());
        if (!requests_.empty())
          wake_later();
      },
  };
}

void gateway_state::wake_later() {
  if (!std::exchange(will_wake_, true))
    self_->delayed_send(self_, wake_every, actors::atom::wake_v);
}

gateway_actor::behavior_type gateway(gateway_pointer self) {
  return self->state.make_behavior();
}

void asker::asked() {
  if (effect_ == effect::writes)
    answer_.if_dropped({ec::store_uncertain, "the process stopped while it was written"});
}

void asker::refuse(const error& why) {
  if (!std::exchange(over_, true))
    answer_.refuse(why);
}

void asker::refuse(const caf::error& why) {
  if (!over_)
    refuse(effect_ == effect::writes ? lost_write(why) : actors::from_caf(why));
}

void create_question::ask(gateway_pointer self, question_ptr me) {
  auto specs = actors::job_specs{};
  for (auto& j : jobs_) {
    j.by.asked();
    specs.push_back(std::move(j.spec));
  }
  self->state.ask<actors::created_jobs>(
      to_, within_,
      [this, me](const actors::created_jobs& created) {
        for (auto i = std::size_t{0}; i < jobs_.size(); ++i)
          if (created[i])
            jobs_[i].by.tell(jobs_[i].take, *created[i]);
          else
            jobs_[i].by.refuse(created[i].error());
      },
      [this, me](const caf::error& why) {
        for (auto& j : jobs_)
          j.by.refuse(why);
      },
      actors::atom::create_v, std::move(specs));
}

} // namespace jobd::http

#include "http/gateway.hpp"

#include "actors/errors.hpp"
#include "core/log.hpp"

namespace jobd::http {
namespace {

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

gateway_actor::behavior_type gateway(gateway_pointer self) {
  return {[=](const question_ptr& q) { q->ask(self, q); }};
}

void question::sent() {
  if (effect_ == effect::writes)
    answer_.if_dropped({ec::store_uncertain, "the process stopped while it was written"});
}

void question::refuse(const caf::error& why) {
  answer_.refuse(effect_ == effect::writes ? lost_write(why) : actors::from_caf(why));
}

} // namespace jobd::http

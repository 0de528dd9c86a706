#include "actors/queue.hpp"

#include "actors/errors.hpp"
#include "core/log.hpp"

#include <iterator>

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;

/// While the queue is away hints are dropped at once, so that they neither pile up nor wait for deadlines.
constexpr auto rest_when_away = 500ms;

} // namespace

queue_actor::behavior_type queue_state::make_behavior(const queue_factory& make_queue) {
  queue_ = make_queue();
  return {
      [this](atom::push, hints& more) { push(more); },
      [](atom::publish, const job_events&) {}, // not yet
      [this](atom::size, const std::string& queue) { return size(queue); },
      [this](atom::flush) { flush(); },
  };
}

/// The flush message goes behind all hints that are in the mailbox by now, which makes one batch of them.
void queue_state::push(hints& more) {
  waiting_.insert(waiting_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  if (!flushing_)
    self_->send(self_, atom::flush_v);
  flushing_ = true;
}

void queue_state::flush() {
  flushing_ = false;
  const auto batch = std::exchange(waiting_, {});
  if (away_ && self_->clock().now() < try_again_at_)
    return;
  if (const auto pushed = queue_->push(batch); !pushed)
    return away(pushed.error());
  if (away_)
    log::info("The queue is back.");
  away_ = false;
}

caf::result<std::int64_t> queue_state::size(const std::string& queue) {
  const auto n = queue_->size(queue);
  if (n)
    return *n;
  away(n.error());
  return to_caf(n.error());
}

void queue_state::away(const error& why) {
  if (!away_)
    log::warn("The queue cannot be reached; workers ask the database until it is back.",
              {{"error", why.context}});
  away_ = true;
  try_again_at_ = self_->clock().now() + rest_when_away;
}

queue_actor::behavior_type queue(queue_actor::stateful_pointer<queue_state> self,
                                 const queue_factory& make_queue) {
  return self->state.make_behavior(make_queue);
}

} // namespace jobd::actors

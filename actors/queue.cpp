#include "actors/queue.hpp"

#include "actors/errors.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"

#include <algorithm>
#include <iterator>

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;

/// While the queue is away hints are dropped at once, and sizes are refused, so that neither piles up or
/// waits for deadlines.
constexpr auto rest_when_away = 500ms;

std::vector<std::string> texts_of(const job_events& events) {
  auto texts = std::vector<std::string>{};
  std::ranges::transform(events, std::back_inserter(texts), [](const auto& e) { return to_text(e); });
  return texts;
}

} // namespace

queue_actor::behavior_type queue_state::make_behavior(const queue_factory& make_queue) {
  queue_ = make_queue();
  return {
      [this](atom::push, hints& more) { push(more); },
      [this](atom::publish, job_events& more) { publish(more); },
      [this](atom::cancel, const run_keys& more) { cancel(more); },
      [this](atom::attend, std::chrono::milliseconds time) {
        return answer(queue_->attend(time).map([] { return caf::unit; }));
      },
      [this](atom::read, const std::string& after) {
        return answer(queue_->read(queue::stream::events, after, 0ms));
      },
      [this](atom::size, const std::string& queue) -> caf::result<std::int64_t> {
        if (rests())
          return to_caf({ec::queue_away, {}});
        return answer(queue_->size(queue));
      },
      [this](atom::flush) { flush(); },
  };
}

void queue_state::push(hints& more) {
  waiting_.insert(waiting_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  flush_later();
}

void queue_state::publish(job_events& more) {
  events_.insert(events_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  flush_later();
}

void queue_state::cancel(const run_keys& more) {
  for (const auto& key : more)
    cancels_.push_back(queue::to_text(key));
  flush_later();
}

/// The flush message goes behind all that is in the mailbox by now, which makes one batch of it.
void queue_state::flush_later() {
  if (!flushing_)
    self_->send(self_, atom::flush_v);
  flushing_ = true;
}

void queue_state::flush() {
  flushing_ = false;
  const auto batch = std::exchange(waiting_, {});
  const auto cancels = std::exchange(cancels_, {});
  const auto events = std::exchange(events_, {});
  if (rests())
    return;
  const auto done =
      queue_->push(batch)
          .and_then([&](bool attended) -> expected<bool> {
            if (cancels.empty())
              return attended;
            return queue_->publish(queue::stream::cancels, cancels).map([&] { return attended; });
          })
          .and_then([&](bool attended) {
            return attended && !events.empty() ? queue_->publish(queue::stream::events, texts_of(events))
                                               : expected<void>{};
          });
  if (!done)
    return away(done.error());
  if (away_)
    log::info("The queue is back.");
  away_ = false;
  metrics::queue_up.set(1);
}

bool queue_state::rests() const {
  return away_ && self_->clock().now() < try_again_at_;
}

template <class Answer>
caf::result<Answer> queue_state::answer(expected<Answer> got) {
  if (got) {
    metrics::queue_up.set(1);
    return std::move(*got);
  }
  if (got.error().code == ec::queue_away)
    away(got.error());
  return to_caf(got.error());
}

void queue_state::away(const error& why) {
  if (!away_)
    log::warn("The queue cannot be reached; workers ask the database until it is back.",
              {{"error", why.context}});
  away_ = true;
  metrics::queue_up.set(0);
  try_again_at_ = self_->clock().now() + rest_when_away;
}

queue_actor::behavior_type queue(queue_actor::stateful_pointer<queue_state> self,
                                 const queue_factory& make_queue) {
  return self->state.make_behavior(make_queue);
}

} // namespace jobd::actors

#include "actors/hinter.hpp"

#include "core/log.hpp"

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;

constexpr auto queue_timeout = 10s;
constexpr auto storage_timeout = 30s;
/// After a pass that wrote all it may there is more: the set is filled up again before it runs dry.
constexpr auto look_after_full_pass = 100ms;

} // namespace

hinter_actor::behavior_type hinter_state::make_behavior(hinter_options options, storage_actor storage,
                                                        queue_actor queue) {
  options_ = std::move(options);
  storage_ = std::move(storage);
  queue_ = std::move(queue);
  self_->send(self_, atom::run_once_v);
  return {
      [this](atom::run_once) {
        run_once();
        self_->delayed_send(self_, options_.every, atom::run_once_v);
      },
      [this](atom::look) {
        looks_again_ = false;
        run_once();
      },
      [this](atom::wake) {
        // Empty queues are the rule when there is nothing to do: only worth a look if there was something.
        if (std::exchange(found_, false))
          run_once();
      },
  };
}

/// While the queue cannot be asked it cannot be written to either, and the pool claims from the database.
void hinter_state::run_once() {
  if (asking_ > 0)
    return;
  asking_ = options_.queues.size();
  looking_at_.clear();
  for (const auto& queue : options_.queues)
    self_->request(queue_, queue_timeout, atom::size_v, queue)
        .then(
            [this, queue](std::int64_t size) {
              if (worth_a_look(queue, size))
                looking_at_.push_back(queue);
              asked();
            },
            [this](const caf::error&) { asked(); });
}

bool hinter_state::worth_a_look(const std::string& queue, std::int64_t size) {
  const auto now = self_->clock().now();
  const auto last = last_pass_.find(queue);
  const auto since = last == last_pass_.end() ? caf::timespan::max() : now - last->second;
  if (size >= options_.limit && since < options_.every_when_full)
    return false;
  // Before its time, only if half of the set is used up.
  if (full_ && size >= options_.limit / 2 && since < options_.every)
    return false;
  last_pass_[queue] = now;
  return true;
}

void hinter_state::asked() {
  if (--asking_ > 0)
    return;
  if (!looking_at_.empty())
    write_again();
  else if (full_)
    look_again();
}

void hinter_state::look_again() {
  if (!std::exchange(looks_again_, true))
    self_->delayed_send(self_, look_after_full_pass, atom::look_v);
}

void hinter_state::write_again() {
  auto first = storage::ready_query{looking_at_, options_.types, options_.limit};
  self_->request(storage_, storage_timeout, atom::ready_v, std::move(first))
      .then(
          [this](hints& ready) {
            found_ = found_ || !ready.empty();
            full_ = static_cast<std::int64_t>(ready.size()) >= options_.limit;
            if (full_)
              look_again();
            if (!ready.empty())
              self_->send(queue_, atom::push_v, std::move(ready));
          },
          [](const caf::error&) {});
}

hinter_actor::behavior_type hinter(hinter_actor::stateful_pointer<hinter_state> self, hinter_options options,
                                   storage_actor storage, queue_actor queue) {
  return self->state.make_behavior(std::move(options), std::move(storage), std::move(queue));
}

} // namespace jobd::actors

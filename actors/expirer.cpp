#include "actors/expirer.hpp"

#include "actors/changes.hpp"

#include <algorithm>

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;

constexpr auto storage_timeout = 30s;

} // namespace

expirer_actor::behavior_type expirer_state::make_behavior(storage_actor storage, queue_actor queue) {
  storage_ = std::move(storage);
  queue_ = std::move(queue);
  sleep(0ms);
  return {
      [this](atom::run_once) { run_once(); },
      [this](atom::due, std::chrono::milliseconds in) {
        if (self_->clock().now() + in < next_)
          sleep(in);
      },
  };
}

void expirer_state::run_once() {
  if (running_ || self_->clock().now() < next_)
    return;
  expire();
}

void expirer_state::expire() {
  running_ = true;
  next_ = self_->clock().now() + longest_sleep;
  self_->request(storage_, storage_timeout, atom::expire_v, limit)
      .then(
          [this](const storage::expiry& e) {
            running_ = false;
            if (!e.expired.empty())
              self_->send(queue_, atom::publish_v, events_of(e.expired));
            // What came due in the meantime (`due`) has set an earlier time already.
            const auto told = next_ - self_->clock().now();
            const auto next = std::chrono::ceil<std::chrono::milliseconds>(e.next_in.value_or(longest_sleep));
            sleep(std::clamp<std::chrono::milliseconds>(
                std::min(next, std::chrono::ceil<std::chrono::milliseconds>(told)), 0ms, longest_sleep));
          },
          [this](const caf::error&) {
            running_ = false;
            sleep(1'000ms);
          });
}

void expirer_state::sleep(std::chrono::milliseconds for_so_long) {
  next_ = self_->clock().now() + for_so_long;
  self_->delayed_send(self_, for_so_long, atom::run_once_v);
}

expirer_actor::behavior_type expirer(expirer_actor::stateful_pointer<expirer_state> self,
                                     storage_actor storage, queue_actor queue) {
  return self->state.make_behavior(std::move(storage), std::move(queue));
}

} // namespace jobd::actors

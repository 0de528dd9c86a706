#include "actors/promoter.hpp"

#include <algorithm>

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;

constexpr auto storage_timeout = 30s;

} // namespace

promoter_actor::behavior_type promoter_state::make_behavior(storage_actor storage, queue_actor queue) {
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

void promoter_state::run_once() {
  if (running_ || self_->clock().now() < next_)
    return;
  promote();
}

void promoter_state::promote() {
  running_ = true;
  next_ = self_->clock().now() + longest_sleep;
  self_->request(storage_, storage_timeout, atom::promote_v, limit)
      .then(
          [this](storage::promotion& p) {
            running_ = false;
            if (!p.hints.empty())
              self_->send(queue_, atom::push_v, std::move(p.hints));
            // What came due in the meantime (`due`) has set an earlier time already.
            const auto told = next_ - self_->clock().now();
            const auto next = std::chrono::ceil<std::chrono::milliseconds>(p.next_in.value_or(longest_sleep));
            sleep(std::clamp<std::chrono::milliseconds>(
                std::min(next, std::chrono::ceil<std::chrono::milliseconds>(told)), 0ms, longest_sleep));
          },
          [this](const caf::error&) {
            running_ = false;
            sleep(1'000ms);
          });
}

void promoter_state::sleep(std::chrono::milliseconds for_so_long) {
  next_ = self_->clock().now() + for_so_long;
  self_->delayed_send(self_, for_so_long, atom::run_once_v);
}

promoter_actor::behavior_type promoter(promoter_actor::stateful_pointer<promoter_state> self,
                                       storage_actor storage, queue_actor queue) {
  return self->state.make_behavior(std::move(storage), std::move(queue));
}

} // namespace jobd::actors

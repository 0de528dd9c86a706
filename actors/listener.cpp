#include "actors/listener.hpp"

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;

constexpr auto pause_when_away = 500ms;

} // namespace

listener_actor::behavior_type listener_state::make_behavior(listener_options options) {
  options_ = std::move(options);
  queue_ = options_.make_queue();
  self_->send(self_, atom::run_once_v);
  return {
      [this](atom::run_once) { run_once(); },
  };
}

void listener_state::run_once() {
  auto read = read_next();
  if (hears_ != read.has_value())
    options_.hears(read.has_value());
  hears_ = read.has_value();
  if (!read)
    return self_->delayed_send(self_, pause_when_away, atom::run_once_v);
  if (!read->empty()) {
    after_ = read->back().id;
    options_.heard(std::move(*read));
  }
  self_->send(self_, atom::run_once_v);
}

expected<messages> listener_state::read_next() {
  if (after_.empty()) {
    auto newest = queue_->newest(options_.from);
    if (!newest)
      return tl::unexpected{newest.error()};
    after_ = std::move(*newest);
    return messages{};
  }
  return queue_->read(options_.from, after_, wait);
}

listener_actor::behavior_type listener(listener_actor::stateful_pointer<listener_state> self,
                                       listener_options options) {
  return self->state.make_behavior(std::move(options));
}

} // namespace jobd::actors

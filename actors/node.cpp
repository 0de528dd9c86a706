#include "actors/node.hpp"

#include "core/log.hpp"
#include "core/recent_times.hpp"

#include <algorithm>

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;

constexpr auto first_backoff = 100ms;
/// Long enough to be gentle, short enough that a node is back before anyone judges it.
constexpr auto most_backoff = 1'000ms;

} // namespace

node_actor::behavior_type node_state::make_behavior(node_options options) {
  options_ = std::move(options);
  store_ = options_.make_store();
  self_->send(self_, atom::beat_v);
  return {
      [this](atom::beat) { beat(); },
      [this](atom::leave) { leave(); },
  };
}

void node_state::beat() {
  if (leaving_)
    return;
  const auto sent = self_->clock().now();
  const auto beaten = beat_once(sent);
  if (beaten) {
    if (said_away_)
      log::info("The node beats again.", {{"node", id_.value_or(0)}});
    said_away_ = false;
    backoff_ = 0ms;
    // From one sending to the next: a slow answer must not make the next beat later.
    const auto next =
        std::max<caf::timespan>(lease::beat_every - (self_->clock().now() - sent), first_backoff);
    self_->delayed_send(self_, next, atom::beat_v);
    return;
  }
  connected_ = false;
  if (!said_away_)
    log::warn("The node cannot beat and tries again.", {{"error", to_string(beaten.error())}});
  said_away_ = true;
  backoff_ = std::clamp<std::chrono::milliseconds>(backoff_ * 2, first_backoff, most_backoff);
  self_->delayed_send(self_, backoff_, atom::beat_v);
}

expected<void> node_state::beat_once(steady_time sent) {
  if (!connected_) {
    if (auto connected = store_->connect(); !connected)
      return connected;
    connected_ = true;
  }
  if (!id_)
    return join(sent);
  auto report = store_->beat(*id_, options_.pool ? recent.text(sent) : std::string{});
  if (!report)
    return tl::unexpected{report.error()};
  if (!report->known) {
    log::warn("The node was given up by the others while it could not beat; it starts anew.",
              {{"node", *id_}});
    id_.reset();
    return join(sent);
  }
  if (options_.pool) {
    self_->send(*options_.pool, atom::pause_v, std::move(report->paused));
    self_->send(*options_.pool, atom::beaten_v, std::move(report->running), std::move(report->cancelled),
                sent);
  }
  auto orphaning = suspects{};
  for (const auto id : report->orphaning)
    orphaning.push_back({id, {}});
  self_->send(options_.rescuer, atom::judge_v, std::move(report->overdue), std::move(orphaning), sent);
  return {};
}

expected<void> node_state::join(steady_time sent) {
  const auto id = store_->register_node(options_.info);
  if (!id)
    return tl::unexpected{id.error()};
  id_ = *id;
  log::info("The node joined.", {{"node", *id}, {"slots", options_.info.slots}});
  if (options_.pool)
    self_->send(*options_.pool, atom::joined_v, *id, sent);
  return {};
}

void node_state::leave() {
  leaving_ = true;
  if (!id_ || !connected_)
    return;
  if (const auto left = store_->unregister_node(*id_); !left)
    log::warn("The node could not leave; the others will find it gone.",
              {{"error", to_string(left.error())}});
  else
    log::info("The node left.", {{"node", *id_}});
  id_.reset();
}

node_actor::behavior_type node(node_actor::stateful_pointer<node_state> self, node_options options) {
  return self->state.make_behavior(std::move(options));
}

} // namespace jobd::actors

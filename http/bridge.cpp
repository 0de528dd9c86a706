#include "http/bridge.hpp"

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "core/log.hpp"
#include "http/json.hpp"
#include "http/problem.hpp"
#include "http/routes.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <utility>

namespace jobd::http {
namespace {

/// CAF searches the open requests and timers of an actor one by one: some gateways keep these lists short.
constexpr auto gateway_count = 16;

constexpr auto max_target_bytes = std::size_t{2048};

reply show(const created_job& created) {
  auto r = reply{.status = created.duplicate ? 200 : 201, .body = to_json(created)};
  if (!created.duplicate)
    r.headers.emplace_back("Location", "/v1/jobs/" + std::to_string(created.id));
  return r;
}

reply show(const job& found) {
  return {.body = to_json(found)};
}

reply show_health() {
  return {.body = R"({"status":"ok"})"};
}

/// Case does not count, and parameters such as charset are allowed.
bool is_json(std::string_view content_type) {
  static constexpr auto json = std::string_view{"application/json"};
  auto media = content_type.substr(0, content_type.find(';'));
  media = media.substr(0, media.find_last_not_of(" \t") + 1);
  const auto same = [](char a, char b) {
    return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
  };
  return std::ranges::equal(json, media, same);
}

/// A create whose answer did not come may have happened nonetheless.
error lost_create(const caf::error& e) {
  if (e.category() == caf::detail::error_factory<ec>::category)
    return actors::from_caf(e);
  log::debug("Job manager did not answer a submission", {{"error", to_string(actors::from_caf(e))}});
  return {ec::store_uncertain, "no answer from the job manager"};
}

struct gateway_state {
  static inline constexpr const char* name = "gateway";
};

template <class Answer, class... Question>
void pass_on(gateway_actor::stateful_pointer<gateway_state> self, const actors::job_manager_actor& manager,
             std::chrono::milliseconds within, const ask_ptr& a, error (*understand)(const caf::error&),
             Question&&... question) {
  actors::ask<Answer>(
      self, manager, within, [a](const Answer& answer) { a->answer(show(answer)); },
      [a, understand](const caf::error& e) { a->answer(problem::from(understand(e))); },
      std::forward<Question>(question)...);
}

void ask_manager(gateway_actor::stateful_pointer<gateway_state> self,
                 const actors::job_manager_actor& manager, std::chrono::milliseconds within,
                 const ask_ptr& a) {
  if (auto* spec = std::get_if<job_spec>(&a->what)) {
    a->answer.if_dropped({ec::store_uncertain, "the process stopped while the job was stored"});
    pass_on<created_job>(self, manager, within, a, lost_create, actors::atom::create_v, std::move(*spec));
  } else {
    pass_on<job>(self, manager, within, a, actors::from_caf, actors::atom::find_v, std::get<job_id>(a->what));
  }
}

gateway_actor::behavior_type gateway(gateway_actor::stateful_pointer<gateway_state> self,
                                     actors::job_manager_actor manager, std::chrono::milliseconds within) {
  return {[=](const ask_ptr& a) { ask_manager(self, manager, within, a); }};
}

} // namespace

responder::responder(responder&& other) noexcept
    : send_(std::exchange(other.send_, nullptr)), if_dropped_(std::move(other.if_dropped_)) {}

responder::~responder() {
  if (!send_)
    return;
  try {
    (*this)(problem::from(if_dropped_));
  } catch (const std::exception& e) {
    log::error("Answer could not be sent", {{"error", e.what()}});
  }
}

void responder::operator()(reply r) {
  if (const auto send = std::exchange(send_, nullptr))
    send(std::move(r));
}

std::shared_ptr<void> waiting_room::enter(const std::shared_ptr<waiting_room>& room, std::size_t bytes) {
  const auto leave = [room, bytes](void*) {
    room->requests_.fetch_sub(1, std::memory_order_relaxed);
    room->bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  };
  const auto requests = room->requests_.fetch_add(1, std::memory_order_relaxed) + 1;
  const auto all_bytes = room->bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  auto place = std::shared_ptr<void>{room.get(), leave};
  if (requests > room->limits_.max_pending || all_bytes > room->limits_.max_pending_bytes)
    return nullptr;
  return place;
}

void add_message_types(caf::actor_system_config& cfg) {
  cfg.add_message_types<caf::id_block::jobd_http>();
}

bridge::bridge(caf::actor_system& system, const actors::job_manager_actor& manager,
               const bridge_options& options)
    : room_(std::make_shared<waiting_room>(options)) {
  for (auto i = 0; i < gateway_count; ++i)
    gateways_.push_back(system.spawn(gateway, manager, options.answer_within));
}

bridge::~bridge() {
  stop();
}

void bridge::stop() {
  refuse();
  // A gateway that ends drops its questions, and a dropped question answers.
  for (const auto& g : gateways_)
    caf::anon_send_exit(g, caf::exit_reason::user_shutdown);
}

void bridge::handle(const request& r, responder answer) {
  if (r.body_bytes > limits::body_bytes)
    return answer(problem::body_too_large());
  if (r.target.size() > max_target_bytes)
    return answer(problem::target_too_long());

  const auto found = find_route(r.method, r.target);
  switch (found.what) {
  case route::kind::submit: return submit(r, std::move(answer));
  case route::kind::get: return pass_on(found.id, std::move(answer), 0);
  case route::kind::healthz: return answer(show_health());
  case route::kind::not_found: return answer(problem::no_such_path());
  case route::kind::method_not_allowed: return answer(problem::method_not_allowed(found.detail));
  case route::kind::unknown_parameter: return answer(problem::unknown_parameter(found.detail));
  case route::kind::bad_id: return answer(problem::no_such_job());
  }
}

void bridge::submit(const request& r, responder answer) {
  if (!is_json(r.content_type))
    return answer(problem::not_json());
  auto spec = parse_job_spec(r.body);
  if (!spec)
    return answer(problem::from(spec.error()));
  pass_on(std::move(*spec), std::move(answer), r.body.size());
}

void bridge::pass_on(std::variant<job_spec, job_id> what, responder answer, std::size_t bytes) {
  if (refusing_)
    return answer(problem::from({ec::stopping, {}}));
  auto place = waiting_room::enter(room_, bytes);
  if (!place)
    return answer(problem::from({ec::overloaded, {}}));
  answer.if_dropped({ec::stopping, {}});
  const auto turn = turn_.fetch_add(1, std::memory_order_relaxed) % gateways_.size();
  caf::anon_send(gateways_[turn],
                 std::make_shared<ask>(ask{std::move(what), std::move(answer), std::move(place)}));
}

} // namespace jobd::http

#pragma once

#include "actors/interfaces.hpp"
#include "http/reply.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <variant>
#include <vector>

/// From HTTP to the actors and back.
namespace jobd::http {

/// The way back of one request. It sends exactly one reply: the one that it is given, or, if it is dropped
/// without one (whoever held it has died), the one for `if_dropped`.
class responder {
public:
  using send_function = std::function<void(reply)>;

  explicit responder(send_function send) : send_(std::move(send)) {}
  responder(responder&& other) noexcept;
  responder& operator=(responder&&) = delete;
  ~responder();

  void operator()(reply r);
  void if_dropped(error e) { if_dropped_ = std::move(e); }

private:
  send_function send_;
  error if_dropped_{ec::internal, "a request was dropped without an answer"};
};

struct bridge_options {
  /// How long the job manager may take.
  std::chrono::milliseconds answer_within{15'000};
  /// Requests that may wait for the job manager, and the bytes of their bodies. The next one gets 503.
  int max_pending = 10'000;
  std::size_t max_pending_bytes = 256 << 20;
};

/// What waits for the job manager now. Thread-safe.
class waiting_room {
public:
  explicit waiting_room(const bridge_options& limits) : limits_(limits) {}

  /// Holds one place; null if there is none.
  [[nodiscard]] static std::shared_ptr<void> enter(const std::shared_ptr<waiting_room>& room,
                                                   std::size_t bytes);

private:
  const bridge_options limits_;
  std::atomic<int> requests_{0};
  std::atomic<std::size_t> bytes_{0};
};

/// A question to the job manager with its way back.
struct ask {
  std::variant<job_spec, job_id> what;
  responder answer;
  std::shared_ptr<void> place;
};
using ask_ptr = std::shared_ptr<ask>;

} // namespace jobd::http

CAF_BEGIN_TYPE_ID_BLOCK(jobd_http, caf::id_block::jobd::end)
CAF_ADD_TYPE_ID(jobd_http, (jobd::http::ask_ptr))
CAF_END_TYPE_ID_BLOCK(jobd_http)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::http::ask_ptr)

namespace jobd::http {

/// To be called before the actor system starts.
void add_message_types(caf::actor_system_config& cfg);

/// The GATEWAY actor: asks the job manager and answers the request.
using gateway_actor = caf::typed_actor<
    // Takes a question.
    caf::reacts_to<ask_ptr>>;

/// Answers requests: at once what needs no job manager, through a gateway the rest. Every request that it is
/// handed gets exactly one answer.
class bridge {
public:
  bridge(caf::actor_system& system, const actors::job_manager_actor& manager, const bridge_options& options);
  ~bridge();

  /// Thread-safe.
  void handle(const request& r, responder answer);

  /// From now on every request gets 503.
  void refuse() { refusing_ = true; }
  /// Answers what is still pending with 503. The job manager's answers come too late from now on.
  void stop();

private:
  void submit(const request& r, responder answer);
  void pass_on(std::variant<job_spec, job_id> what, responder answer, std::size_t bytes);

  std::vector<gateway_actor> gateways_;
  std::atomic<unsigned> turn_{0};
  std::shared_ptr<waiting_room> room_;
  std::atomic<bool> refusing_{false};
};

} // namespace jobd::http

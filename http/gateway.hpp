#pragma once

#include "actors/interfaces.hpp"
#include "actors/open_requests.hpp"
#include "http/responder.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

namespace jobd::http {

class question;
using question_ptr = std::shared_ptr<question>;
using questions = std::vector<question_ptr>;

} // namespace jobd::http

CAF_BEGIN_TYPE_ID_BLOCK(jobd_http, caf::id_block::jobd::end)
CAF_ADD_TYPE_ID(jobd_http, (jobd::http::questions))
CAF_END_TYPE_ID_BLOCK(jobd_http)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::http::questions)

namespace jobd::http {

/// To be called before the actor system starts.
void add_message_types(caf::actor_system_config& cfg);

/// The GATEWAY actor: asks whom a question is for, and answers the request.
using gateway_actor = caf::typed_actor<
    // Takes questions.
    caf::reacts_to<questions>,
    // From itself: refuses the questions whose time is over.
    caf::reacts_to<actors::atom::wake>>;

class gateway_state;
using gateway_pointer = gateway_actor::stateful_pointer<gateway_state>;

class gateway_state {
public:
  static inline constexpr const char* name = "gateway";

  explicit gateway_state(gateway_pointer self) : self_(self) {}
  gateway_actor::behavior_type make_behavior();

  /// Answers that are not on time may be late by a quarter of a second.
  template <class Answer, class... More>
  void ask(More&&... more) {
    requests_.ask<Answer>(self_, std::forward<More>(more)...);
    wake_later();
  }

private:
  void wake_later();

  gateway_pointer self_;
  actors::open_requests requests_;
  bool will_wake_ = false;
};

gateway_actor::behavior_type gateway(gateway_pointer self);

/// What becomes of a question whose answer is lost.
enum class effect : std::uint8_t { reads, writes };

/// A request that waits for the answer to a question. If it is dropped it is answered by that, as `responder`
/// says.
class asker {
public:
  asker(responder answer, std::shared_ptr<void> place, effect what)
      : answer_(std::move(answer)), place_(std::move(place)), effect_(what) {
    answer_.if_dropped({ec::stopping, {}});
  }

  /// The question is on its way.
  void asked();
  /// Hands the answer to `take`, with the way back, unless the request has its answer.
  template <class Take, class Answer>
  void tell(const Take& take, const Answer& a) {
    if (!std::exchange(over_, true))
      take(a, answer_);
  }
  /// Answers the request with a failure, unless it has its answer.
  void refuse(const error& why);
  /// The same for a question that has failed.
  void refuse(const caf::error& why);

private:
  responder answer_;
  std::shared_ptr<void> place_;
  effect effect_;
  /// What comes after that is for no one.
  bool over_ = false;
};

/// A question to an actor, with those who wait for its answer.
class question {
public:
  virtual ~question() = default;

  /// Called once, by a gateway. `me` is this.
  virtual void ask(gateway_pointer self, question_ptr me) = 0;
};

/// What one request asks. `take` is called with the answer and with the way back.
template <class Answer, class To, class Take, class... Message>
class question_of final : public question {
public:
  question_of(asker by, std::chrono::milliseconds within, To to, Take take, Message... message)
      : by_(std::move(by)),
        within_(within),
        to_(std::move(to)),
        take_(std::move(take)),
        message_(std::move(message)...) {}

  void ask(gateway_pointer self, question_ptr me) override {
    by_.asked();
    const auto on_answer = [this, me](const Answer& a) { by_.tell(take_, a); };
    const auto on_error = [this, me](const caf::error& why) { by_.refuse(why); };
    std::apply(
        [&](auto&... part) {
          self->state.template ask<Answer>(to_, within_, on_answer, on_error, std::move(part)...);
        },
        message_);
  }

private:
  asker by_;
  const std::chrono::milliseconds within_;
  const To to_;
  const Take take_;
  std::tuple<Message...> message_;
};

template <class Answer, class To, class Take, class... Message>
question_ptr make_question(asker by, std::chrono::milliseconds within, To to, Take take, Message... message) {
  return std::make_shared<question_of<Answer, To, Take, Message...>>(std::move(by), within, std::move(to),
                                                                     std::move(take), std::move(message)...);
}

/// A job that a request wants to have stored.
struct wanted_job {
  asker by;
  job_spec spec;
  std::function<void(const created_job&, responder&)> take;
};

/// One message for the jobs of several requests, which costs less than one for each.
class create_question final : public question {
public:
  create_question(std::vector<wanted_job> jobs, std::chrono::milliseconds within,
                  actors::job_manager_actor to)
      : jobs_(std::move(jobs)), within_(within), to_(std::move(to)) {}

  void ask(gateway_pointer self, question_ptr me) override;

private:
  std::vector<wanted_job> jobs_;
  const std::chrono::milliseconds within_;
  const actors::job_manager_actor to_;
};

} // namespace jobd::http

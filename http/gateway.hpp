#pragma once

#include "actors/ask.hpp"
#include "actors/interfaces.hpp"
#include "http/responder.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <memory>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace jobd::http {

class question;
using question_ptr = std::shared_ptr<question>;

} // namespace jobd::http

CAF_BEGIN_TYPE_ID_BLOCK(jobd_http, caf::id_block::jobd::end)
CAF_ADD_TYPE_ID(jobd_http, (jobd::http::question_ptr))
CAF_END_TYPE_ID_BLOCK(jobd_http)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::http::question_ptr)

namespace jobd::http {

/// To be called before the actor system starts.
void add_message_types(caf::actor_system_config& cfg);

/// The GATEWAY actor: asks whom a question is for, and answers the request.
using gateway_actor = caf::typed_actor<
    // Takes a question.
    caf::reacts_to<question_ptr>,
    // From itself: refuses the questions whose time is over.
    caf::reacts_to<actors::atom::wake>>;

class gateway_state;
using gateway_pointer = gateway_actor::stateful_pointer<gateway_state>;

/// Knows how long each of its questions may wait: one look at all of them now and then costs less than a
/// timer of CAF's for each.
class gateway_state {
public:
  static inline constexpr const char* name = "gateway";
  using time_point = caf::actor_clock::time_point;

  explicit gateway_state(gateway_pointer self) : self_(self) {}
  gateway_actor::behavior_type make_behavior();

  void asked(question& q, std::chrono::milliseconds within);
  void answered(question& q) { until_.erase(&q); }

private:
  void wake();

  gateway_pointer self_;
  std::unordered_map<question*, time_point> until_;
  bool will_wake_ = false;
};

gateway_actor::behavior_type gateway(gateway_pointer self);

/// What becomes of a question whose answer is lost.
enum class effect : std::uint8_t { reads, writes };

/// A question to an actor with its way back. Whoever drops it answers it by that, as `responder` says.
class question {
public:
  question(responder answer, std::shared_ptr<void> place, effect what)
      : answer_(std::move(answer)), place_(std::move(place)), effect_(what) {
    answer_.if_dropped({ec::stopping, {}});
  }
  virtual ~question() = default;

  /// Called once, by a gateway. `me` is this.
  virtual void ask(gateway_pointer self, question_ptr me) = 0;

  /// Answers the request with a failure, unless it has its answer.
  void refuse(const caf::error& why);

protected:
  /// The question is on its way.
  void sent();

  responder answer_;
  /// What comes after that is for no one.
  bool over_ = false;

private:
  const std::shared_ptr<void> place_;
  const effect effect_;
};

/// The one question: what is sent, and what becomes of the answer. `take` is called with it and with the
/// way back.
template <class Answer, class To, class Take, class... Message>
class question_of final : public question {
public:
  question_of(responder answer, std::shared_ptr<void> place, effect what, std::chrono::milliseconds within,
              To to, Take take, Message... message)
      : question(std::move(answer), std::move(place), what),
        to_(std::move(to)),
        within_(within),
        take_(std::move(take)),
        message_(std::move(message)...) {}

  void ask(gateway_pointer self, question_ptr me) override {
    sent();
    self->state.asked(*this, within_);
    const auto on_answer = [this, self, me](const Answer& a) {
      self->state.answered(*this);
      if (!std::exchange(over_, true))
        take_(a, answer_);
    };
    const auto on_error = [this, self, me](const caf::error& why) {
      self->state.answered(*this);
      refuse(why);
    };
    std::apply(
        [&](auto&... part) {
          actors::ask<Answer>(self, to_, caf::infinite, on_answer, on_error, std::move(part)...);
        },
        message_);
  }

private:
  const To to_;
  const std::chrono::milliseconds within_;
  Take take_;
  std::tuple<Message...> message_;
};

template <class Answer, class To, class Take, class... Message>
question_ptr make_question(responder answer, std::shared_ptr<void> place, effect what,
                           std::chrono::milliseconds within, To to, Take take, Message... message) {
  return std::make_shared<question_of<Answer, To, Take, Message...>>(std::move(answer), std::move(place),
                                                                     what, within, std::move(to),
                                                                     std::move(take), std::move(message)...);
}

} // namespace jobd::http

#pragma once

#include <caf/duration.hpp>
#include <caf/error.hpp>

#include <type_traits>
#include <utility>

namespace jobd::actors {

/// A request with its two continuations, for what is asked thousands of times a second. CAF 0.17 keeps the
/// timer of a request until it runs out, even if the answer was there long before: here it is taken back with
/// the answer. With `caf::infinite` there is no timer, which costs least: for those who are sure of an
/// answer, or who watch the time themselves.
template <class Answer, class Self, class Handle, class Timeout, class OnAnswer, class OnError,
          class... Question>
void ask(Self self, const Handle& to, Timeout within, OnAnswer on_answer, OnError on_error,
         Question&&... question) {
  auto requested = self->request(to, within, std::forward<Question>(question)...);
  const auto forget_timer = [self, id = requested.id()] {
    if constexpr (!std::is_same_v<Timeout, caf::infinite_t>)
      self->clock().cancel_request_timeout(self, id);
  };
  requested.then(
      [forget_timer, on_answer = std::move(on_answer)](Answer& answer) mutable {
        forget_timer();
        on_answer(answer);
      },
      [forget_timer, on_error = std::move(on_error)](caf::error& why) mutable {
        forget_timer();
        on_error(why);
      });
}

} // namespace jobd::actors

#pragma once

#include "actors/ask.hpp"

#include <caf/actor_clock.hpp>
#include <caf/sec.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace jobd::actors {

/// The requests of an actor that have no answer yet. Each has a limit of time, which the actor itself looks
/// at now and then: a timer of CAF's for each wakes a thread twice.
class open_requests {
public:
  using time_point = caf::actor_clock::time_point;

  /// As `ask`. If there is no answer in time, `on_error` gets `caf::sec::request_timeout` from `expire`, and
  /// what comes later is for no one.
  template <class Answer, class Self, class Handle, class OnAnswer, class OnError, class... Question>
  void ask(Self self, const Handle& to, std::chrono::milliseconds within, OnAnswer on_answer,
           OnError on_error, Question&&... question) {
    const auto n = next_++;
    open_.emplace(n, open{self->clock().now() + within, std::move(on_error)});
    actors::ask<Answer>(
        self, to, caf::infinite,
        [this, n, on_answer = std::move(on_answer)](Answer& answer) mutable {
          if (open_.erase(n) > 0)
            on_answer(answer);
        },
        [this, n](caf::error& why) {
          if (const auto failed = open_.extract(n))
            failed.mapped().on_error(why);
        },
        std::forward<Question>(question)...);
  }

  /// Fails those whose time is over.
  void expire(time_point now) {
    auto late = std::vector<open>{};
    std::erase_if(open_, [&](auto& at) {
      const auto is_late = at.second.until <= now;
      if (is_late)
        late.push_back(std::move(at.second));
      return is_late;
    });
    for (auto& o : late) {
      auto why = caf::make_error(caf::sec::request_timeout);
      o.on_error(why);
    }
  }

  [[nodiscard]] bool empty() const noexcept { return open_.empty(); }

private:
  struct open {
    time_point until;
    std::function<void(caf::error&)> on_error;
  };

  std::map<std::uint64_t, open> open_;
  std::uint64_t next_ = 0;
};

} // namespace jobd::actors

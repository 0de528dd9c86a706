#pragma once

#include "actors/errors.hpp"
#include "actors/interfaces.hpp"
#include "actors/system.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <boost/test/unit_test.hpp>

#include <deque>

namespace jobd::actors {

using namespace std::chrono_literals;

struct test_config : system_config {
  test_config() {
    // Instead of the event loop.
    module_factories.clear();
    set("scheduler.policy", caf::atom("testing"));
    set("logger.file-verbosity", caf::atom("quiet"));
  }
};

/// Runs actors one message at a time under a virtual clock. No detached actors in it.
struct actor_fixture {
  test_config cfg;
  caf::actor_system sys{cfg};
  caf::scoped_actor self{sys, true};
  caf::scheduler::test_coordinator& sched = dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  std::vector<caf::actor> spawned;

  actor_fixture() { sched.clock().current_time += 1h; }
  ~actor_fixture() { end_actors(); }

  /// To be called by the destructor of a fixture whose members the actors refer to.
  void end_actors() {
    // What dies may spawn a successor first.
    while (!spawned.empty()) {
      for (const auto& a : std::exchange(spawned, {}))
        self->send_exit(a, caf::exit_reason::kill);
      run();
    }
  }

  /// Keeps an actor to the end of the test, and ends it then.
  template <class Handle>
  Handle keep(Handle h) {
    spawned.push_back(caf::actor_cast<caf::actor>(h));
    return h;
  }
  /// Until nothing moves any more, or for so many messages: actors that ask again at once would go on for
  /// ever.
  void run() {
    for (auto i = 0; i < 500 && sched.try_run_once(); ++i) {
    }
  }
  /// Lets time pass in small steps, as periodic messages expect.
  void advance(std::chrono::milliseconds time) {
    for (const auto step = 50ms; time > 0ms; time -= step) {
      sched.advance_time(std::min<std::chrono::milliseconds>(step, time));
      run();
    }
  }
  caf::actor_clock::time_point now() { return sched.clock().now(); }

  /// Sends a request and gives what came back by the time that nothing moves any more; nothing if no answer
  /// came.
  template <class Answer, class Handle, class... Question>
  std::optional<expected<Answer>> ask(const Handle& h, Question... question) {
    return *start<Answer>(h, std::move(question)...);
  }

  /// A request whose answer is looked at later, when it is no longer empty.
  template <class Answer>
  using pending = std::shared_ptr<std::optional<expected<Answer>>>;

  template <class Answer, class Handle, class... Question>
  pending<Answer> start(const Handle& h, Question... question) {
    auto seen = post<Answer>(h, std::move(question)...);
    run();
    return seen;
  }

  /// The same, but it is on its way only when the test runs what there is.
  template <class Answer, class Handle, class... Question>
  pending<Answer> post(const Handle& h, Question... question) {
    auto seen = std::make_shared<std::optional<expected<Answer>>>();
    keep(sys.spawn([seen, h, question...](caf::event_based_actor* asker) {
      asker->request(h, 10min, question...)
          .then([seen](Answer& a) { *seen = std::move(a); },
                [seen](const caf::error& e) { *seen = tl::unexpected{from_caf(e)}; });
    }));
    return seen;
  }
};

/// Keeps questions waiting until the test has an answer for them. (A promise may only be kept by code that
/// runs inside an actor.) A fake asks it with `hold`; `self->send(vault, caf::ok_atom_v, answer or error)`
/// answers the oldest.
template <class Answer>
caf::behavior vault(caf::event_based_actor* self) {
  auto held = std::make_shared<std::deque<caf::typed_response_promise<Answer>>>();
  return {
      [self, held](caf::get_atom) -> caf::result<Answer> {
        held->push_back(self->make_response_promise<Answer>());
        return held->back();
      },
      [held](caf::ok_atom, Answer& a) {
        held->front().deliver(std::move(a));
        held->pop_front();
      },
      [held](caf::ok_atom, caf::error& e) {
        held->front().deliver(std::move(e));
        held->pop_front();
      },
  };
}

template <class Answer, class Self>
caf::result<Answer> hold(Self self, const caf::actor& in) {
  auto answer = self->template make_response_promise<Answer>();
  self->request(in, 60min, caf::get_atom_v)
      .then([answer](Answer& a) mutable { answer.deliver(std::move(a)); },
            [answer](caf::error& e) mutable { answer.deliver(std::move(e)); });
  return answer;
}

} // namespace jobd::actors

#include "actors/event_loop.hpp"

#include "actors/system.hpp"
#include "tests/support/server_process.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace jobd::actors {
namespace {

using namespace std::chrono_literals;
using test::eventually;

/// Counts what it is asked, and may have as much to serve as is wanted.
struct fake_source : event_source {
  bool poll() override {
    thread = std::this_thread::get_id();
    ++polls;
    return endless;
  }
  void wait() override {
    inside = true;
    ++waits;
    {
      auto lock = std::unique_lock{mutex};
      changed.wait(lock, [&] { return endless || std::exchange(woken, false); });
    }
    inside = false;
  }
  void wake() override {
    const auto lock = std::lock_guard{mutex};
    ++wakes;
    woken = true;
    changed.notify_all();
  }

  std::atomic<std::thread::id> thread;
  std::atomic<bool> endless{false};
  std::atomic<bool> inside{false};
  std::atomic<int> polls{0};
  std::atomic<int> waits{0};
  std::atomic<int> wakes{0};

private:
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = false;
};

/// Says which thread it runs on.
caf::behavior which_thread(caf::event_based_actor* /*unused*/, std::atomic<std::thread::id>* here) {
  return {[here](int n) {
    *here = std::this_thread::get_id();
    return n;
  }};
}

/// Never stops.
caf::behavior restless(caf::event_based_actor* self, const std::shared_ptr<std::atomic<int>>& steps) {
  self->send(self, caf::unit);
  return {[self, steps](caf::unit_t) {
    ++*steps;
    self->send(self, caf::unit);
  }};
}

struct loop_fixture {
  system_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  fake_source source;
  std::atomic<std::thread::id> here;
  caf::actor echo = system.spawn(which_thread, &here);

  ~loop_fixture() { self->send_exit(echo, caf::exit_reason::user_shutdown); }

  bool answers() {
    auto answered = false;
    self->request(echo, 10s, 1).receive([&](int) { answered = true; }, [](const caf::error&) {});
    return answered;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(event_loop, loop_fixture)

BOOST_AUTO_TEST_CASE(actors_share_one_thread_with_the_source) {
  auto there = std::atomic<std::thread::id>{};
  const auto other = system.spawn(which_thread, &there);
  BOOST_REQUIRE(serve(system, source));
  BOOST_TEST(answers());
  self->request(other, 10s, 1).receive([](int) {}, [](const caf::error&) {});
  BOOST_TEST((here.load() == there.load()));
  BOOST_TEST((here.load() != std::this_thread::get_id()));
  BOOST_TEST(eventually([&] { return source.thread.load() == here.load(); }));
  release(system, source);
  self->send_exit(other, caf::exit_reason::user_shutdown);
}

BOOST_AUTO_TEST_CASE(a_message_wakes_the_thread_that_waits_in_the_source) {
  BOOST_REQUIRE(serve(system, source));
  for (auto n = 0; n < 100; ++n) {
    BOOST_REQUIRE(eventually([&] { return source.inside.load(); }));
    BOOST_REQUIRE(answers());
  }
  BOOST_TEST(source.wakes > 0);
  release(system, source);
}

BOOST_AUTO_TEST_CASE(many_messages_wake_it_once) {
  BOOST_REQUIRE(serve(system, source));
  for (auto n = 0; n < 1'000; ++n)
    self->send(echo, n);
  BOOST_TEST(answers());
  BOOST_TEST(source.wakes <= source.waits + 1);
  release(system, source);
}

BOOST_AUTO_TEST_CASE(an_actor_that_never_stops_leaves_the_source_its_turn) {
  const auto steps = std::make_shared<std::atomic<int>>(0);
  const auto flood = system.spawn(restless, steps);
  BOOST_REQUIRE(serve(system, source));
  BOOST_TEST(eventually([&] { return source.polls > 10 && *steps > 1'000; }));
  // It can be let go, too.
  release(system, source);
  self->send_exit(flood, caf::exit_reason::kill);
}

BOOST_AUTO_TEST_CASE(a_source_that_never_stops_leaves_actors_their_turn) {
  source.endless = true;
  BOOST_REQUIRE(serve(system, source));
  for (auto n = 0; n < 100; ++n)
    BOOST_REQUIRE(answers());
  release(system, source);
}

BOOST_AUTO_TEST_CASE(a_thread_without_work_sleeps_at_once) {
  BOOST_REQUIRE(serve(system, source));
  BOOST_REQUIRE(eventually([&] { return source.inside.load(); }));
  const auto polls = source.polls.load();
  const auto waits = source.waits.load();
  BOOST_REQUIRE(answers());
  BOOST_REQUIRE(eventually([&] { return source.waits > waits && source.inside; }));
  BOOST_TEST(source.polls - polls <= 2 * (source.waits - waits));
  release(system, source);
}

BOOST_AUTO_TEST_CASE(a_source_is_left_alone_once_it_is_released) {
  for (auto n = 0; n < 100; ++n) {
    BOOST_REQUIRE(serve(system, source));
    if (n % 2 == 0)
      BOOST_REQUIRE(eventually([&] { return source.inside.load(); }));
    release(system, source);
    const auto polls = source.polls.load();
    const auto waits = source.waits.load();
    BOOST_TEST(!source.inside);
    BOOST_REQUIRE(answers());
    BOOST_TEST(source.polls == polls);
    BOOST_TEST(source.waits == waits);
  }
}

BOOST_AUTO_TEST_CASE(only_one_source_is_served) {
  auto second = fake_source{};
  BOOST_REQUIRE(serve(system, source));
  BOOST_TEST(!serve(system, second));
  release(system, source);
  BOOST_TEST(serve(system, second));
  release(system, second);
}

BOOST_AUTO_TEST_CASE(no_actor_is_left_when_the_system_ends) {
  const auto steps = std::make_shared<std::atomic<int>>(0);
  {
    system_config other_config;
    caf::actor_system other{other_config};
    for (auto n = 0; n < 10; ++n)
      caf::anon_send_exit(other.spawn(restless, steps), caf::exit_reason::kill);
  }
  BOOST_TEST(steps.use_count() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::actors

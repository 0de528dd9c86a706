#include "actors/inspector.hpp"

#include "core/metrics.hpp"
#include "tests/actors/fakes.hpp"
#include "tests/actors/fixture.hpp"

using namespace jobd;
using namespace jobd::actors;

namespace {

struct inspector_fixture : actor_fixture {
  neighbours around;
  storage_actor storage;
  inspector_actor tested;

  inspector_fixture() {
    metrics::queues.bound("inspected");
    const auto queue = keep(sys.spawn(neighbour_queue, &around));
    storage = keep(sys.spawn(neighbour_storage, &around));
    tested = keep(sys.spawn(inspector, storage, queue, seconds{60}));
    run();
  }
  ~inspector_fixture() { end_actors(); }

  readiness look() { return ask<readiness>(tested, atom::ready_v).value().value(); }
  /// Asked all the time; the last answer.
  readiness look_for(std::chrono::seconds time) {
    for (; time > 0s; time -= 5s) {
      (void)look();
      advance(5s);
    }
    return look();
  }

  std::string measure() { return ask<std::string>(tested, atom::measure_v).value().value(); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(inspector_suite, inspector_fixture)

BOOST_AUTO_TEST_CASE(the_depth_of_a_queue_is_what_the_queue_says) {
  around.queue_size = 17;
  BOOST_TEST(measure().find("\njobd_queue_depth{queue=\"inspected\"} 17\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_queue_that_is_away_has_no_depth) {
  around.queue_size = 17;
  (void)measure();
  around.queue_away = true;
  auto text = measure();
  std::ranges::transform(text, text.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
  BOOST_TEST(text.find("\njobd_queue_depth{queue=\"inspected\"} nan\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_queue_that_does_not_answer_is_not_waited_for) {
  const auto silent = keep(sys.spawn([](caf::event_based_actor* me) { return vault<std::int64_t>(me); }));
  const auto queue = keep(sys.spawn([silent](queue_actor::pointer me) -> queue_actor::behavior_type {
    return {
        [](atom::push, hints&) {},
        [](atom::publish, const job_events&) {},
        [](atom::cancel, const run_keys&) {},
        [](atom::attend, std::chrono::milliseconds) -> caf::result<caf::unit_t> { return caf::unit; },
        [](atom::read, const std::string&) -> caf::result<messages> { return messages{}; },
        [me, silent](atom::size, const std::string&) { return hold<std::int64_t>(me, silent); },
        [](atom::flush) {},
    };
  }));
  const auto slow = keep(sys.spawn(inspector, storage, queue, seconds{60}));
  const auto first = start<std::string>(slow, atom::measure_v);
  const auto second = start<std::string>(slow, atom::measure_v);
  BOOST_TEST(!first->has_value());
  advance(1s);
  BOOST_TEST((first->has_value() && (*first)->has_value()));
  BOOST_TEST((second->has_value() && (*second)->has_value()));
}

BOOST_AUTO_TEST_CASE(ready_when_nothing_waits) {
  const auto r = look_for(120s);
  BOOST_TEST(r.database);
  BOOST_TEST(r.progress.value());
  BOOST_TEST(r.reasons.empty());
}

BOOST_AUTO_TEST_CASE(heads_that_stay_for_a_minute_are_no_progress) {
  around.heads.jobs = {{7, 0}, {9, 2}};
  BOOST_TEST(look_for(55s).progress.value());
  const auto r = look_for(10s);
  BOOST_TEST(!r.progress.value());
  BOOST_TEST(r.database);
  BOOST_TEST(r.reasons.at(0).code == "no_progress");
  BOOST_TEST(r.reasons.at(0).detail.starts_with("job 7 "));
}

BOOST_AUTO_TEST_CASE(any_claim_is_progress) {
  around.heads.jobs = {{7, 0}, {9, 2}};
  (void)look_for(50s);
  around.heads.jobs = {{7, 0}, {10, 0}};
  BOOST_TEST(look_for(50s).progress.value());
  // The same job, tried again.
  around.heads.jobs = {{7, 0}, {10, 1}};
  BOOST_TEST(look_for(50s).progress.value());
  BOOST_TEST(!look_for(15s).progress.value());
  around.heads.jobs = {};
  BOOST_TEST(look_for(5s).progress.value());
}

BOOST_AUTO_TEST_CASE(without_workers_nothing_is_started_whatever_comes_first) {
  around.heads = {.has_worker = true, .jobs = {{7, 0}}};
  (void)look_for(30s);
  around.heads.has_worker = false;
  (void)look_for(20s);
  around.heads.jobs = {{9, 0}};
  BOOST_TEST(look().progress.value());
  const auto r = look_for(15s);
  BOOST_TEST(!r.progress.value());
  BOOST_TEST(r.reasons.at(0).code == "no_worker");
  // It has a minute to start something.
  around.heads.has_worker = true;
  BOOST_TEST(look_for(55s).progress.value());
  around.heads = {.has_worker = false, .jobs = {}};
  BOOST_TEST(look_for(120s).progress.value());
}

BOOST_AUTO_TEST_CASE(what_happened_between_two_late_looks_is_unknown) {
  around.heads.jobs = {{7, 0}};
  (void)look();
  advance(120s);
  BOOST_TEST(look().progress.value());
}

BOOST_AUTO_TEST_CASE(one_look_serves_all_for_some_seconds) {
  for (auto i = 0; i < 20; ++i)
    (void)look();
  BOOST_TEST(around.looks_at_heads == 1);
  advance(3s);
  (void)look();
  BOOST_TEST(around.looks_at_heads == 2);
}

BOOST_AUTO_TEST_CASE(not_ready_without_the_database) {
  around.heads.jobs = {{7, 0}};
  (void)look_for(50s);
  around.store_away = true;
  const auto r = look_for(30s);
  BOOST_TEST(!r.database);
  BOOST_TEST(!r.progress.has_value());
  BOOST_TEST(r.reasons.at(0).code == "database_away");
  // Nobody could start anything meanwhile.
  around.store_away = false;
  BOOST_TEST(look_for(50s).progress.value());
}

BOOST_AUTO_TEST_SUITE_END()

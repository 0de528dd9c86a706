#include "actors/inspector.hpp"

#include "core/metrics.hpp"
#include "tests/actors/fakes.hpp"
#include "tests/actors/fixture.hpp"

using namespace jobd;
using namespace jobd::actors;

namespace {

struct inspector_fixture : actor_fixture {
  neighbours around;
  inspector_actor tested;

  inspector_fixture() {
    metrics::queues.bound("inspected");
    const auto queue = keep(sys.spawn(neighbour_queue, &around));
    tested = keep(sys.spawn(inspector, queue));
    run();
  }
  ~inspector_fixture() { end_actors(); }

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
  const auto slow = keep(sys.spawn(inspector, queue));
  const auto first = start<std::string>(slow, atom::measure_v);
  const auto second = start<std::string>(slow, atom::measure_v);
  BOOST_TEST(!first->has_value());
  advance(1s);
  BOOST_TEST((first->has_value() && (*first)->has_value()));
  BOOST_TEST((second->has_value() && (*second)->has_value()));
}

BOOST_AUTO_TEST_SUITE_END()

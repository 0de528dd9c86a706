#include "actors/hinter.hpp"

#include "tests/actors/fakes.hpp"
#include "tests/actors/fixture.hpp"

namespace jobd::actors {
namespace {

struct hinter_fixture : actor_fixture {
  neighbours around;
  hinter_actor duty;

  void spawn_hinter(std::vector<std::string> queues = {"default"}) {
    auto options = hinter_options{};
    options.queues = std::move(queues);
    options.types = {"default", "mail"};
    options.limit = 100;
    duty = keep(sys.spawn(hinter, options, keep(sys.spawn(neighbour_storage, &around)),
                          keep(sys.spawn(neighbour_queue, &around))));
    run();
  }
  ~hinter_fixture() {
    duty = nullptr;
    end_actors();
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(hinter_suite, hinter_fixture)

BOOST_AUTO_TEST_CASE(ready_jobs_are_hinted_again_every_two_seconds) {
  around.ready = {{1, "default", 5}};
  spawn_hinter();
  BOOST_TEST(around.pushed.size() == 1u);
  advance(4'100ms);
  BOOST_TEST(around.pushed.size() == 3u);
  BOOST_TEST(around.ready_queries[0].types.size() == 2u);
  BOOST_TEST(around.ready_queries[0].limit == 100);
}

BOOST_AUTO_TEST_CASE(all_queues_are_one_question_to_the_store) {
  spawn_hinter({"urgent", "default", "bulk"});
  BOOST_REQUIRE(around.ready_queries.size() == 1u);
  BOOST_TEST(around.ready_queries[0].queues.size() == 3u);
  advance(2'100ms);
  BOOST_TEST(around.ready_queries.size() == 2u);
}

BOOST_AUTO_TEST_CASE(an_empty_queue_wakes_it_only_if_the_last_pass_found_jobs) {
  spawn_hinter();
  self->send(duty, atom::wake_v);
  run();
  BOOST_TEST(around.ready_queries.size() == 1u);
  around.ready = {{1, "default", 5}};
  advance(2'100ms);
  const auto before = around.ready_queries.size();
  self->send(duty, atom::wake_v);
  run();
  BOOST_TEST(around.ready_queries.size() == before + 1);
}

BOOST_AUTO_TEST_CASE(a_backlog_is_hinted_on_before_the_queue_runs_dry) {
  around.ready = hints(100, {1, "default", 5});
  around.queue_size = 0;
  spawn_hinter();
  around.queue_size = 100;
  advance(1s);
  BOOST_TEST(around.ready_queries.size() == 1u);
  around.queue_size = 49;
  advance(110ms);
  BOOST_TEST(around.ready_queries.size() == 2u);
  around.ready = {{1, "default", 5}};
  advance(110ms);
  BOOST_TEST(around.ready_queries.size() == 3u);
  advance(500ms);
  BOOST_TEST(around.ready_queries.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_plainly_full_queue_is_looked_after_less_often) {
  around.ready = {{1, "default", 5}};
  around.queue_size = 100;
  spawn_hinter();
  advance(9s);
  BOOST_TEST(around.ready_queries.size() == 1u);
  advance(2s);
  BOOST_TEST(around.ready_queries.size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_store_is_not_asked_while_the_queue_is_away) {
  around.queue_away = true;
  spawn_hinter();
  advance(10s);
  BOOST_TEST(around.ready_queries.empty());
  around.queue_away = false;
  advance(2'100ms);
  BOOST_TEST(around.ready_queries.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::actors

#include "actors/promoter.hpp"

#include "tests/actors/fakes.hpp"
#include "tests/actors/fixture.hpp"

namespace jobd::actors {
namespace {

struct promoter_fixture : actor_fixture {
  neighbours around;
  promoter_actor duty;

  void spawn_promoter() {
    duty = keep(sys.spawn(promoter, keep(sys.spawn(neighbour_storage, &around)),
                          keep(sys.spawn(neighbour_queue, &around))));
    run();
    advance(50ms);
  }
  ~promoter_fixture() {
    duty = nullptr;
    end_actors();
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(promoter_suite, promoter_fixture)

BOOST_AUTO_TEST_CASE(promoted_jobs_are_hinted) {
  around.promotion.hints = {{1, "default", 5}, {2, "mail", 0}};
  spawn_promoter();
  BOOST_TEST(around.pushed.size() == 2u);
}

BOOST_AUTO_TEST_CASE(it_sleeps_until_the_next_job_is_due) {
  around.promotion.next_in = seconds{1.5};
  spawn_promoter();
  BOOST_TEST(around.promotions == 1);
  advance(1'400ms);
  BOOST_TEST(around.promotions == 1);
  around.promotion.next_in.reset();
  advance(200ms);
  BOOST_TEST(around.promotions == 2);
}

BOOST_AUTO_TEST_CASE(with_nothing_scheduled_it_still_looks_every_five_seconds) {
  spawn_promoter();
  advance(4'900ms);
  BOOST_TEST(around.promotions == 1);
  advance(200ms);
  BOOST_TEST(around.promotions == 2);
}

BOOST_AUTO_TEST_CASE(a_job_that_is_due_sooner_wakes_it_sooner_and_a_later_one_does_not) {
  spawn_promoter();
  self->send(duty, atom::due_v, std::chrono::milliseconds{60'000});
  self->send(duty, atom::due_v, std::chrono::milliseconds{300});
  run();
  advance(350ms);
  BOOST_TEST(around.promotions == 2);
  advance(4s);
  BOOST_TEST(around.promotions == 2);
}

BOOST_AUTO_TEST_CASE(more_that_is_due_is_promoted_at_once) {
  around.promotion.next_in = seconds{0};
  spawn_promoter();
  advance(100ms);
  BOOST_TEST(around.promotions > 1);
}

BOOST_AUTO_TEST_CASE(it_goes_on_by_itself_after_an_outage) {
  around.store_away = true;
  spawn_promoter();
  advance(5s);
  const auto tries = around.promotions;
  BOOST_TEST(tries >= 4);
  BOOST_TEST(tries <= 6);
  around.store_away = false;
  around.promotion.hints = {{1, "default", 5}};
  advance(1'100ms);
  BOOST_TEST(around.pushed.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::actors

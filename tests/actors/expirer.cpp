#include "actors/expirer.hpp"

#include "tests/actors/fakes.hpp"
#include "tests/actors/fixture.hpp"

namespace jobd::actors {
namespace {

struct expirer_fixture : actor_fixture {
  neighbours around;
  expirer_actor duty;

  void spawn_expirer() {
    duty = keep(sys.spawn(expirer, keep(sys.spawn(neighbour_storage, &around)),
                          keep(sys.spawn(neighbour_queue, &around))));
    run();
    advance(50ms);
  }
  ~expirer_fixture() {
    duty = nullptr;
    end_actors();
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(expirer_suite, expirer_fixture)

BOOST_AUTO_TEST_CASE(those_who_watch_are_told_what_expired) {
  around.expiry.expired = {{.id = 4, .type = "mail", .queue = "q", .status = job_status::failed}};
  spawn_expirer();
  BOOST_REQUIRE(around.published.size() == 1U);
  BOOST_TEST(around.published[0].id == 4);
  BOOST_TEST((around.published[0].status == job_status::failed));
}

BOOST_AUTO_TEST_CASE(it_sleeps_until_the_next_job_expires) {
  around.expiry.next_in = seconds{1.5};
  spawn_expirer();
  BOOST_TEST(around.expiries == 1);
  advance(1'400ms);
  BOOST_TEST(around.expiries == 1);
  around.expiry.next_in.reset();
  advance(200ms);
  BOOST_TEST(around.expiries == 2);
}

BOOST_AUTO_TEST_CASE(a_job_that_expires_sooner_wakes_it) {
  spawn_expirer();
  self->send(duty, atom::due_v, std::chrono::milliseconds{300});
  advance(400ms);
  BOOST_TEST(around.expiries == 2);
}

BOOST_AUTO_TEST_CASE(a_store_that_is_away_is_asked_again_after_a_second) {
  around.store_away = true;
  spawn_expirer();
  BOOST_TEST(around.expiries == 1);
  advance(1'100ms);
  BOOST_TEST(around.expiries == 2);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::actors

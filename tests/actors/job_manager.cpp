#include "actors/job_manager.hpp"

#include "tests/actors/fakes.hpp"
#include "tests/actors/fixture.hpp"

namespace jobd::actors {
namespace {

struct manager_fixture : actor_fixture {
  neighbours around;
  job_manager_actor manager = keep(sys.spawn(job_manager, keep(sys.spawn(neighbour_storage, &around)),
                                             keep(sys.spawn(neighbour_queue, &around)),
                                             keep(sys.spawn(neighbour_promoter, &around))));

  ~manager_fixture() {
    manager = nullptr;
    end_actors();
  }
  static job_spec spec() {
    auto s = job_spec{};
    s.object_id = 1;
    s.queue = "mail";
    s.priority = 2;
    return s;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(job_manager_suite, manager_fixture)

BOOST_AUTO_TEST_CASE(a_new_job_is_stored_and_hinted) {
  around.create_gives = {42, false, {}};
  BOOST_TEST(ask<created_job>(manager, atom::create_v, spec())->value().id == 42);
  BOOST_REQUIRE(around.pushed.size() == 1u);
  BOOST_TEST((around.pushed[0] == hint{42, "mail", 2}));
}

BOOST_AUTO_TEST_CASE(a_duplicate_is_not_hinted) {
  around.create_gives = {42, true, {}};
  BOOST_TEST(ask<created_job>(manager, atom::create_v, spec())->value().duplicate);
  BOOST_TEST(around.pushed.empty());
}

BOOST_AUTO_TEST_CASE(a_scheduled_job_goes_to_the_promoter_instead) {
  const auto later = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()) + 60s;
  around.create_gives = {42, false, later};
  BOOST_TEST(ask<created_job>(manager, atom::create_v, spec())->has_value());
  BOOST_TEST(around.pushed.empty());
  BOOST_REQUIRE(around.due.size() == 1u);
  BOOST_TEST(around.due[0].count() > 50'000);
  BOOST_TEST(around.due[0].count() <= 60'000);
}

BOOST_AUTO_TEST_CASE(an_invalid_job_never_reaches_storage) {
  auto bad = spec();
  bad.priority = 10;
  const auto answer = ask<created_job>(manager, atom::create_v, bad);
  BOOST_REQUIRE(answer);
  BOOST_TEST((answer->error().code == ec::invalid));
  BOOST_TEST(answer->error().context.find("priority") == 0u);
  BOOST_TEST(around.created.empty());
}

BOOST_AUTO_TEST_CASE(a_store_that_is_away_is_told_to_the_client_and_nothing_is_hinted) {
  around.store_away = true;
  BOOST_TEST((ask<created_job>(manager, atom::create_v, spec())->error().code == ec::store_away));
  BOOST_TEST(around.pushed.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::actors

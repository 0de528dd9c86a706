#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

BOOST_AUTO_TEST_SUITE(cancel)

TEST_ON_EACH_GROUND(a_created_job_is_cancelled_at_once) {
  const auto id = s.submit({{"type", "nobody"}});
  const auto got = s.del("/v1/jobs/" + std::to_string(id));
  BOOST_TEST(got.status == 200, got.raw.body);
  BOOST_TEST(got.text("status") == "cancelled");
  BOOST_TEST(s.del("/v1/jobs/" + std::to_string(id)).status == 409);
  BOOST_TEST(s.del("/v1/jobs/999").status == 404);
}

TEST_ON_EACH_GROUND(a_running_job_is_ended_within_a_second) {
  const auto id = s.submit({{"type", "wait"}});
  BOOST_TEST(s.reaches(id, "running"));
  const auto start = steady::now();
  const auto got = s.del("/v1/jobs/" + std::to_string(id));
  BOOST_TEST(got.status == 202, got.raw.body);
  BOOST_TEST(got.body.at("cancel_requested").as<bool>());
  BOOST_TEST(s.reaches(id, "cancelled"));
  BOOST_TEST((steady::now() - start < 3s)); // one, where nothing else runs
}

TEST_ON_EACH_GROUND(a_job_that_ignores_term_is_killed_after_the_grace) {
  const auto id = s.submit({{"type", "stubborn"}});
  BOOST_TEST(s.reaches(id, "running"));
  BOOST_TEST(s.del("/v1/jobs/" + std::to_string(id)).status == 202);
  BOOST_TEST(s.reaches(id, "cancelled", 10s));
}

TEST_ON_EACH_GROUND(without_redis_a_running_job_is_ended_with_a_heartbeat) {
  const auto id = s.submit({{"type", "wait"}});
  BOOST_TEST(s.reaches(id, "running"));
  if (!s.lose_redis())
    return;
  BOOST_TEST(s.del("/v1/jobs/" + std::to_string(id)).status == 202);
  BOOST_TEST(s.reaches(id, "cancelled", 10s));
}

TEST_ON_EACH_GROUND(jobs_are_cancelled_by_filter_with_their_count) {
  for (auto i = 0; i < 5; ++i)
    s.submit({{"type", "nobody"}});
  const auto kept = s.submit({{"type", "nobody"}, {"queue", "other"}});
  BOOST_TEST(s.del("/v1/jobs").status == 400);
  const auto some = s.del("/v1/jobs?queue=default&limit=3");
  BOOST_TEST(some.status == 200, some.raw.body);
  BOOST_TEST(some.number("cancelled") == 3);
  BOOST_TEST(some.number("asked_to_end") == 0);
  const auto rest = s.del("/v1/jobs?queue=default&status=created");
  BOOST_TEST(rest.number("cancelled") == 2);
  BOOST_TEST(s.status(kept) == "created");
}

BOOST_AUTO_TEST_SUITE_END()

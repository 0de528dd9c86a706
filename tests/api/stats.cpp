#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

BOOST_AUTO_TEST_SUITE(stats)

TEST_ON_EACH_GROUND(jobs_are_counted_by_queue_and_status) {
  const auto running = s.submit({{"type", "wait"}});
  const auto failed = s.submit({{"type", "fail"}});
  s.submit({{"type", "nobody"}});
  BOOST_TEST(s.reaches(running, "running"));
  BOOST_TEST(s.reaches(failed, "failed"));
  const auto got = s.get("/v1/stats", 1);
  BOOST_TEST_REQUIRE(got.status == 200, got.raw.body);
  const auto& q = got.body.at("queues").get_array().at(0);
  BOOST_TEST(q.as<std::string>("queue") == "default");
  BOOST_TEST(q.as<int>("created") == 1);
  BOOST_TEST(q.as<int>("running") == 1);
  BOOST_TEST(q.as<int>("failed") == 1);
  BOOST_TEST(q.as<int>("success") == 0);
  BOOST_TEST(q.as<double>("oldest_ready") > 0);
  s.go();
  BOOST_TEST(s.reaches(running, "success"));
}

BOOST_AUTO_TEST_SUITE_END()

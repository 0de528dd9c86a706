#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

BOOST_AUTO_TEST_SUITE(progress)

TEST_ON_EACH_GROUND(what_a_run_tells_is_seen_by_get) {
  const auto id = s.submit({{"type", "report"}});
  const auto path = "/v1/jobs/" + std::to_string(id);
  BOOST_TEST_REQUIRE(eventually([&] { return s.get(path).body.at("progress").is_object(); }));
  const auto progress = s.get(path).body.at("progress");
  BOOST_TEST(progress.as<int>("percent") == 50);
  BOOST_TEST(progress.as<std::string>("message") == "half");
  BOOST_TEST(progress.at("log").get_array().at(0).get_string() == "a line");
  s.go();
  BOOST_TEST(s.reaches(id, "success"));
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

BOOST_AUTO_TEST_SUITE(workers)

TEST_ON_EACH_GROUND(the_one_worker_is_told_with_what_it_runs) {
  const auto id = s.submit({{"type", "wait"}});
  BOOST_TEST(s.reaches(id, "running"));
  const auto got = s.get("/v1/workers");
  BOOST_TEST_REQUIRE(got.status == 200, got.raw.body);
  const auto& all = got.body.at("workers").get_array();
  BOOST_TEST_REQUIRE(all.size() == 1U);
  BOOST_TEST(all[0].as<int>("running") == 1);
  BOOST_TEST(all[0].as<int>("slots") > 1);
  BOOST_TEST(all[0].at("queues") == json(tao::json::value::array({"default"})));
  BOOST_TEST(all[0].as<std::int64_t>("node_id") == s.get("/v1/jobs/" + std::to_string(id)).number("node_id"));
  BOOST_TEST(tao::json::to_string(all[0].at("types")).find("\"wait\"") != std::string::npos);
  s.go();
  BOOST_TEST(eventually(
      [&] { return s.get("/v1/workers").body.at("workers").get_array().at(0).as<int>("running") == 0; }));
}

BOOST_AUTO_TEST_SUITE_END()

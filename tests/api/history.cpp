#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

namespace {

std::vector<std::string> outcomes(const answer& history) {
  BOOST_TEST_REQUIRE(history.status == 200, history.raw.body);
  auto all = std::vector<std::string>{};
  for (const auto& a : history.body.at("attempts").get_array())
    all.push_back(std::to_string(a.as<int>("attempt")) + " " + a.as<std::string>("outcome"));
  return all;
}

using list = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_SUITE(history)

TEST_ON_EACH_GROUND(every_attempt_is_told) {
  const auto id = s.submit({{"type", "fail"}, {"max_attempts", 2}, {"payload", {{"message", "why"}}}});
  BOOST_TEST(s.reaches(id, "failed"));
  const auto got = s.get("/v1/jobs/" + std::to_string(id) + "/history");
  BOOST_TEST(outcomes(got) == (list{"1 failed", "2 failed"}), boost::test_tools::per_element());
  for (const auto& a : got.body.at("attempts").get_array()) {
    BOOST_TEST(a.as<std::string>("message").find("why") != std::string::npos);
    BOOST_TEST(a.at("node_id").is_number());
    BOOST_TEST(a.as<std::string>("start_time") <= a.as<std::string>("end_time"));
  }
}

TEST_ON_EACH_GROUND(a_job_without_attempts_has_an_empty_history) {
  const auto id = s.submit({{"type", "nobody"}});
  BOOST_TEST(outcomes(s.get("/v1/jobs/" + std::to_string(id) + "/history")).empty());
  BOOST_TEST(s.get("/v1/jobs/999/history").status == 404);
}

TEST_ON_EACH_GROUND(a_cancelled_and_retried_job_keeps_its_past) {
  const auto id = s.submit({{"type", "wait"}});
  const auto path = "/v1/jobs/" + std::to_string(id);
  BOOST_TEST(s.reaches(id, "running"));
  BOOST_TEST(s.del(path).status == 202);
  BOOST_TEST(s.reaches(id, "cancelled"));
  s.go();
  BOOST_TEST(s.post(path + "/retry").status == 200);
  BOOST_TEST(s.reaches(id, "success"));
  BOOST_TEST(outcomes(s.get(path + "/history")) == (list{"1 cancelled", "2 success"}),
             boost::test_tools::per_element());
}

TEST_ON_EACH_GROUND(it_is_explained_why_a_job_does_not_run) {
  const auto code_of = [&](std::int64_t id) {
    const auto got = s.get("/v1/jobs/" + std::to_string(id) + "/explain");
    BOOST_TEST_REQUIRE(got.status == 200, got.raw.body);
    return got.body.at("reasons").get_array().at(0).as<std::string>("code");
  };
  BOOST_TEST(code_of(s.submit({{"type", "echo"}, {"delay", 3600}})) == "scheduled");
  BOOST_TEST(code_of(s.submit({{"type", "nobody"}})) == "no_worker");
  const auto running = s.submit({{"type", "wait"}});
  BOOST_TEST(s.reaches(running, "running"));
  BOOST_TEST(code_of(running) == "running");
  BOOST_TEST(s.get("/v1/jobs/999/explain").status == 404);
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

BOOST_AUTO_TEST_SUITE(batch)

TEST_ON_EACH_GROUND(jobs_are_accepted_together_and_answered_in_order) {
  const auto got =
      s.post_text("/v1/jobs/batch",
                  R"([{"object_id":1,"type":"echo","payload":{"n":1}},{"object_id":2,"type":"echo"},)"
                  R"({"object_id":1,"type":"echo"}])",
                  {"Content-Type: application/json"});
  BOOST_TEST_REQUIRE(got.status == 201, got.raw.body);
  const auto& jobs = got.body.at("jobs").get_array();
  BOOST_TEST_REQUIRE(jobs.size() == 3U);
  BOOST_TEST(jobs[0].as<std::int64_t>("job_id") == jobs[2].as<std::int64_t>("job_id"));
  BOOST_TEST(jobs[0].as<std::int64_t>("job_id") != jobs[1].as<std::int64_t>("job_id"));
  BOOST_TEST(!jobs[0].as<bool>("duplicate"));
  BOOST_TEST(!jobs[1].as<bool>("duplicate"));
  BOOST_TEST(jobs[2].as<bool>("duplicate"));
  for (const auto& j : jobs)
    BOOST_TEST(s.reaches(j.as<std::int64_t>("job_id"), "success"));
}

TEST_ON_EACH_GROUND(ndjson_is_one_job_a_line) {
  const auto got = s.post_text("/v1/jobs/batch",
                               "{\"object_id\":1,\"type\":\"echo\"}\n\n{\"object_id\":2,\"type\":\"echo\"}\n",
                               {"Content-Type: application/x-ndjson"});
  BOOST_TEST_REQUIRE(got.status == 201, got.raw.body);
  BOOST_TEST(got.body.at("jobs").get_array().size() == 2U);
}

TEST_ON_EACH_GROUND(one_wrong_job_is_named_and_none_is_stored) {
  const auto got = s.post_text("/v1/jobs/batch", R"([{"object_id":1},{"object_id":2,"priority":10}])",
                               {"Content-Type: application/json"});
  BOOST_TEST(got.status == 400);
  BOOST_TEST(got.text("field") == "jobs[1].priority", got.raw.body);
  BOOST_TEST(s.get("/v1/jobs").body.at("jobs").get_array().empty());
}

TEST_ON_EACH_GROUND(ten_thousand_jobs_are_accepted_and_one_more_is_not) {
  auto jobs = std::string{"["};
  for (auto i = 1; i <= 10'000; ++i)
    jobs += (i == 1 ? "" : ",") + std::string{R"({"type":"nobody","object_id":)"} + std::to_string(i) + "}";
  const auto got = s.post_text("/v1/jobs/batch", jobs + "]", {"Content-Type: application/json"});
  BOOST_TEST_REQUIRE(got.status == 201, got.raw.body.substr(0, 300));
  BOOST_TEST(got.body.at("jobs").get_array().size() == 10'000U);
  const auto more =
      s.post_text("/v1/jobs/batch", jobs + R"(,{"object_id":0}])", {"Content-Type: application/json"});
  BOOST_TEST(more.status == 400);
  const auto none = s.post_text("/v1/jobs/batch", "[]", {"Content-Type: application/json"});
  BOOST_TEST(none.status == 400);
}

BOOST_AUTO_TEST_SUITE_END()

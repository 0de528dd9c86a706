#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

BOOST_AUTO_TEST_SUITE(trace)

TEST_ON_EACH_GROUND(the_trace_of_a_request_goes_with_its_job) {
  const auto sent = std::string{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"};
  const auto made = s.post("/v1/jobs", {{"object_id", 1}, {"type", "trace"}}, {"traceparent: " + sent});
  BOOST_TEST_REQUIRE(made.status == 201, made.raw.body);
  const auto id = made.number("job_id");
  BOOST_TEST(s.reaches(id, "success"));
  const auto got = s.get("/v1/jobs/" + std::to_string(id));
  BOOST_TEST(got.text("traceparent") == sent);
  BOOST_TEST(got.text("result") == sent);
}

TEST_ON_EACH_GROUND(what_is_no_trace_is_ignored) {
  const auto made = s.post("/v1/jobs", {{"object_id", 1}, {"type", "echo"}}, {"traceparent: 00-bad-bad-01"});
  BOOST_TEST_REQUIRE(made.status == 201, made.raw.body);
  const auto got = s.get("/v1/jobs/" + std::to_string(made.number("job_id")));
  BOOST_TEST(got.body.at("traceparent").is_null());
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

BOOST_AUTO_TEST_SUITE(wait)

TEST_ON_EACH_GROUND(get_answers_as_soon_as_the_job_is_final) {
  const auto id = s.submit({{"type", "wait"}});
  BOOST_TEST(s.reaches(id, "running"));
  // By another node than the one that took the job.
  auto waiting =
      std::async(std::launch::async, [url = s.node(1).url("/v1/jobs/" + std::to_string(id) + "?wait=30")] {
        http_client c;
        return c.get(url);
      });
  BOOST_TEST((waiting.wait_for(300ms) == std::future_status::timeout));
  const auto start = steady::now();
  s.go();
  const auto answer = waiting.get();
  BOOST_TEST((steady::now() - start < 5s));
  BOOST_TEST(answer.status == 200);
  BOOST_TEST(tao::json::from_string(answer.body).as<std::string>("status") == "success");
}

TEST_ON_EACH_GROUND(after_the_wait_the_job_is_told_as_it_is) {
  const auto id = s.submit({{"type", "nobody"}});
  const auto start = steady::now();
  const auto got = s.get("/v1/jobs/" + std::to_string(id) + "?wait=0.5");
  BOOST_TEST((steady::now() - start >= 450ms));
  BOOST_TEST(got.status == 200);
  BOOST_TEST(got.text("status") == "created");
}

TEST_ON_EACH_GROUND(post_answers_with_the_job_when_it_is_final) {
  const auto got = s.post("/v1/jobs?wait=30", {{"object_id", 1}, {"type", "echo"}, {"payload", {{"a", 1}}}});
  BOOST_TEST(got.status == 201, got.raw.body);
  BOOST_TEST(got.text("status") == "success");
  BOOST_TEST(tao::json::to_string(got.body.at("result")) == R"({"a":1})");
  BOOST_TEST(got.raw.header("location") == "/v1/jobs/" + std::to_string(got.number("id")));
}

TEST_ON_EACH_GROUND(a_job_that_is_not_there_is_not_waited_for) {
  const auto start = steady::now();
  BOOST_TEST(s.get("/v1/jobs/999?wait=30").status == 404);
  BOOST_TEST((steady::now() - start < 5s));
  for (const auto* wait : {"-1", "61", "x", "", "1e3"})
    BOOST_TEST(s.get(std::string{"/v1/jobs/1?wait="} + wait).status == 400, wait);
}

TEST_ON_EACH_GROUND(waiting_works_without_redis) {
  if (!s.lose_redis())
    return;
  const auto got = s.post("/v1/jobs?wait=30", {{"object_id", 1}, {"type", "echo"}});
  BOOST_TEST(got.status == 201);
  BOOST_TEST(got.text("status") == "success");
}

TEST_ON_EACH_GROUND(many_wait_at_once) {
  const auto id = s.submit({{"type", "wait"}});
  BOOST_TEST(s.reaches(id, "running"));
  const auto url = s.node(1).url("/v1/jobs/" + std::to_string(id) + "?wait=50");
  auto right = std::atomic<int>{0};
  auto all = std::async(std::launch::async, [&] {
    in_parallel(100, 100, [&](http_client& c, int) {
      const auto answer = c.get(url);
      right += answer.status == 200 && answer.body.find("\"success\"") != std::string::npos ? 1 : 0;
    });
  });
  BOOST_TEST((all.wait_for(500ms) == std::future_status::timeout));
  s.go();
  all.get();
  BOOST_TEST(right == 100);
}

BOOST_AUTO_TEST_SUITE_END()

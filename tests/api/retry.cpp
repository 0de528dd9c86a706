#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

BOOST_AUTO_TEST_SUITE(retry)

TEST_ON_EACH_GROUND(a_failed_job_runs_again) {
  const auto id = s.submit({{"type", "fail"}, {"payload", {{"message", "why"}}}});
  const auto path = "/v1/jobs/" + std::to_string(id);
  BOOST_TEST(s.reaches(id, "failed"));
  const auto got = s.post(path + "/retry");
  BOOST_TEST(got.status == 200, got.raw.body);
  BOOST_TEST(eventually([&] { return s.get(path).number("attempt") == 2; }));
  BOOST_TEST(s.reaches(id, "failed"));
}

TEST_ON_EACH_GROUND(a_cancelled_job_runs_again) {
  const auto id = s.submit({{"type", "echo"}, {"delay", 3600}});
  const auto path = "/v1/jobs/" + std::to_string(id);
  BOOST_TEST(s.del(path).status == 200);
  BOOST_TEST(s.post(path + "/retry").status == 200);
  BOOST_TEST(s.reaches(id, "success"));
}

TEST_ON_EACH_GROUND(other_jobs_do_not) {
  const auto done = s.submit({{"type", "echo"}});
  const auto waiting = s.submit({{"type", "nobody"}});
  BOOST_TEST(s.reaches(done, "success"));
  for (const auto id : {done, waiting}) {
    const auto got = s.post("/v1/jobs/" + std::to_string(id) + "/retry");
    BOOST_TEST(got.status == 409);
    BOOST_TEST(got.text("detail").find(s.status(id)) != std::string::npos, got.raw.body);
  }
  BOOST_TEST(s.post("/v1/jobs/999/retry").status == 404);
}

TEST_ON_EACH_GROUND(jobs_run_again_by_filter_with_their_count) {
  auto failed = std::vector<std::int64_t>{};
  for (auto i = 0; i < 4; ++i)
    failed.push_back(s.submit({{"type", "fail"}}));
  for (const auto id : failed)
    BOOST_TEST(s.reaches(id, "failed"));
  BOOST_TEST(s.post("/v1/jobs/retry").status == 400);
  const auto got = s.post("/v1/jobs/retry?status=failed&type=fail");
  BOOST_TEST(got.status == 200, got.raw.body);
  BOOST_TEST(got.number("retried") == 4);
  for (const auto id : failed)
    BOOST_TEST(eventually([&] { return s.get("/v1/jobs/" + std::to_string(id)).number("attempt") == 2; }));
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

namespace {

/// The sum over the values of a metric, given by its name or with all its labels; -1 if it is not there.
double value(const std::string& text, const std::string& metric) {
  auto sum = -1.0;
  auto lines = std::istringstream{text};
  for (auto line = std::string{}; std::getline(lines, line);)
    if (line.starts_with(metric + ' ') || line.starts_with(metric + '{'))
      sum = std::max(sum, 0.0) + std::stod(line.substr(line.rfind(' ')));
  return sum;
}

} // namespace

BOOST_AUTO_TEST_SUITE(metrics)

TEST_ON_EACH_GROUND(submissions_are_counted) {
  const auto look = [&](const std::string& name) { return value(s.get("/metrics").raw.body, name); };
  for (auto i = 0; i < 3; ++i)
    BOOST_TEST(s.post("/v1/jobs", json{{"object_id", 7}, {"type", "echo"}}).status == (i == 0 ? 201 : 200));
  BOOST_TEST(look("jobd_jobs_submitted_total{type=\"echo\"}") == 1);
  BOOST_TEST(look("jobd_jobs_duplicate_total{type=\"echo\"}") == 2);
  BOOST_TEST(look("jobd_http_requests_total{route=\"POST /v1/jobs\",status=\"200\"}") == 2);
  BOOST_TEST(look("jobd_database_up") == 1);
  BOOST_TEST(look("jobd_flush_requests_sum") >= 3);
  BOOST_TEST(look("jobd_flush_seconds_count") >= 1);
  s.submit({{"type", "nobody"}, {"queue", "unserved"}});
  s.submit({{"type", "nobody"}, {"queue", "unserved"}});
  BOOST_TEST(eventually([&] { return look("jobd_queue_depth{queue=\"unserved\"}") == 2; }));
  BOOST_TEST(look("jobd_queue_up") == 1);
}

TEST_ON_EACH_GROUND(a_lost_redis_is_shown) {
  if (!s.lose_redis())
    return;
  s.submit({{"type", "nobody"}});
  BOOST_TEST(eventually([&] { return value(s.get("/metrics").raw.body, "jobd_queue_up") == 0; }));
}

BOOST_AUTO_TEST_CASE(a_worker_tells_of_its_runs_at_its_own_port) {
  const auto port = free_tcp_port();
  on_servers s{settings{{"METRICS_PORT", std::to_string(port)}}};
  const auto url = "http://127.0.0.1:" + std::to_string(port);
  const auto look = [&](const std::string& name) {
    return value(s.call({.url = url + "/metrics"}).raw.body, name);
  };
  const auto id = s.submit({{"type", "wait"}});
  BOOST_TEST(s.reaches(id, "running"));
  BOOST_TEST(eventually([&] { return look("jobd_jobs_running") == 1; }));
  BOOST_TEST(look("jobd_slots") == 8);
  s.go();
  BOOST_TEST(s.reaches(id, "success"));
  BOOST_TEST(s.reaches(s.submit({{"type", "fail"}}), "failed"));
  BOOST_TEST(
      eventually([&] { return look("jobd_job_outcomes_total{type=\"fail\",outcome=\"fail\"}") == 1; }));
  BOOST_TEST(look("jobd_job_outcomes_total{type=\"wait\",outcome=\"succeed\"}") == 1);
  BOOST_TEST(look("jobd_job_run_seconds_count{type=\"wait\"}") == 1);
  BOOST_TEST(look("jobd_job_pickup_seconds_count") == 2);
  BOOST_TEST(look("jobd_job_pickup_seconds_sum") > 0);
  BOOST_TEST(look("jobd_job_pickup_seconds_sum") < 20);
  BOOST_TEST(look("jobd_queue_depth{queue=\"default\"}") == 0);
  BOOST_TEST(s.call({.url = url + "/healthz"}).status == 200);
  BOOST_TEST(s.call({.url = url + "/v1/jobs/1"}).status == 404);
}

BOOST_AUTO_TEST_CASE(standalone_tells_of_both) {
  on_a_file s;
  BOOST_TEST(s.reaches(s.submit({{"type", "echo"}}), "success"));
  const auto look = [&](const std::string& name) { return value(s.get("/metrics").raw.body, name); };
  BOOST_TEST(
      eventually([&] { return look("jobd_job_outcomes_total{type=\"echo\",outcome=\"succeed\"}") == 1; }));
  BOOST_TEST(look("jobd_jobs_submitted_total") == 1);
  BOOST_TEST(look("jobd_job_pickup_seconds_count") == 1);
  BOOST_TEST(look("jobd_slots") == 8);
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

namespace {

/// So that a test can see for how long nothing was started.
settings soon() {
  return {{"JOB_STUCK_AFTER", "0.3"}, {"JOB_CONCURRENCY", "1"}};
}

bool stays_ready(service& s) {
  return eventually([&] { return s.get("/readyz").status == 200; })
         && !eventually([&] { return s.get("/readyz").status != 200; }, 700ms, 20ms);
}

/// A cluster whose API is asked, with the workers that a test starts.
struct asked_cluster : cluster {
  jobd_process& asked = start_api(soon());

  http_answer look() { return client().get(asked.url("/readyz")); }
  json told() { return tao::json::from_string(look().body); }
  bool becomes_ready(bool wanted) {
    return eventually([&] { return look().status == (wanted ? 200 : 503); }, 20s, 20ms);
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(ready)

TEST_ON_EACH_GROUND(a_process_that_serves_is_healthy) {
  BOOST_TEST(eventually([&] { return s.get("/readyz").status == 200; }));
  const auto got = s.get("/healthz");
  BOOST_TEST(got.status == 200);
  BOOST_TEST(got.raw.body == R"({"status":"ok"})");
  for (const auto* path : {"/healthz", "/readyz", "/metrics", "/openapi.json"}) {
    BOOST_TEST(s.call({.method = "HEAD", .url = s.node().url(path)}).status == 200, path);
    BOOST_TEST(s.post(path).status == 405, path);
    BOOST_TEST(s.get(path + std::string{"?wait=1"}).status == 400, path);
  }
  BOOST_TEST(s.get("/openapi.json").text("openapi") == "3.1.0");
}

TEST_ON_EACH_GROUND(a_node_that_serves_is_ready, soon()) {
  s.submit({{"type", "nobody"}});
  s.submit({{"queue", "unserved"}});
  BOOST_TEST(stays_ready(s));
  BOOST_TEST(s.get("/readyz").raw.body == R"({"ready":true,"database":true,"progress":true,"reasons":[]})");
}

TEST_ON_EACH_GROUND(a_paused_queue_is_no_lack_of_progress, soon()) {
  BOOST_TEST(s.post("/v1/queues/default/pause").status == 200);
  const auto id = s.submit({{"type", "echo"}});
  BOOST_TEST(stays_ready(s));
  BOOST_TEST(s.status(id) == "created");
}

TEST_ON_EACH_GROUND(full_slots_are_no_lack_of_progress, soon()) {
  const auto runs = s.submit({{"type", "wait"}});
  BOOST_TEST(s.reaches(runs, "running"));
  const auto waits = s.submit({{"type", "echo"}});
  BOOST_TEST(stays_ready(s));
  BOOST_TEST(s.status(waits) == "created");
  s.go();
  BOOST_TEST(s.reaches(waits, "success"));
}

BOOST_FIXTURE_TEST_CASE(waiting_jobs_without_workers_are_no_progress, asked_cluster) {
  BOOST_TEST(becomes_ready(true));
  const auto id = new_job(R"({"object_id":1})");
  BOOST_TEST(becomes_ready(false));
  const auto got = told();
  BOOST_TEST(!got.as<bool>("ready"));
  BOOST_TEST(got.as<bool>("database"));
  BOOST_TEST(!got.as<bool>("progress"));
  BOOST_TEST(got.at("reasons").at(0).as<std::string>("code") == "no_worker");
  BOOST_TEST(client().get(asked.url("/healthz")).status == 200);
  start_worker(soon());
  BOOST_TEST(reaches(id, "success"));
  BOOST_TEST(becomes_ready(true));
}

BOOST_FIXTURE_TEST_CASE(a_worker_that_hangs_is_no_progress, asked_cluster) {
  auto& worker = start_worker(soon());
  BOOST_TEST(reaches(new_job(R"({"object_id":1})"), "success"));
  BOOST_TEST(becomes_ready(true));
  worker.signal(SIGSTOP);
  const auto id = new_job(R"({"object_id":2})");
  BOOST_TEST(becomes_ready(false));
  const auto got = told();
  BOOST_TEST(!got.as<bool>("progress"));
  const auto why = got.at("reasons").at(0).as<std::string>("code");
  // Once its beat is old there is no worker.
  BOOST_TEST((why == "no_progress" || why == "no_worker"), why);
  worker.signal(SIGCONT);
  BOOST_TEST(reaches(id, "success"));
  BOOST_TEST(becomes_ready(true));
}

BOOST_AUTO_TEST_CASE(without_the_database_it_is_not_ready_until_it_is_back) {
  on_servers s;
  BOOST_TEST(eventually([&] { return s.get("/readyz").status == 200; }));
  s.postgres().stop();
  BOOST_TEST(eventually([&] { return s.get("/readyz").status == 503; }));
  const auto got = s.get("/readyz");
  BOOST_TEST(got.body.at("database").as<bool>() == false);
  BOOST_TEST(got.body.at("progress").is_null());
  BOOST_TEST(got.body.at("reasons").at(0).as<std::string>("code") == "database_away");
  BOOST_TEST(s.get("/healthz").status == 200);
  s.postgres().start();
  BOOST_TEST(eventually([&] { return s.get("/readyz").status == 200; }, 20s));
}

BOOST_FIXTURE_TEST_CASE(with_an_old_schema_it_is_not_ready, asked_cluster) {
  BOOST_TEST(becomes_ready(true));
  sql("update schema_migrations set version = version - 100");
  postgres().stop();
  postgres().start();
  const auto reason = [&] {
    const auto reasons = told().at("reasons").get_array();
    return reasons.empty() ? std::string{} : reasons.front().as<std::string>("code");
  };
  BOOST_TEST(eventually([&] { return reason() == "schema_old"; }, 20s, 20ms));
  BOOST_TEST(look().status == 503);
  sql("update schema_migrations set version = version + 100");
  BOOST_TEST(becomes_ready(true));
}

BOOST_AUTO_TEST_SUITE_END()

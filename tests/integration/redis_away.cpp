#include "tests/integration/handlers.hpp"

#include <boost/test/unit_test.hpp>

/// Redis holds nothing that cannot be written again.

using namespace jobd::test;

namespace {

struct redis_cluster : script_cluster {
  [[nodiscard]] std::int64_t queued() { return redis().zcard("jobd:{default}:ready"); }

  /// So many echo jobs, submitted at once.
  void submit_many(int jobs) {
    const auto url = api().url("/v1/jobs");
    in_parallel(4, jobs, [&](http_client& client, int n) {
      const auto made = client.post(url, "{\"object_id\":" + std::to_string(1'000'000 + n) + "}");
      if (made.status != 201)
        throw std::runtime_error{"submission was answered with " + std::to_string(made.status)};
    });
  }
};

const auto work = script("note start; sleep 0.5; note end");

} // namespace

BOOST_FIXTURE_TEST_SUITE(redis_away, redis_cluster)

BOOST_AUTO_TEST_CASE(all_queued_jobs_run_after_a_flush) {
  submit_many(200);
  BOOST_TEST(queued() == 200);
  redis().flushall();
  BOOST_TEST(queued() == 0);
  cluster::start_worker();
  BOOST_REQUIRE(jobs_are("success", 200, 30s));
  BOOST_TEST(count("jobs where attempt <> 1") == 0);
}

BOOST_AUTO_TEST_CASE(all_queued_jobs_run_after_flushes_while_they_run) {
  submit(30, R"("type":"work")");
  start_worker("a", {{"work", work}}, {{"JOB_CONCURRENCY", "3"}, {"JOB_PREFETCH", "6"}});
  for (const auto started : {1U, 7U, 13U, 19U}) {
    BOOST_REQUIRE(noted("start", started, 30s));
    redis().flushall();
  }
  BOOST_REQUIRE(jobs_are("success", 30, 30s));
  BOOST_TEST(notes("start").size() == 30U);
}

BOOST_AUTO_TEST_CASE(a_redis_that_crashes_and_comes_back_empty_costs_no_job) {
  auto& worker = start_worker("a", {{"work", work}}, {{"JOB_CONCURRENCY", "3"}, {"JOB_PREFETCH", "6"}});
  submit(20, R"("type":"work")");
  BOOST_REQUIRE(noted("start", 3));
  redis().kill9();
  redis().start();
  submit(10, R"("type":"work")");
  BOOST_REQUIRE(jobs_are("success", 30, 40s));
  BOOST_TEST(notes("start").size() == 30U);
  BOOST_TEST(worker.running());
}

BOOST_AUTO_TEST_CASE(without_redis_jobs_are_accepted_and_run_and_with_it_they_run_at_once_again) {
  auto& worker = start_worker("a", {{"work", work}});
  BOOST_REQUIRE(reaches(submit(R"("type":"work")"), "success"));
  redis().kill9();
  BOOST_REQUIRE(worker.says("hears nothing from the queue"));
  const auto began = steady::now();
  const auto first = submit(R"("type":"work")");
  BOOST_TEST(seconds_since(began) < 2);
  submit(29, R"("type":"work")");
  BOOST_REQUIRE(reaches(first, "success"));
  BOOST_REQUIRE(jobs_are("success", 31, 30s));
  // A job is scheduled and tried again without Redis, too.
  const auto later = submit(R"("type":"work","delay":1)");
  BOOST_REQUIRE(reaches(later, "success"));
  BOOST_TEST(column(later, "start_time >= run_at") == "t");

  redis().start();
  BOOST_REQUIRE(worker.says("hears from the queue again"));
  // Until it does the API may still leave out hints, which the worker makes up for.
  BOOST_TEST(eventually([&] {
    const auto id = submit("");
    return reaches(id, "success") && column(id, "start_time - created_at < interval '0.5 s'") == "t";
  }));
  BOOST_TEST(notes("start").size() == 32U);
}

BOOST_AUTO_TEST_CASE(a_redis_that_hangs_delays_no_answer_and_no_job_for_long) {
  auto& worker = start_worker("a", {{"work", work}});
  BOOST_REQUIRE(reaches(submit(R"("type":"work")"), "success"));
  redis().pause();
  for (auto i = 0; i < 10; ++i) {
    const auto began = steady::now();
    submit(R"("type":"work")");
    BOOST_TEST(seconds_since(began) < 1.5);
  }
  BOOST_REQUIRE(jobs_are("success", 11, 30s));
  redis().resume();
  BOOST_TEST(worker.says("hears from the queue again"));
  BOOST_TEST(reaches(submit(R"("type":"work")"), "success"));
  BOOST_TEST(notes("start").size() == 12U);
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/integration/handlers.hpp"

#include <boost/test/unit_test.hpp>

/// A job that takes its workers down.

using namespace jobd::test;

namespace {

struct quarantine_cluster : script_cluster {
  handler_entries entries{{"poison", script("note poison; kill -9 $PPID; exec sleep 60")},
                          {"work", script("note work")}};

  /// How soon a death is seen is no part of this test: the dead node has been silent for a while.
  void make_it_look_old(const jobd_process& dead) {
    sql("update nodes set heartbeat_at = heartbeat_at - interval '6 s' where pid = "
        + std::to_string(dead.pid()));
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(quarantine, quarantine_cluster)

BOOST_AUTO_TEST_CASE(a_job_whose_worker_dies_each_time_fails_with_evidence_while_others_run) {
  // It cannot run the job, and it does all the rest.
  auto& steady_worker = start_worker("steady", {{"work", entries.at("work")}});
  const auto poison = submit(R"("type":"poison","max_attempts":5)");
  for (auto death = 1; death <= 4; ++death) {
    auto& doomed = start_worker("doomed" + std::to_string(death), entries, {{"JOB_CONCURRENCY", "1"}});
    BOOST_REQUIRE((doomed.exit_code() == -SIGKILL));
    make_it_look_old(doomed);
    BOOST_REQUIRE(becomes("select recoveries from jobs where id = " + std::to_string(poison),
                          std::to_string(death), 20s));
    BOOST_TEST(column(poison, "attempt || ' ' || failures") == std::to_string(death) + " 0");
    BOOST_TEST(status(poison) == (death < 4 ? "created" : "failed"));
    BOOST_TEST(reaches(submit(R"("type":"work")"), "success"));
  }
  const auto message = column(poison, "message");
  BOOST_TEST_MESSAGE(message);
  BOOST_TEST(message.starts_with("quarantined: its node died 4 times while running it, last node "));
  BOOST_TEST(column(poison, "end_time is not null") == "t");
  BOOST_TEST(notes("poison").size() == 4U);

  // It is out of the way.
  auto& survivor = start_worker("survivor", entries);
  submit(5, R"("type":"work")");
  BOOST_TEST(jobs_are("success", 9));
  BOOST_TEST(survivor.running());
  BOOST_TEST(steady_worker.running());
  BOOST_TEST(notes("poison").size() == 4U);
}

BOOST_AUTO_TEST_SUITE_END()

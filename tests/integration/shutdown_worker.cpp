#include "tests/integration/handlers.hpp"

#include <boost/test/unit_test.hpp>

/// SIGTERM to a worker: what has not started goes back, what runs gets the grace, and the end always comes.

using namespace jobd::test;

namespace {

/// Promised: so long after the grace the process is gone.
constexpr auto beyond_grace = 5.0;

/// What a job's row says of it in numbers.
constexpr auto counts = "status || ' ' || attempt || ' ' || failures || ' ' || recoveries";

struct shutdown_cluster : script_cluster {
  /// The first attempt runs for longer than any grace here, later ones end at once.
  handler_entries entries{
      {"hang", script("note start; [ $JOB_ATTEMPT != 1 ] || exec sleep 120; note end")},
      {"native", "builtin:sleep"},
      {"fork", script("sleep 120 & echo \"child $JOB_ID 1 $WORKER $! 0\" >> \"$FOLDER/notes\"; "
                      "note start; wait")},
      {"work", script("note start; sleep 4; note end")},
      {"quick", script("note quick")}};

  /// A worker with a grace of 1 s that runs a command and a native function.
  jobd_process& start_busy_worker() {
    auto& worker = start_worker("old", entries, {{"JOB_SHUTDOWN_GRACE", "1"}});
    hang = submit(R"("type":"hang","max_attempts":2)");
    native = submit(R"("type":"native","payload":{"seconds":120})");
    BOOST_REQUIRE(noted("start", 1));
    BOOST_REQUIRE(reaches(native, "running"));
    return worker;
  }

  /// SIGTERM ends the worker well and in time, and its processes with it.
  void check_end(jobd_process& worker) {
    const auto began = steady::now();
    const auto code = worker.terminate(30s);
    const auto took = seconds_since(began);
    BOOST_TEST_MESSAGE("the worker was gone after " << took << " s");
    BOOST_TEST((code == 0));
    BOOST_TEST(took >= 1);
    BOOST_TEST(took <= 1 + beyond_grace);
    BOOST_TEST(all_die({notes("start").at(0).pid}));
  }

  /// The jobs go on elsewhere, and the first end counts as no failure.
  void check_next_attempt(std::chrono::milliseconds limit) {
    start_worker("new", entries);
    BOOST_REQUIRE(reaches(hang, "success", limit));
    BOOST_REQUIRE(reaches(native, "running", limit));
    BOOST_TEST(column(hang, "attempt || ' ' || failures") == "2 0");
    BOOST_TEST(column(native, "attempt || ' ' || failures") == "2 0");
    BOOST_TEST(notes("end").at(0).worker == "new");
  }

  std::int64_t hang = 0;
  std::int64_t native = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(shutdown_worker, shutdown_cluster)

BOOST_AUTO_TEST_CASE(reserved_jobs_go_back_at_once_and_running_ones_end_within_the_grace) {
  auto& old = start_worker("old", entries, {{"JOB_CONCURRENCY", "1"}, {"JOB_SHUTDOWN_GRACE", "20"}});
  const auto running = submit(R"("type":"work")");
  BOOST_REQUIRE(noted("start", 1));
  submit(8, R"("type":"quick")");
  // They are reserved: none is left in the queue.
  BOOST_REQUIRE(eventually([] { return redis().zcard("jobd:{default}:ready") == 0; }, 15s, 1ms));

  const auto began = steady::now();
  old.signal(SIGTERM);
  start_worker("new", entries);
  BOOST_REQUIRE(noted("quick", 8));
  BOOST_TEST_MESSAGE("the reserved jobs ran elsewhere " << seconds_since(began) << " s after the signal");
  // The old worker holds the running one all the time.
  BOOST_TEST(column(running, "status || ' ' || attempt") == "running 1");
  for (const auto& n : notes("quick"))
    BOOST_TEST(n.worker == "new");

  BOOST_TEST((old.exit_code() == 0));
  BOOST_TEST(column(running, counts) == "success 1 0 0");
  BOOST_TEST(notes("end").at(0).worker == "old");
  BOOST_TEST(count("nodes where slots = 1") == 0);
  // It did not wait for the rest of the grace.
  BOOST_TEST(seconds_since(began) < 15);
}

BOOST_AUTO_TEST_CASE(a_worker_with_nothing_to_do_ends_at_once) {
  auto& idle = cluster::start_worker();
  BOOST_REQUIRE(becomes("select count(*) from nodes", "1"));
  const auto began = steady::now();
  BOOST_TEST((idle.terminate() == 0));
  BOOST_TEST(seconds_since(began) < 3);
  BOOST_TEST(count("nodes") == 0);
}

BOOST_AUTO_TEST_CASE(what_outlives_the_grace_is_released_without_spending_a_retry) {
  auto& worker = start_busy_worker();
  check_end(worker);
  BOOST_TEST(column(hang, counts) == "created 1 0 0");
  check_next_attempt(10s);
  BOOST_TEST(count("jobs where recoveries > 0") == 0);
}

BOOST_AUTO_TEST_CASE(the_end_comes_in_time_though_redis_hangs) {
  auto& worker = start_busy_worker();
  redis().pause();
  check_end(worker);
  BOOST_TEST(column(hang, counts) == "created 1 0 0");
  redis().resume();
  check_next_attempt(10s);
  BOOST_TEST(count("jobs where recoveries > 0") == 0);
}

// Without the database nothing can be given back, so the others have to find the node dead.

BOOST_AUTO_TEST_CASE(the_end_comes_in_time_though_postgresql_is_stopped) {
  auto& worker = start_busy_worker();
  postgres().stop();
  check_end(worker);
  postgres().start();
  check_next_attempt(20s);
}

BOOST_AUTO_TEST_CASE(the_end_comes_in_time_though_postgresql_hangs) {
  auto& worker = start_busy_worker();
  postgres().pause();
  check_end(worker);
  postgres().resume();
  check_next_attempt(20s);
}

BOOST_AUTO_TEST_CASE(a_second_signal_ends_the_worker_at_once) {
  auto& worker = start_worker("old", entries, {{"JOB_SHUTDOWN_GRACE", "60"}});
  submit(R"("type":"fork")");
  BOOST_REQUIRE(noted("start", 1));
  worker.signal(SIGTERM);
  BOOST_REQUIRE(worker.says("takes no more jobs"));
  const auto began = steady::now();
  BOOST_TEST((worker.terminate() == 0));
  BOOST_TEST(seconds_since(began) < 2);
  BOOST_TEST(all_die({notes("start").at(0).pid, notes("child").at(0).pid}));
}

BOOST_AUTO_TEST_CASE(commands_that_end_during_the_grace_do_not_cut_it_short) {
  auto& worker = start_worker("old", entries, {{"JOB_SHUTDOWN_GRACE", "20"}, {"JOB_CONCURRENCY", "4"}});
  const auto long_one = submit(R"("type":"work")");
  BOOST_REQUIRE(noted("start", 1));
  submit(3, R"("type":"quick")");
  BOOST_REQUIRE(noted("quick", 3));
  const auto another = submit(R"("type":"work")");
  BOOST_REQUIRE(noted("start", 2));
  BOOST_TEST((worker.terminate() == 0));
  BOOST_TEST(status(long_one) == "success");
  BOOST_TEST(status(another) == "success");
  BOOST_TEST(worker.log().find("too long") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

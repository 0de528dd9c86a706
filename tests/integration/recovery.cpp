#include "tests/integration/handlers.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

/// Workers that die, or only seem to.

using namespace jobd::test;

namespace {

/// Promised: so long after its worker's death a job runs again.
constexpr auto promised = 15.0;

/// The first attempt does not end by itself in the time of a test, and all of it dies with its worker.
const auto hangs_once = script("note start; [ $JOB_ATTEMPT != 1 ] || exec sleep 120; note end");

std::vector<pid_t> pids_of(const std::vector<note>& notes) {
  auto pids = std::vector<pid_t>{};
  for (const auto& n : notes)
    pids.push_back(n.pid);
  return pids;
}

double now_by_system_clock() {
  return std::chrono::duration<double>{std::chrono::system_clock::now().time_since_epoch()}.count();
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(recovery, script_cluster)

BOOST_AUTO_TEST_CASE(jobs_of_a_killed_worker_run_again_elsewhere_within_15_s) {
  auto& doomed =
      start_worker("doomed", {{"hang", hangs_once}}, {{"JOB_CONCURRENCY", "4"}, {"JOB_PREFETCH", "8"}});
  // However long their timeout is: the lease is the node's.
  const auto running = submit(4, R"("type":"hang","timeout":3600)");
  BOOST_REQUIRE(noted("start", 4));
  const auto reserved = submit(3, R"("type":"hang","timeout":3600)");
  start_worker("other", {{"hang", hangs_once}}, {{"JOB_CONCURRENCY", "8"}});
  BOOST_REQUIRE(noted("start", 7));
  const auto lost = pids_of(notes("start"));

  const auto killed = now_by_system_clock();
  doomed.kill9();
  BOOST_TEST(all_die({lost.begin(), lost.begin() + 4}));
  BOOST_REQUIRE(noted("end", 4, 30s));
  auto longest = 0.0;
  for (const auto id : running) {
    const auto starts = notes("start", id);
    BOOST_REQUIRE(starts.size() == 2U);
    BOOST_TEST(starts[1].attempt == 2);
    BOOST_TEST(starts[1].worker == "other");
    longest = std::max(longest, starts[1].at - killed);
    BOOST_TEST(reaches(id, "success"));
    BOOST_TEST(column(id, "attempt || ' ' || failures || ' ' || recoveries") == "2 0 1");
  }
  BOOST_TEST_MESSAGE("recovery took " << longest << " s");
  BOOST_TEST(longest <= promised);
  // What the other ran all the time is left alone.
  for (const auto id : reserved)
    BOOST_TEST(column(id, "status || ' ' || attempt || ' ' || recoveries") == "running 1 0");
}

BOOST_AUTO_TEST_CASE(an_api_alone_rescues_the_jobs_of_the_only_worker) {
  auto& doomed = start_worker("doomed", {{"hang", hangs_once}});
  const auto id = submit(R"("type":"hang","timeout":3600)");
  BOOST_REQUIRE(noted("start", 1));
  doomed.kill9();
  BOOST_REQUIRE(reaches(id, "created", 20s));
  BOOST_TEST(column(id, "attempt || ' ' || failures || ' ' || recoveries") == "1 0 1");
  BOOST_TEST(column(id, "node_id is null and start_time is null and ready") == "t");
  BOOST_TEST(count("nodes where slots > 0") == 0);
  const auto metrics = client().get(api().url("/metrics")).body;
  BOOST_TEST(metrics.find("\njobd_jobs_recovered_total{status=\"created\"} 1\n") != std::string::npos,
             metrics);
  start_worker("next", {{"hang", hangs_once}});
  BOOST_TEST(reaches(id, "success"));
}

BOOST_AUTO_TEST_CASE(late_results_of_a_worker_that_was_paused_are_refused_and_it_goes_on_as_a_new_node) {
  const auto entries = handler_entries{{"tell", script(R"(note start
                                                          [ $JOB_ATTEMPT != 1 ] || sleep 2
                                                          note end
                                                          echo "$WORKER")")},
                                       {"hang", hangs_once}};
  auto& paused = start_worker("paused", entries, {{"JOB_CONCURRENCY", "2"}});
  const auto ends = submit(R"("type":"tell")");
  const auto hangs = submit(R"("type":"hang")");
  BOOST_REQUIRE(noted("start", 2));
  const auto hanging = notes("start", hangs).at(0).pid;
  const auto old_node = value("select id from nodes where slots = 2");

  // Only the worker: what it has started ends meanwhile, or goes on.
  paused.signal(SIGSTOP);
  auto& other = start_worker("other", entries);
  BOOST_REQUIRE(noted("end", 3, 30s));
  BOOST_REQUIRE(reaches(ends, "success"));
  BOOST_REQUIRE(reaches(hangs, "success"));
  const auto before = sql("select * from jobs order by id");

  paused.signal(SIGCONT);
  BOOST_TEST(paused.says("it starts anew"));
  BOOST_TEST(all_die({hanging}));
  // One outcome came to the store too late, or was already known to be lost; the other one always is.
  BOOST_TEST(eventually([&] {
    const auto log = paused.log();
    return log.find("job=" + std::to_string(ends) + " attempt=1") != std::string::npos
           && log.find("job=" + std::to_string(hangs) + " attempt=1") != std::string::npos;
  }));
  BOOST_TEST(column(ends, "attempt || ' ' || recoveries || ' ' || result") == "2 1 \"other\"");

  // The only worker by now, and as good as before.
  BOOST_TEST((other.terminate() == 0));
  const auto next = submit(2, R"("type":"tell")");
  BOOST_REQUIRE(reaches(next[0], "success"));
  BOOST_REQUIRE(reaches(next[1], "success"));
  BOOST_TEST(column(next[0], "result") == "\"paused\"");
  BOOST_TEST(value("select id from nodes where slots = 2") != old_node);
  BOOST_TEST((sql("select * from jobs where id <= " + std::to_string(hangs) + " order by id") == before));
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/integration/handlers.hpp"

#include <boost/test/unit_test.hpp>

/// What is out of its time ends, with all that it has started.

using namespace jobd::test;

namespace {

/// Starts what tries to get away: a plain child, one in a session of its own, and one whose parent is gone.
/// All hold the script's stdout and stderr.
constexpr auto family = R"(
echo $$ >> $FOLDER/pids
sleep 300 & echo $! >> $FOLDER/pids
setsid sh -c 'echo $$ >> $FOLDER/pids; exec sleep 300' &
setsid sh -c '(echo $$ >> $FOLDER/pids
               setsid sh -c "echo \$\$ >> $FOLDER/pids; exec sleep 300" &)
              sleep 300' &
until [ $(wc -l < $FOLDER/pids) -ge 5 ]; do sleep 0.05; done
note ready
)";
constexpr auto family_size = 5U;

struct timeout_cluster : script_cluster {
  double length(std::int64_t job) {
    return std::stod(column(job, "extract(epoch from end_time - start_time)"));
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(timeout, timeout_cluster)

BOOST_AUTO_TEST_CASE(a_job_out_of_its_own_time_fails_and_leaves_no_process_behind) {
  start_worker("a", {{"family", script(std::string{family} + "wait")}}, {{"JOB_KILL_GRACE", "2"}});
  const auto id = submit(R"("type":"family","timeout":3.5)");
  BOOST_REQUIRE(reaches(id, "failed"));
  BOOST_TEST(column(id, "message like 'timed out after 3.5 s%'") == "t", column(id, "message"));
  BOOST_REQUIRE(noted("ready", 1, 0ms));
  const auto family_pids = pids_in("pids");
  BOOST_TEST(family_pids.size() == family_size);
  // They are gone before the outcome is told, so nothing of an attempt overlaps with the next.
  BOOST_TEST(all_die(family_pids, 0ms));
  BOOST_TEST(length(id) >= 3.5);
  BOOST_TEST(length(id) < 8);
}

BOOST_AUTO_TEST_CASE(the_job_overrules_the_handler_and_the_handler_the_worker) {
  auto quick = script("exec sleep 60");
  quick["timeout"] = 1;
  start_worker("a", {{"quick", quick}, {"plain", script("exec sleep 60")}, {"sleep", "builtin:sleep"}},
               {{"JOB_TIMEOUT", "2"}});
  const auto own = submit(R"("type":"quick","timeout":0.5)");
  const auto handlers = submit(R"("type":"quick")");
  const auto workers = submit(R"("type":"plain")");
  const auto builtin = submit(R"("type":"sleep","payload":{"seconds":60})");
  const auto longer = submit(R"("type":"sleep","timeout":30,"payload":{"seconds":3})");
  BOOST_REQUIRE(jobs_are("failed", 4));
  BOOST_TEST(column(own, "message") == "timed out after 0.5 s; killed by signal 15 (SIGTERM)");
  BOOST_TEST(column(handlers, "message") == "timed out after 1 s; killed by signal 15 (SIGTERM)");
  BOOST_TEST(column(workers, "message") == "timed out after 2 s; killed by signal 15 (SIGTERM)");
  BOOST_TEST(column(builtin, "message like 'timed out after 2 s%'") == "t", column(builtin, "message"));
  BOOST_TEST(reaches(longer, "success"));
}

BOOST_AUTO_TEST_CASE(what_ignores_term_is_killed_after_the_grace_and_its_slot_is_free) {
  // The shell and its children ignore TERM; the last one also left the group.
  start_worker("a", {{"stubborn", script(R"(trap '' TERM
                                            echo $$ >> $FOLDER/pids
                                            sleep 300 & echo $! >> $FOLDER/pids
                                            setsid sleep 300 & echo $! >> $FOLDER/pids
                                            while :; do sleep 0.1; done)")}},
               {{"JOB_KILL_GRACE", "1"}, {"JOB_CONCURRENCY", "1"}});
  const auto stubborn = submit(R"("type":"stubborn","timeout":2)");
  const auto next = submit("");
  BOOST_REQUIRE(reaches(stubborn, "failed"));
  BOOST_TEST(column(stubborn, "message") == "timed out after 2 s; killed by signal 9 (SIGKILL)");
  BOOST_TEST(length(stubborn) >= 3);
  BOOST_TEST(length(stubborn) < 7);
  const auto pids = pids_in("pids");
  BOOST_TEST(pids.size() == 3U);
  BOOST_TEST(all_die(pids, 0ms));
  BOOST_REQUIRE(reaches(next, "success"));
  // Not before the kill. (Its claim may be written a moment before the outcome that made room for it.)
  BOOST_TEST(column(next, "start_time - (select start_time from jobs where id = " + std::to_string(stubborn)
                              + ") >= interval '3 s'")
             == "t");
}

BOOST_AUTO_TEST_CASE(what_cleans_up_when_told_gets_the_time_for_it) {
  start_worker("a", {{"tidy", script(R"(trap 'sleep 1; note tidied; exit 7' TERM
                                        sleep 300 & wait)")}},
               {{"JOB_KILL_GRACE", "10"}});
  const auto id = submit(R"("type":"tidy","timeout":2)");
  BOOST_REQUIRE(reaches(id, "failed"));
  BOOST_TEST(notes("tidied").size() == 1U);
  BOOST_TEST(column(id, "message") == "timed out after 2 s; exit code 7");
  BOOST_TEST(length(id) < 9);
}

BOOST_AUTO_TEST_CASE(processes_that_a_finished_job_leaves_behind_delay_nothing_and_are_ended) {
  start_worker("a", {{"leave", script(std::string{family} + "echo 1; exit 0")}});
  const auto id = submit(R"("type":"leave","timeout":60)");
  BOOST_REQUIRE(reaches(id, "success"));
  BOOST_TEST(column(id, "result") == "1");
  BOOST_TEST(length(id) < 10);
  const auto pids = pids_in("pids");
  BOOST_TEST(pids.size() == family_size);
  BOOST_TEST(all_die(pids, 0ms));
}

BOOST_AUTO_TEST_CASE(a_timeout_is_a_failure_that_is_tried_again) {
  start_worker("a", {{"second", script("[ $JOB_ATTEMPT = 2 ] || exec sleep 60")}});
  const auto id = submit(R"("type":"second","timeout":1,"max_attempts":2)");
  BOOST_REQUIRE(reaches(id, "success", 20s));
  BOOST_TEST(column(id, "attempt || ' ' || failures") == "2 1");
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/integration/handlers.hpp"

#include <boost/test/unit_test.hpp>
#include <tao/json.hpp>

#include <fstream>
#include <set>

/// What a job meets from its claim to its outcome.

using namespace jobd::test;

BOOST_FIXTURE_TEST_SUITE(run, script_cluster)

BOOST_AUTO_TEST_CASE(a_new_job_runs_without_any_configuration_and_its_outcome_is_told) {
  cluster::start_worker();
  const auto id = submit(R"("payload":{"to":["ü",1.5,null]})");
  BOOST_REQUIRE(reaches(id, "success"));
  const auto j = get_job(id);
  BOOST_TEST(tao::json::to_string(j.at("result")) == R"({"to":["ü",1.5,null]})");
  BOOST_TEST(j.at("attempt").as<int>() == 1);
  BOOST_TEST(j.at("start_time").is_string_type());
  BOOST_TEST(j.at("end_time").is_string_type());
  BOOST_TEST(column(id, "created_at <= start_time and start_time <= end_time") == "t");
}

BOOST_AUTO_TEST_CASE(the_builtins_sleep_and_fail_as_they_are_told) {
  start_worker("a", {{"sleep", "builtin:sleep"}, {"fail", "builtin:fail"}});
  const auto sleeps = submit(R"("type":"sleep","payload":{"seconds":0.5})");
  const auto fails = submit(R"("type":"fail","payload":{"message":"why not"})");
  BOOST_REQUIRE(reaches(fails, "failed"));
  BOOST_TEST(column(fails, "message") == "why not");
  BOOST_TEST(column(fails, "failures") == "1");
  BOOST_REQUIRE(reaches(sleeps, "success"));
  BOOST_TEST(column(sleeps, "end_time - start_time >= interval '0.5 s'") == "t");
}

BOOST_AUTO_TEST_CASE(a_command_reads_the_job_and_what_it_prints_is_the_result) {
  start_worker("a", {{"copy", script("cat")}});
  const auto id = submit(R"("type":"copy","payload":{"a":"b"},"max_attempts":2,"priority":3)");
  BOOST_REQUIRE(reaches(id, "success"));
  const auto read = get_job(id).at("result");
  BOOST_TEST(read.at("id").as<std::int64_t>() == id);
  BOOST_TEST(read.at("object_id").as<int>() == 1);
  BOOST_TEST(read.at("type").as<std::string>() == "copy");
  BOOST_TEST(read.at("queue").as<std::string>() == "default");
  BOOST_TEST(read.at("attempt").as<int>() == 1);
  BOOST_TEST(read.at("max_attempts").as<int>() == 2);
  BOOST_TEST(read.at("priority").as<int>() == 3);
  BOOST_TEST(read.at("payload").at("a").as<std::string>() == "b");
}

BOOST_AUTO_TEST_CASE(a_command_gets_a_clean_environment_and_no_other_descriptor) {
  // What the kernel shows is what the program was started with; a shell adds variables of its own later,
  // and descriptors for a pipe or a redirection.
  start_worker("a", {{"look", script("cat /proc/$$/environ > $FOLDER/environ; ls /proc/$$/fd")}},
               {{"SECRET", "hidden"}, {"JOB_TIMEOUT", "60"}});
  const auto id = submit(R"("type":"look")");
  BOOST_REQUIRE(reaches(id, "success"));
  auto names = std::set<std::string>{};
  auto variables = std::map<std::string, std::string>{};
  auto environment = std::ifstream{folder() / "environ"};
  for (auto line = std::string{}; std::getline(environment, line, '\0');) {
    const auto name = line.substr(0, line.find('='));
    names.insert(name);
    variables[name] = line.substr(line.find('=') + 1);
  }
  const auto allowed =
      std::set<std::string>{"PATH",        "HOME",          "LANG",     "WORKER", "FOLDER",
                            "JOB_ATTEMPT", "JOB_OBJECT_ID", "JOB_TYPE", "JOB_ID", "JOB_PROGRESS_FD"};
  BOOST_TEST(names == allowed, boost::test_tools::per_element());
  BOOST_TEST(variables["JOB_ID"] == std::to_string(id));
  BOOST_TEST(variables["JOB_ATTEMPT"] == "1");
  BOOST_TEST(variables["JOB_OBJECT_ID"] == "1");
  BOOST_TEST(variables["JOB_TYPE"] == "look");
  BOOST_TEST(variables["JOB_PROGRESS_FD"] == "3");
  BOOST_TEST(get_job(id).at("result").as<std::string>() == "0\n1\n2\n3");
}

BOOST_AUTO_TEST_CASE(a_command_that_fails_tells_its_exit_code_and_the_end_of_its_stderr) {
  start_worker("a", {{"code", script("echo lost >&1; echo 'no such tea' >&2; exit 3")},
                     {"signal", script("echo 'dying' >&2; kill -SEGV $$")},
                     {"chatter", script("yes chatter | head -n 100000 >&2; echo last words >&2; exit 1")}});
  const auto code = submit(R"("type":"code")");
  const auto signal = submit(R"("type":"signal")");
  const auto chatter = submit(R"("type":"chatter")");
  BOOST_REQUIRE(reaches(code, "failed"));
  BOOST_TEST(column(code, "message") == "exit code 3: no such tea");
  BOOST_TEST(column(code, "result is null") == "t");
  BOOST_REQUIRE(reaches(signal, "failed"));
  BOOST_TEST(column(signal, "message") == "killed by signal 11 (SIGSEGV): dying");
  BOOST_REQUIRE(reaches(chatter, "failed"));
  BOOST_TEST(column(chatter, "message like 'exit code 1: %last words'") == "t");
  BOOST_TEST(column(chatter, "octet_length(message) <= 8192") == "t");
}

BOOST_AUTO_TEST_CASE(failed_attempts_are_tried_again_later_and_later_until_none_is_left) {
  start_worker("a", {{"fail", script("note start; echo \"attempt $JOB_ATTEMPT\" >&2; exit 1")}});
  const auto id = submit(R"("type":"fail","max_attempts":3)");
  BOOST_REQUIRE(reaches(id, "failed", 30s));
  BOOST_TEST(column(id, "message") == "exit code 1: attempt 3");
  BOOST_TEST(column(id, "attempt || ' ' || failures || ' ' || recoveries") == "3 3 0");
  const auto starts = notes("start", id);
  BOOST_REQUIRE(starts.size() == 3U);
  BOOST_TEST(starts[0].attempt == 1);
  BOOST_TEST(starts[1].attempt == 2);
  BOOST_TEST(starts[2].attempt == 3);
  // 1 s and 2 s, within a quarter. What comes on top is only the way to the next start.
  const auto first = starts[1].at - starts[0].at;
  const auto second = starts[2].at - starts[1].at;
  BOOST_TEST_MESSAGE("the retries came after " << first << " s and " << second << " s");
  BOOST_TEST(first >= 0.75);
  BOOST_TEST(first < 5);
  BOOST_TEST(second >= 1.5);
  BOOST_TEST(second < 6);
  BOOST_TEST(column(id, "start_time >= run_at and start_time < run_at + interval '3 s'") == "t");
}

BOOST_AUTO_TEST_CASE(a_job_that_fails_once_may_succeed_at_its_second_attempt) {
  start_worker("a", {{"second", script("[ $JOB_ATTEMPT = 2 ] || { echo 'not yet' >&2; exit 1; }; echo 42")}});
  const auto id = submit(R"("type":"second","max_attempts":3)");
  BOOST_REQUIRE(reaches(id, "success", 20s));
  BOOST_TEST(column(id, "attempt || ' ' || failures") == "2 1");
  BOOST_TEST(column(id, "result") == "42");
  // The message of the failure does not stay with a job that succeeded.
  BOOST_TEST(column(id, "message is null") == "t");
}

BOOST_AUTO_TEST_CASE(a_type_without_a_handler_waits_for_a_worker_that_has_one) {
  start_worker("plain", {});
  const auto rare = submit(R"("type":"rare")");
  // The worker gets the hint, and writes hints again every 2 s: long enough for it to try.
  const auto later = submit(R"("delay":4)");
  BOOST_REQUIRE(reaches(later, "success"));
  BOOST_TEST(column(rare, "status || ' ' || attempt") == "created 0");
  start_worker("rare", {{"rare", script("note start")}});
  BOOST_REQUIRE(reaches(rare, "success"));
  BOOST_TEST(column(rare, "attempt") == "1");
  BOOST_TEST(notes("start").at(0).worker == "rare");
}

BOOST_AUTO_TEST_CASE(scheduled_jobs_run_at_their_time) {
  cluster::start_worker();
  const auto delayed = submit(10, R"("delay":1.5)");
  const auto rfc3339 = [](const std::string& time) {
    return "to_char(" + time + ", 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
  };
  const auto at = value("select " + rfc3339("timezone('utc', now()) + interval '2.5 s'"));
  const auto dated = submit(10, R"("run_at":")" + at + R"(")");
  BOOST_TEST(column(dated[0], rfc3339("run_at")) == at);
  const auto now = submit("");
  BOOST_REQUIRE(reaches(now, "success"));
  BOOST_REQUIRE(jobs_are("success", 21));
  BOOST_TEST(count("jobs where start_time < run_at") == 0);
  BOOST_TEST(column(delayed[0], "run_at >= created_at + interval '1.5 s'") == "t");
  const auto late = std::stod(value("select max(extract(epoch from start_time - run_at)) from jobs"));
  BOOST_TEST_MESSAGE("the latest scheduled job ran " << late << " s after its time");
  BOOST_TEST(late < 1.5);
}

BOOST_AUTO_TEST_CASE(a_scheduled_job_needs_no_node_that_knew_of_it) {
  const auto id = submit(R"("delay":1)");
  api().kill9();
  cluster::start_worker();
  // Nobody told the worker; it looks at least every 5 s.
  BOOST_REQUIRE(reaches(id, "success", 10s));
  BOOST_TEST(column(id, "start_time >= run_at") == "t");
}

BOOST_AUTO_TEST_CASE(urgent_jobs_run_first_and_equal_ones_in_the_order_of_their_ids) {
  for (const auto* priority : {"5", "9", "0", "5", "7", "0", "3", "9", "5"})
    submit(std::string{R"("priority":)"} + priority);
  start_worker("a", {}, {{"JOB_CONCURRENCY", "1"}});
  BOOST_REQUIRE(jobs_are("success", 9));
  BOOST_TEST(value("select string_agg(priority || ':' || id, ' ' order by start_time) from jobs")
             == "0:3 0:6 3:7 5:1 5:4 5:9 7:5 9:2 9:8");
}

BOOST_AUTO_TEST_CASE(a_worker_serves_the_queues_that_it_was_given) {
  start_worker("a", {}, {{"JOB_QUEUES", "mail,print"}});
  const auto other = submit(R"("queue":"default")");
  const auto print = submit(R"("queue":"print")");
  const auto mail = submit(R"("queue":"mail")");
  BOOST_REQUIRE(reaches(mail, "success"));
  BOOST_REQUIRE(reaches(print, "success"));
  BOOST_TEST(status(other) == "created");
}

BOOST_AUTO_TEST_SUITE_END()

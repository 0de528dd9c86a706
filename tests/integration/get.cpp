#include "tests/integration/cluster.hpp"

#include <boost/test/unit_test.hpp>
#include <tao/json.hpp>

#include <set>

using namespace jobd::test;

namespace {

/// What is shown without a value.
std::set<std::string> nulls(const json& job) {
  auto found = std::set<std::string>{};
  for (const auto& [name, value] : job.get_object())
    if (value.is_null())
      found.insert(name);
  return found;
}

/// A column of the job as RFC 3339.
std::string stored_time(cluster& c, const std::string& column, std::int64_t id) {
  return c.value("select to_char(" + column + R"(, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') from jobs where id = )"
                 + std::to_string(id));
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(get, cluster)

BOOST_AUTO_TEST_CASE(answer_has_every_column_but_what_only_the_store_needs) {
  const auto id = new_job(R"({"object_id": 1})");
  const auto job = get_job(id);
  auto shown = std::set<std::string>{};
  for (const auto& [name, value] : job.get_object())
    shown.insert(name);
  auto columns = std::set<std::string>{};
  for (const auto& row : sql("select column_name from information_schema.columns where table_name = 'jobs'"))
    columns.insert(row.at(0));
  columns.erase("blocked");
  BOOST_TEST(shown == columns, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(new_job_shows_what_it_has_and_null_for_the_rest) {
  const auto id = new_job(R"({"object_id": 5})");
  const auto job = get_job(id);
  BOOST_TEST(job.at("id").as<std::int64_t>() == id);
  BOOST_TEST(job.at("object_id").as<std::int64_t>() == 5);
  BOOST_TEST(job.at("status").get_string() == "created");
  BOOST_TEST(job.at("queue").get_string() == "default");
  BOOST_TEST(job.at("type").get_string() == "default");
  BOOST_TEST(job.at("priority").as<int>() == 5);
  BOOST_TEST(job.at("ready").get_boolean());
  BOOST_TEST(job.at("max_attempts").as<int>() == 1);
  for (const auto* counter : {"attempt", "failures", "recoveries"})
    BOOST_TEST(job.at(counter).as<int>() == 0);
  const auto expected =
      std::set<std::string>{"start_time", "end_time",   "message", "payload",  "run_at",     "timeout",
                            "node_id",    "expires_at", "result",  "progress", "traceparent"};
  BOOST_TEST(nulls(job) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_submitted_is_shown_as_it_was) {
  const auto id =
      new_job(R"({"object_id": -3, "type": "t", "queue": "q", "priority": 1, "payload": {"x": [1.5, "ü"]},
    "timeout": 2.5, "max_attempts": 3, "run_at": "2099-01-31T14:00:00+02:00"})");
  const auto job = get_job(id);
  BOOST_TEST(job.at("object_id").as<std::int64_t>() == -3);
  BOOST_TEST(job.at("type").get_string() == "t");
  BOOST_TEST(job.at("queue").get_string() == "q");
  BOOST_TEST(job.at("priority").as<int>() == 1);
  BOOST_TEST(job.at("payload") == tao::json::from_string(R"({"x": [1.5, "ü"]})"));
  BOOST_TEST(job.at("timeout").as<double>() == 2.5);
  BOOST_TEST(job.at("max_attempts").as<int>() == 3);
  BOOST_TEST(job.at("run_at").get_string() == "2099-01-31T12:00:00.000000Z");
  BOOST_TEST(!job.at("ready").get_boolean());
}

BOOST_AUTO_TEST_CASE(times_are_those_of_the_table_in_rfc_3339) {
  start_worker();
  const auto id = new_job(R"({"object_id": 1})");
  BOOST_TEST(reaches(id, "success"));
  const auto job = get_job(id);
  for (const auto* column : {"created_at", "start_time", "end_time"})
    BOOST_TEST(job.at(column).get_string() == stored_time(*this, column, id));
  BOOST_TEST(job.at("created_at").get_string() <= job.at("start_time").get_string());
  BOOST_TEST(job.at("start_time").get_string() <= job.at("end_time").get_string());
}

BOOST_AUTO_TEST_CASE(times_are_utc_whatever_the_time_zone_of_the_server) {
  sql("alter database " + database() + " set timezone = 'Asia/Kolkata'");
  const auto id = new_job(R"({"object_id": 1})");
  BOOST_TEST(
      count(
          "jobs where created_at between timezone('utc', now()) - interval '30 s' and timezone('utc', now())")
      == 1);
  BOOST_TEST(get_job(id).at("created_at").get_string() == stored_time(*this, "created_at", id));
}

BOOST_AUTO_TEST_CASE(running_job_shows_its_start_its_attempt_and_its_node) {
  start_worker();
  const auto id = new_job(R"({"object_id": 1, "type": "builtin:sleep", "payload": {"seconds": 60}})");
  BOOST_TEST(reaches(id, "running"));
  const auto job = get_job(id);
  BOOST_TEST(job.at("status").get_string() == "running");
  BOOST_TEST(job.at("start_time").get_string() == stored_time(*this, "start_time", id));
  BOOST_TEST(job.at("end_time").is_null());
  BOOST_TEST(job.at("attempt").as<int>() == 1);
  BOOST_TEST(job.at("node_id").as<std::int64_t>() == number("select id from nodes where slots > 0"));
}

BOOST_AUTO_TEST_CASE(successful_job_shows_its_result) {
  start_worker();
  const auto id = new_job(R"({"object_id": 1, "payload": {"a": [1, null]}})");
  BOOST_TEST(reaches(id, "success"));
  const auto job = get_job(id);
  BOOST_TEST(job.at("result") == job.at("payload"));
  BOOST_TEST(job.at("message").is_null());
  BOOST_TEST(job.at("attempt").as<int>() == 1);
}

BOOST_AUTO_TEST_CASE(failed_job_shows_why) {
  start_worker();
  const auto id =
      new_job(R"({"object_id": 1, "type": "builtin:fail", "payload": {"message": "no \"ink\" — ü"}})");
  BOOST_TEST(reaches(id, "failed"));
  const auto job = get_job(id);
  BOOST_TEST(job.at("message").get_string() == "no \"ink\" — ü");
  BOOST_TEST(job.at("failures").as<int>() == 1);
  BOOST_TEST(job.at("result").is_null());
}

BOOST_AUTO_TEST_CASE(every_api_shows_every_job) {
  const auto id = new_job(R"({"object_id": 1})");
  auto& other = start_api();
  const auto shown = client().get(other.url("/v1/jobs/" + std::to_string(id)));
  BOOST_TEST(shown.status == 200);
  BOOST_TEST(shown.header("content-type") == "application/json");
  BOOST_TEST(tao::json::from_string(shown.body) == get_job(id));
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/integration/cluster.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <tao/json.hpp>

#include <map>

using namespace jobd::test;
namespace data = boost::unit_test::data;

namespace {

/// The row as the database shows it, from `object_id` on.
std::string row(cluster& c, std::int64_t id) {
  return c.value(
      "select row(object_id, status, start_time, end_time, message, queue, type, payload, priority, run_at,"
      " ready, timeout, max_attempts, attempt, failures, recoveries, node_id, result)::text"
      " from jobs where id = "
      + std::to_string(id));
}

std::string field(cluster& c, const std::string& expression, std::int64_t id) {
  return c.value("select " + expression + " from jobs where id = " + std::to_string(id));
}

/// The most that the API promises to take.
constexpr auto body_limit = std::size_t{1} << 20;

/// What surrounds a payload of text.
constexpr auto front = std::string_view{R"({"object_id": 1, "payload": ")"};
constexpr auto back = std::string_view{"\"}"};

} // namespace

BOOST_FIXTURE_TEST_SUITE(submit, cluster)

BOOST_AUTO_TEST_CASE(first_job_gets_201_and_its_address) {
  const auto made = post_job(R"({"object_id": 1})");
  BOOST_TEST(made.status == 201);
  BOOST_TEST(made.answer.body == R"({"job_id": 1})");
  BOOST_TEST(made.answer.header("location") == "/v1/jobs/1");
  BOOST_TEST(made.answer.header("content-type") == "application/json");
}

BOOST_AUTO_TEST_CASE(what_is_not_given_is_stored_as_its_default) {
  const auto id = new_job(R"({"object_id": 7})");
  BOOST_TEST(row(*this, id) == "(7,created,,,,default,default,,5,,t,,1,0,0,0,,)");
  BOOST_TEST(
      count(
          "jobs where created_at between timezone('utc', now()) - interval '30 s' and timezone('utc', now())")
      == 1);
}

BOOST_AUTO_TEST_CASE(every_optional_field_is_stored_as_given) {
  const auto id = new_job(R"({"object_id": 42, "type": "thumb.v2:a", "queue": "images-1", "priority": 2,
    "payload": {"b": [1, 2.5, "ü"], "a": null}, "timeout": 1.5, "max_attempts": 4,
    "run_at": "2099-01-31T12:00:00.25+02:00"})");
  BOOST_TEST(row(*this, id)
             == R"x((42,created,,,,images-1,thumb.v2:a,"{""a"": null, ""b"": [1, 2.5, ""ü""]}",2,)x"
                R"x("2099-01-31 10:00:00.25",f,1.5,4,0,0,0,,))x");
}

BOOST_AUTO_TEST_CASE(null_stands_for_an_absent_field) {
  const auto id = new_job(R"({"object_id": 7, "type": null, "queue": null, "priority": null, "payload": null,
    "timeout": null, "max_attempts": null, "run_at": null, "delay": null})");
  BOOST_TEST(row(*this, id) == "(7,created,,,,default,default,,5,,t,,1,0,0,0,,)");
}

BOOST_AUTO_TEST_CASE(delay_counts_from_the_acceptance) {
  const auto id = new_job(R"({"object_id": 1, "delay": 90.5})");
  BOOST_TEST(field(*this, "run_at - created_at", id) == "00:01:30.5");
  BOOST_TEST(field(*this, "ready", id) == "f");
}

BOOST_AUTO_TEST_CASE(job_with_a_time_in_the_past_is_ready) {
  const auto id = new_job(R"({"object_id": 1, "run_at": "2001-01-01T00:00:00Z"})");
  BOOST_TEST(field(*this, "ready", id) == "t");
}

BOOST_AUTO_TEST_CASE(scheduled_job_runs_at_its_time) {
  start_worker();
  const auto id = new_job(R"({"object_id": 1, "delay": 1})");
  BOOST_TEST(reaches(id, "success"));
  BOOST_TEST(field(*this, "start_time >= run_at", id) == "t");
  BOOST_TEST(field(*this, "start_time < run_at + interval '5 s'", id) == "t");
}

BOOST_AUTO_TEST_CASE(job_that_is_scheduled_before_the_next_one_is_not_forgotten) {
  start_worker();
  new_job(R"({"object_id": 1, "delay": 3600})");
  const auto sooner = new_job(R"({"object_id": 2, "delay": 0.5})");
  BOOST_TEST(reaches(sooner, "success"));
}

BOOST_DATA_TEST_CASE_F(cluster, payload_may_be_any_json,
                       data::make<std::string>({"true", "false", "0", "-1.25e3", R"("")",
                                                R"("ünïcode \ud83d\ude00")", "[]", "{}",
                                                R"([[[]], {"a": {"b": null}}])", "123456789012345678901234",
                                                std::string(63, '[') + std::string(63, ']')}),
                       payload) {
  const auto id = new_job(R"({"object_id": 1, "payload": )" + payload + "}");
  BOOST_TEST(value("select payload = '" + payload + "'::jsonb from jobs where id = " + std::to_string(id))
             == "t");
  const auto shown = client().get(api().url("/v1/jobs/1"));
  BOOST_TEST(shown.status == 200);
}

BOOST_DATA_TEST_CASE_F(
    cluster, ends_of_each_range_are_allowed,
    data::make<std::string>({R"("object_id": 9223372036854775807)", R"("object_id": -9223372036854775808)",
                             R"("priority": 0)", R"("priority": 9)", R"("timeout": 0.001)",
                             R"("timeout": 604800)", R"("max_attempts": 1)", R"("max_attempts": 100)",
                             R"("delay": 0)", R"("delay": 31622400)"}),
    pair) {
  const auto object = pair.find("object_id") == std::string::npos ? std::string{R"(, "object_id": 1)"} : "";
  const auto id = new_job("{" + pair + object + "}");
  const auto colon = pair.find(':');
  const auto name = pair.substr(1, colon - 2);
  const auto column = name == "delay" ? "coalesce(extract(epoch from run_at - created_at), 0)" : name;
  BOOST_TEST(field(*this, column + " =" + pair.substr(colon + 1), id) == "t");
}

BOOST_AUTO_TEST_CASE(body_of_exactly_the_limit_is_stored) {
  const auto text = std::string(body_limit - front.size() - back.size(), 'x');
  const auto id = new_job(std::string{front} + text + std::string{back});
  BOOST_TEST(field(*this, "length(payload #>> '{}')", id) == std::to_string(text.size()));
}

BOOST_AUTO_TEST_CASE(workers_get_a_hint_in_the_order_of_the_queue) {
  const auto id = new_job(R"({"object_id": 1, "queue": "mail", "priority": 3})");
  const auto score = std::to_string((std::int64_t{3} << 48) + id);
  const auto hinted = [&] { return redis().command({"ZSCORE", "jobd:{mail}:ready", std::to_string(id)}); };
  BOOST_TEST(eventually([&] { return hinted() == score; }));
}

BOOST_AUTO_TEST_CASE(job_is_stored_without_redis) {
  redis().stop();
  const auto id = new_job(R"({"object_id": 1})");
  BOOST_TEST(status(id) == "created");
}

BOOST_AUTO_TEST_CASE(id_that_was_answered_survives_a_crash_of_the_api) {
  const auto id = new_job(R"({"object_id": 1})");
  api().kill9();
  auto& other = start_api();
  BOOST_TEST(client().get(other.url("/v1/jobs/" + std::to_string(id))).status == 200);
}

BOOST_AUTO_TEST_CASE(many_clients_at_once_get_ids_of_their_own) {
  const auto url = api().url("/v1/jobs");
  auto answers = std::vector<submission>(400);
  in_parallel(16, 400, [&](http_client& client, int n) {
    answers[static_cast<std::size_t>(n)] =
        understood(client.post(url, R"({"object_id": )" + std::to_string(n) + "}"));
  });
  auto rows = std::map<std::string, std::string>{};
  for (const auto& row : sql("select id, object_id from jobs"))
    rows.emplace(row.at(0), row.at(1));
  auto wrong = 0;
  for (auto n = 0; n < 400; ++n) {
    const auto& made = answers[static_cast<std::size_t>(n)];
    wrong += made.status != 201 || rows[std::to_string(made.id)] != std::to_string(n);
  }
  BOOST_TEST(wrong == 0);
  BOOST_TEST(rows.size() == 400);
}

BOOST_AUTO_TEST_SUITE_END()

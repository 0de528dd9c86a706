#include "tests/integration/cluster.hpp"

#include <boost/test/unit_test.hpp>
#include <tao/json.hpp>

#include <ostream>

using namespace jobd::test;

namespace {

/// An input that breaks a rule, and what the answer must hold.
struct bad {
  std::string body;
  /// The field that it names; empty: the body as a whole is wrong.
  std::string field;
  /// What the answer must say about what is allowed.
  std::string says;
};

std::ostream& operator<<(std::ostream& out, const bad& b) {
  return out << b.body.substr(0, 100);
}

/// A body whose object is fine.
bad wrong(const std::string& field, const std::string& value, const std::string& says) {
  return {R"({"object_id": 1, ")" + field + "\": " + value + "}", field, says};
}

/// A body that has nothing but an `object_id`.
bad wrong_object(const std::string& value) {
  return {R"({"object_id": )" + value + "}", "object_id", "must be an integer from -9223372036854775808 to"};
}

std::string repeated(int times, const std::string& text) {
  auto all = std::string{};
  for (auto i = 0; i < times; ++i)
    all += text;
  return all;
}

const auto no_json = std::vector<bad>{
    {"", "", "is empty"},
    {" \n", "", "is empty"},
    {"hello", "", "not valid JSON"},
    {R"({"object_id": 1)", "", "not valid JSON"},
    {R"({"object_id": 1}})", "", "not valid JSON"},
    {R"({"object_id": 1} {"object_id": 2})", "", "not valid JSON"},
    {R"({"object_id": 1,})", "", "not valid JSON"},
    {R"({object_id: 1})", "", "not valid JSON"},
    {R"({"object_id": 01})", "", "not valid JSON"},
    {R"({"object_id": NaN})", "", "not valid JSON"},
    {"{\"object_id\": 1 /* one */}", "", "not valid JSON"},
    {"\xEF\xBB\xBF{\"object_id\": 1}", "", "not valid JSON"},
};

const auto no_object = std::vector<bad>{
    {"null", "", "must be a JSON object"},
    {"true", "", "must be a JSON object"},
    {"1", "", "must be a JSON object"},
    {R"("x")", "", "must be a JSON object"},
    {R"([{"object_id": 1}])", "", "must be a JSON object"},
};

const auto objects = std::vector<bad>{
    {"{}", "object_id", "is missing"},
    {R"({"type": "mail"})", "object_id", "is missing"},
    {R"({"object_id": 1, "object_id": 2})", "object_id", "twice"},
    wrong_object(R"("1")"),
    wrong_object("1.5"),
    wrong_object("1.0"),
    wrong_object("1e3"),
    wrong_object("true"),
    wrong_object("null"),
    wrong_object("[1]"),
    wrong_object(R"({"id": 1})"),
    wrong_object("9223372036854775808"),
    wrong_object("-9223372036854775809"),
    wrong_object("100000000000000000000000000000"),
};

const auto fields = std::vector<bad>{
    wrong("type", "5", "must be 1 to 64"),
    wrong("type", R"("")", "must be 1 to 64"),
    wrong("type", R"("two words")", "must be 1 to 64"),
    wrong("type", R"("ünï")", "must be 1 to 64"),
    wrong("type", '"' + std::string(65, 'x') + '"', "must be 1 to 64"),
    wrong("queue", "[]", "must be 1 to 64"),
    wrong("queue", R"("")", "must be 1 to 64"),
    wrong("queue", R"("a{b}")", "must be 1 to 64"),
    wrong("queue", '"' + std::string(65, 'x') + '"', "must be 1 to 64"),
    wrong("priority", "-1", "from 0 (most urgent) to 9"),
    wrong("priority", "10", "from 0 (most urgent) to 9"),
    wrong("priority", "5.5", "from 0 (most urgent) to 9"),
    wrong("priority", R"("5")", "from 0 (most urgent) to 9"),
    wrong("priority", "4294967296", "from 0 (most urgent) to 9"),
    wrong("timeout", "0", "seconds from 0.001 to 604800"),
    wrong("timeout", "-5", "seconds from 0.001 to 604800"),
    wrong("timeout", "604800.1", "seconds from 0.001 to 604800"),
    wrong("timeout", R"("5")", "seconds from 0.001 to 604800"),
    wrong("timeout", "{}", "seconds from 0.001 to 604800"),
    wrong("max_attempts", "0", "from 1 to 100"),
    wrong("max_attempts", "101", "from 1 to 100"),
    wrong("max_attempts", "1.5", "from 1 to 100"),
    wrong("max_attempts", "true", "from 1 to 100"),
    wrong("delay", "-0.1", "seconds from 0 to 31622400"),
    wrong("delay", "31622401", "seconds from 0 to 31622400"),
    wrong("delay", R"("1 h")", "seconds from 0 to 31622400"),
    wrong("run_at", "1700000000", "RFC 3339"),
    wrong("run_at", R"("tomorrow")", "RFC 3339"),
    wrong("run_at", R"("2026-01-31")", "RFC 3339"),
    wrong("run_at", R"("2026-01-31T12:00:00")", "RFC 3339"),
    wrong("run_at", R"("2026-02-30T12:00:00Z")", "RFC 3339"),
    wrong("run_at", R"("2026-01-31T25:00:00Z")", "RFC 3339"),
    wrong("run_at", R"("99999-01-01T00:00:00Z")", "RFC 3339"),
    wrong("run_at", R"("2026-01-31T12:00:00Z", "delay": 5)", "delay"),
    wrong("priority", R"(1, "priority": 2)", "twice"),
    {R"({"object_id": 1, "prio": 1})", "", "unknown field \"prio\""},
    {R"({"object_id": 1, "Type": "mail"})", "", "unknown field \"Type\""},
    {R"({"object_id": 1, "id": 5})", "", "unknown field \"id\""},
    {R"({"object_id": 1, "": 5})", "", "unknown field"},
};

const auto texts = std::vector<bad>{
    wrong("payload", R"("a\u0000b")", "NUL"),
    wrong("payload", R"({"a\u0000b": 1})", "NUL"),
    wrong("payload", R"([[{"x": "\u0000"}]])", "NUL"),
    {R"({"object_id": 1, "payload": "\ud800"})", "", "not valid JSON"},
    {R"({"object_id": 1, "payload": "\udc00\ud800"})", "", "not valid JSON"},
    wrong("type", R"("a\u0000b")", "must be 1 to 64"),
    {"{\"object_id\": 1, \"payload\": \"\xFF\"}", "", "UTF-8"},
    {"{\"object_id\": 1, \"payload\": \"\xC3\"}", "", "UTF-8"},
    {"{\"object_id\": 1, \"payload\": \"\xC0\x80\"}", "", "UTF-8"},
    {"{\"object_id\": 1, \"payload\": \"\xED\xA0\x80\"}", "", "UTF-8"},
    {"{\"object_id\": 1, \"payload\": \"\xF4\x90\x80\x80\"}", "", "UTF-8"},
    {"{\"object_id\": 1, \"type\": \"\xFF\"}", "", "UTF-8"},
    {"{\"object_id\": 1, \"\xFF\": 1}", "", "UTF-8"},
    {{"{\"object_id\": 1, \"payload\": \"\0\"}", 32}, "", "not valid JSON"},
    {{"{\"object_id\": 1}\0", 17}, "", "not valid JSON"},
    {"{\"object_id\": 1, \"payload\": \"\x01\"}", "", "not valid JSON"},
};

const auto bombs = std::vector<bad>{
    {std::string(500'000, '['), "", "nested deeper"},
    {repeated(100'000, R"({"a":)"), "", "nested deeper"},
    {R"({"object_id": )" + std::string(500'000, '['), "", "nested deeper"},
    wrong("payload", std::string(500'000, '[') + std::string(500'000, ']'), "nested deeper"),
    wrong("payload", repeated(100'000, R"({"a":[)"), "nested deeper"),
    wrong("payload", std::string(65, '[') + std::string(65, ']'), "nested deeper"),
    wrong("payload", "1e400", "number"),
    wrong("payload", "[1, -1e400]", "number"),
    {R"({"object_id": 1, "payload": 1e999999999999})", "", "exponent"},
    wrong("payload", "0e-99999", "number"),
    wrong("payload", std::string(2'000, '9'), "number"),
};

struct bad_input_cluster : cluster {
  /// Each is refused, and no row is left.
  void expect_refusal(const std::vector<bad>& all) {
    for (const auto& input : all)
      BOOST_TEST_CONTEXT("body: " << input)
    expect_problem(client().post(api().url("/v1/jobs"), input.body), 400, input.field, input.says);
    expect_nothing_stored();
  }

  static void expect_problem(const http_answer& answer, int status, const std::string& field = {},
                             const std::string& says = {}) {
    BOOST_TEST(answer.status == status,
               "status " << answer.status << ", not " << status << ": " << answer.body);
    BOOST_TEST(answer.header("content-type") == "application/problem+json");
    const auto problem = tao::json::from_string(answer.body.empty() ? "{}" : answer.body);
    BOOST_TEST_REQUIRE((problem.find("detail") && problem.find("type") && problem.find("title")),
                       answer.body);
    BOOST_TEST(problem.at("status").as<int>() == status);
    const auto detail = problem.at("detail").get_string();
    BOOST_TEST(detail.find(says) != std::string::npos, "\"" << says << "\" is not in: " << detail);
    if (field.empty())
      return;
    BOOST_TEST_REQUIRE((problem.find("field") != nullptr), answer.body);
    BOOST_TEST(problem.at("field").get_string() == field);
    BOOST_TEST(detail.find(field) != std::string::npos);
  }

  void expect_nothing_stored() {
    BOOST_TEST(count("jobs") == 0);
    BOOST_TEST(count("job_dedupe") == 0);
    BOOST_TEST(post_job(R"({"object_id": 1})").status == 201);
  }

  http_answer call(const std::string& method, const std::string& path) {
    return client().call({.method = method, .url = api().url(path)});
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(bad_input, bad_input_cluster)

BOOST_AUTO_TEST_CASE(what_is_no_json_is_refused) {
  expect_refusal(no_json);
}

BOOST_AUTO_TEST_CASE(json_that_is_no_object_is_refused) {
  expect_refusal(no_object);
}

BOOST_AUTO_TEST_CASE(object_id_that_is_no_integer_of_64_bits_is_refused) {
  expect_refusal(objects);
}

BOOST_AUTO_TEST_CASE(field_that_breaks_its_rule_is_named_with_the_rule) {
  expect_refusal(fields);
}

BOOST_AUTO_TEST_CASE(text_that_postgresql_cannot_hold_is_refused) {
  expect_refusal(texts);
}

BOOST_AUTO_TEST_CASE(nesting_and_number_bombs_are_refused) {
  expect_refusal(bombs);
}

BOOST_AUTO_TEST_CASE(body_over_1_mib_is_refused_however_it_is_sent) {
  const auto front = std::string{R"({"object_id": 1, "payload": ")"};
  const auto body = front + std::string((std::size_t{1} << 20) - front.size() - 1, 'x') + "\"}";
  BOOST_TEST_REQUIRE(body.size() == (std::size_t{1} << 20) + 1);
  for (const auto chunked : {false, true}) {
    const auto answer = client().call({.method = "POST",
                                       .url = api().url("/v1/jobs"),
                                       .body = body,
                                       .headers = {"Content-Type: application/json"},
                                       .chunked = chunked});
    expect_problem(answer, 413, "", "1048576");
  }
  expect_nothing_stored();
}

BOOST_AUTO_TEST_CASE(body_of_many_mib_is_refused) {
  expect_problem(client().post(api().url("/v1/jobs"), std::string(std::size_t{50} << 20, ' ')), 413);
  expect_nothing_stored();
}

BOOST_AUTO_TEST_CASE(body_that_is_not_said_to_be_json_is_refused) {
  for (const auto* type : {"Content-Type: text/plain", "Content-Type: application/x-www-form-urlencoded",
                           "Content-Type: application/jsonp", "Content-Type:"}) {
    const auto answer = client().call(
        {.method = "POST", .url = api().url("/v1/jobs"), .body = R"({"object_id": 1})", .headers = {type}});
    expect_problem(answer, 415, "", "application/json");
  }
  expect_nothing_stored();
}

BOOST_AUTO_TEST_CASE(unknown_path_gets_404) {
  for (const auto* path : {"/", "/v1", "/v1/job", "/v1/jobs/", "/v1/jobs/1/x", "/v2/jobs", "/v1/jobs/1/"})
    BOOST_TEST_CONTEXT("path: " << path)
  expect_problem(call("GET", path), 404, "", "/v1/jobs");
}

BOOST_AUTO_TEST_CASE(unknown_job_gets_404) {
  new_job(R"({"object_id": 1})");
  for (const auto* id :
       {"2", "0", "-1", "x", "1.5", "9223372036854775807", "9223372036854775808", "1%20", "0x1"})
    BOOST_TEST_CONTEXT("job: " << id)
  expect_problem(call("GET", "/v1/jobs/" + std::string{id}), 404, "", "job");
}

BOOST_AUTO_TEST_CASE(wrong_method_gets_405_and_the_right_ones) {
  for (const auto* method : {"PUT", "PATCH"}) {
    const auto answer = call(method, "/v1/jobs");
    expect_problem(answer, 405);
    BOOST_TEST(answer.header("allow") == "GET, HEAD, POST, DELETE");
  }
  for (const auto* method : {"POST", "PUT"}) {
    const auto answer = call(method, "/v1/jobs/1");
    expect_problem(answer, 405);
    BOOST_TEST(answer.header("allow") == "GET, HEAD, DELETE");
  }
  expect_nothing_stored();
}

BOOST_AUTO_TEST_CASE(unknown_parameter_is_refused) {
  expect_problem(client().post(api().url("/v1/jobs?queue=mail"), R"({"object_id": 1})"), 400, "queue",
                 "\"queue\"");
  expect_nothing_stored();
}

BOOST_AUTO_TEST_CASE(what_is_no_http_harms_nobody) {
  for (const auto* noise : {"\x16\x03\x01\x02\x01\x01\xFC", "GET\r\n\r\n",
                            "POST /v1/jobs HTTP/1.1\r\nContent-Length: x\r\n\r\n"}) {
    auto connection = raw_connection{api().port()};
    connection.send(noise);
    connection.send("\r\n\r\n");
    (void)connection.read_until("", std::chrono::milliseconds{200});
  }
  expect_nothing_stored();
}

BOOST_AUTO_TEST_CASE(bad_jobs_fail_no_others_that_are_submitted_with_them) {
  const auto url = api().url("/v1/jobs");
  auto answers = std::vector<submission>(64);
  const auto is_bad = [](int n) { return n % 4 == 3; };
  in_parallel(16, 64, [&](http_client& client, int n) {
    const auto more = is_bad(n) ? std::string{R"(, "payload": "\u0000"})"} : std::string{"}"};
    answers[static_cast<std::size_t>(n)] =
        understood(client.post(url, R"({"object_id": )" + std::to_string(n) + more));
  });
  for (auto n = 0; n < 64; ++n)
    BOOST_TEST(answers[static_cast<std::size_t>(n)].status == (is_bad(n) ? 400 : 201));
  BOOST_TEST(count("jobs") == 48);
  BOOST_TEST(count("job_dedupe") == 48);
}

// No JSON is known that passes our checks and that PostgreSQL refuses, so a rule of its own stands for it.
BOOST_AUTO_TEST_CASE(job_that_only_postgresql_refuses_fails_no_others_of_its_batch) {
  sql("alter table jobs add constraint unlucky check (object_id <> 13)");
  const auto url = start_api({{"DATABASE_CONNECTIONS", "1"}}).url("/v1/jobs");
  // While the table is locked, everything that is submitted becomes one batch.
  const auto locked = lock_jobs_for(std::chrono::seconds{1});
  auto answers = std::vector<submission>(64);
  in_parallel(64, 64, [&](http_client& client, int n) {
    answers[static_cast<std::size_t>(n)] =
        understood(client.post(url, R"({"object_id": )" + std::to_string(n) + "}"));
  });
  for (auto n = 0; n < 64; ++n)
    BOOST_TEST(answers[static_cast<std::size_t>(n)].status == (n == 13 ? 400 : 201));
  BOOST_TEST(count("jobs") == 63);
  BOOST_TEST(count("job_dedupe where object_id = 13") == 0);
}

BOOST_AUTO_TEST_SUITE_END()

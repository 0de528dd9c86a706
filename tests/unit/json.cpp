#include "http/json.hpp"

#include "http/cursor.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace jobd;
using http::parse_job_spec;

namespace {

/// Why `body` is refused; empty if it is not.
std::string refusal(const std::string& body) {
  const auto spec = parse_job_spec(body);
  if (!spec)
    BOOST_TEST((spec.error().code == ec::invalid));
  return spec ? std::string{} : spec.error().context;
}

/// A valid body with one more field.
std::string with(const std::string& field) {
  return R"({"object_id": 1, )" + field + "}";
}

void refuses(const std::vector<std::string>& bodies, const std::string& rule) {
  for (const auto& body : bodies)
    BOOST_TEST(refusal(body) == rule,
               body << " is refused by '" << refusal(body) << "', not by '" << rule << "'");
}

job_spec spec_of(std::int64_t object_id) {
  auto spec = job_spec{};
  spec.object_id = object_id;
  return spec;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string payload_of(const std::string& text) {
  const auto spec = parse_job_spec(with("\"payload\":" + text));
  return spec ? spec->payload : spec.error().context;
}

std::string repeat(const std::string& text, int times) {
  auto out = std::string{};
  for (auto i = 0; i < times; ++i)
    out += text;
  return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(json)

BOOST_AUTO_TEST_CASE(the_smallest_submission_takes_all_defaults) {
  const auto spec = parse_job_spec(R"({"object_id": 1})");
  BOOST_REQUIRE(spec.has_value());
  BOOST_TEST((*spec == spec_of(1)));
}

BOOST_AUTO_TEST_CASE(all_fields_are_read) {
  const auto spec =
      parse_job_spec(R"( {"max_attempts":3,"timeout":1.5, "run_at":"2026-01-31T12:00:00+01:00","priority":0,
    "payload":{"a":[1, 2.50]} ,"queue":"fast","type":"thumbnail:v1","object_id":-9223372036854775808} )");
  BOOST_REQUIRE(spec.has_value());
  auto expected = spec_of(INT64_MIN);
  expected.type = "thumbnail:v1";
  expected.queue = "fast";
  expected.payload = R"({"a":[1, 2.50]})";
  expected.priority = 0;
  expected.timeout = seconds{1.5};
  expected.max_attempts = 3;
  expected.run_at = *parse_rfc3339("2026-01-31T11:00:00Z");
  BOOST_TEST((*spec == expected));
  BOOST_TEST((parse_job_spec(with("\"delay\": 60"))->delay == seconds{60}));
  BOOST_TEST((parse_job_spec(with("\"expires_in\": 0.001"))->expires_in == seconds{0.001}));
  BOOST_TEST(parse_job_spec(with("\"object_limit\": 1"))->object_limit == 1);
  BOOST_TEST(parse_job_spec(R"({"object_id": 9223372036854775807})")->object_id == INT64_MAX);
  BOOST_TEST(parse_job_spec(R"({"object_id": 0})")->object_id == 0);
  BOOST_TEST(parse_job_spec(R"({"obj\u0065ct_id": 4})")->object_id == 4);
}

BOOST_AUTO_TEST_CASE(null_stands_for_an_absent_field) {
  const auto spec = parse_job_spec(R"({"object_id":1,"type":null,"queue":null,"payload":null,"priority":null,
    "run_at":null,"timeout":null,"delay":null,"max_attempts":null,"expires_in":null,"object_limit":null})");
  BOOST_REQUIRE(spec.has_value());
  BOOST_TEST((*spec == spec_of(1)));
}

BOOST_AUTO_TEST_CASE(the_payload_is_the_clients_own_text) {
  for (const std::string text :
       {"0", "-0", "1.50", "1E+2", "true", "\"\"", "\"\\u00e9\\/\"", "[]", "{}", "[ 1,\n\t2 ]",
        "{\"b\":1,\"a\":{\"b\":1}}", "{\"a\":1, \"a\":2}", "123456789012345678901234567890", "\"object_id\"",
        "{\"object_id\":\"x\"}", "\"a:b\"", "[[[[\"}\"]]]]"})
    for (const auto& spaced : {text, " " + text + " ", "\n\t" + text + "\r\n"})
      BOOST_TEST(payload_of(spaced) == text);
  BOOST_TEST(parse_job_spec("{\"payload\" : [1] , \"object_id\":1}")->payload == "[1]");
  BOOST_TEST(parse_job_spec("{\"object_id\":1,\"payload\":\t7}")->payload == "7");
}

BOOST_AUTO_TEST_CASE(a_payload_that_the_store_cannot_hold_is_refused) {
  BOOST_TEST(payload_of("\"a\\u0000b\"").starts_with("payload contains a NUL"));
  BOOST_TEST(payload_of("{\"a\\u0000b\":1}").starts_with("payload contains a NUL"));
  BOOST_TEST(payload_of(repeat("[", 64) + repeat("]", 64)) == repeat("[", 64) + repeat("]", 64));
  BOOST_TEST(contains(payload_of(repeat("[", 65) + repeat("]", 65)), "nested deeper than 64 levels"));
  BOOST_TEST(contains(payload_of("1e400"), "number out of the range of a double"));
  BOOST_TEST(contains(payload_of("[-1e400]"), "number out of the range of a double"));
}

BOOST_AUTO_TEST_CASE(an_object_id_that_is_no_64_bit_integer_is_refused) {
  const auto rule =
      std::string{"object_id must be an integer from -9223372036854775808 to 9223372036854775807"};
  refuses({R"({"object_id": "1"})", R"({"object_id": 1.5})", R"({"object_id": 1.0})", R"({"object_id": 1e3})",
           R"({"object_id": -0})", R"({"object_id": 9223372036854775808})",
           R"({"object_id": -9223372036854775809})", R"({"object_id": 18446744073709551616})",
           R"({"object_id": 1e300})", R"({"object_id": null})", R"({"object_id": true})",
           R"({"object_id": []})", R"({"object_id": {}})", R"({"object_id": [1]})",
           R"({"object_id": {"object_id": 1}})", R"({"object_id": 123456789012345678901234567890})"},
          rule);
  refuses({"{}", R"({"type": "a"})", R"({"payload": {"object_id": 1}})"},
          "object_id is missing: it must be an integer");
}

BOOST_AUTO_TEST_CASE(each_field_out_of_its_type_or_range_is_named) {
  const auto name_rule = std::string{" must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -"};
  for (const std::string name : {"type", "queue"})
    refuses({with('"' + name + "\":1"), with('"' + name + "\":\"\""), with('"' + name + "\":[]"),
             with('"' + name + "\":\"a b\""), with('"' + name + "\":\"\\u0000\""),
             with('"' + name + "\":\"" + std::string(65, 'a') + '"')},
            name + name_rule);
  refuses({with("\"priority\":-1"), with("\"priority\":10"), with("\"priority\":1.0"),
           with("\"priority\":\"5\""), with("\"priority\":4294967296"), with("\"priority\":false"),
           with("\"priority\":[5]")},
          "priority must be an integer from 0 (most urgent) to 9");
  refuses({with("\"max_attempts\":0"), with("\"max_attempts\":101"), with("\"max_attempts\":{}"),
           with("\"max_attempts\":2.5")},
          "max_attempts must be an integer from 1 to 100");
  refuses({with("\"timeout\":0"), with("\"timeout\":-1"), with("\"timeout\":604800.5"),
           with("\"timeout\":1e300"), with("\"timeout\":\"30\""), with("\"timeout\":[]")},
          "timeout must be a number of seconds from 0.001 to 604800");
  refuses({with("\"delay\":-1"), with("\"delay\":31622401"), with("\"delay\":\"1\""), with("\"delay\":true")},
          "delay must be a number of seconds from 0 to 31622400");
  refuses({with("\"expires_in\":0"), with("\"expires_in\":-1"), with("\"expires_in\":31622401"),
           with("\"expires_in\":\"1\""), with("\"expires_in\":[]")},
          "expires_in must be a number of seconds from 0.001 to 31622400");
  refuses({with("\"object_limit\":2"), with("\"object_limit\":-1"), with("\"object_limit\":true"),
           with("\"object_limit\":1.0")},
          "object_limit must be 1, or 0 for no limit");
  refuses({with("\"run_at\":1"), with("\"run_at\":\"tomorrow\""), with("\"run_at\":\"2026-02-30T00:00:00Z\""),
           with("\"run_at\":{}")},
          "run_at must be a time as in 2026-01-31T12:00:00Z (RFC 3339)");
  refuses({with("\"run_at\":\"2026-01-31T12:00:00Z\",\"delay\":1")},
          "run_at and delay exclude each other: give one of them");
}

BOOST_AUTO_TEST_CASE(unknown_and_repeated_fields_are_refused) {
  BOOST_TEST(
      refusal(with("\"prioritty\":1")).starts_with("unknown field \"prioritty\": there are object_id, "));
  BOOST_TEST(refusal(with("\"\":1")).starts_with("unknown field \"\""));
  BOOST_TEST(refusal(with("\"Object_id\":1")).starts_with("unknown field \"Object_id\""));
  BOOST_TEST(refusal(with("\"a\\u0000\\nb\":1")).starts_with("unknown field \"a\\u0000\\nb\""));
  BOOST_TEST(refusal(with('"' + std::string(100'000, 'x') + "\":1")).size() < 300U);
  BOOST_TEST(refusal(with("\"object_id\":1")) == "object_id is given twice");
  BOOST_TEST(refusal(with("\"payload\":1,\"payload\":2")) == "payload is given twice");
  BOOST_TEST(refusal(with("\"type\":null,\"type\":\"a\"")) == "type is given twice");
}

BOOST_AUTO_TEST_CASE(the_first_broken_rule_is_told) {
  BOOST_TEST(refusal(R"({"priority": "x", "object_id": "x"})").starts_with("priority "));
  BOOST_TEST(refusal(R"({"object_id": "x", "priority": "x"})").starts_with("object_id "));
}

BOOST_AUTO_TEST_CASE(what_is_no_json_object_is_refused) {
  refuses({"", " ", "\r\n\t"}, "the body is empty: it must be a JSON object");
  refuses({"1", "\"a\"", "null", "true", "[]", "[{\"object_id\":1}]"}, "the body must be a JSON object");
  for (const auto* body : {"{",
                           "}",
                           "{]",
                           "{\"object_id\":1",
                           "{\"object_id\":1,}",
                           "{\"object_id\":}",
                           "{object_id:1}",
                           "{'object_id':1}",
                           "{\"object_id\":1}}",
                           "{\"object_id\":1} x",
                           "{\"object_id\":1}{}",
                           "{\"object_id\":01}",
                           "{\"object_id\":+1}",
                           "{\"object_id\":.5}",
                           "{\"object_id\":1.}",
                           "{\"object_id\":NaN}",
                           "{\"object_id\":Infinity}",
                           "{\"object_id\":1}//",
                           "object_id=1",
                           "{\"object_id\":1,\"payload\":\"\n\"}",
                           "{\"object_id\":1,\"payload\":\"\\x\"}",
                           "{\"object_id\":1,\"payload\":\"\\ud800\"}",
                           "\xEF\xBB\xBF{\"object_id\":1}"})
    BOOST_TEST(refusal(body).starts_with("the body is not valid JSON at line 1, column "),
               body << ": " << refusal(body));
  BOOST_TEST(refusal(std::string{"{\"object_id\":1}\0", 16}).starts_with("the body is not valid JSON"));
  BOOST_TEST(refusal("{\n\"object_id\": 1,\n\"type\": x}")
                 .starts_with("the body is not valid JSON at line 3, column "));
  // That it is no JSON is told before a field that is wrong.
  BOOST_TEST(refusal(R"({"object_id": "x", )").starts_with("the body is not valid JSON"));
}

BOOST_AUTO_TEST_CASE(nesting_bombs_end_early) {
  const auto rule = std::string{" is nested deeper than 64 levels"};
  refuses(
      {std::string(1 << 20, '['), with("\"x\":" + std::string(1'000'000, '[')), repeat("[{\"a\":", 100'000)},
      "the body" + rule);
  refuses(
      {with("\"payload\":" + std::string(1'000'000, '[')), with("\"payload\":" + repeat("{\"a\":", 200'000))},
      "payload" + rule);
}

BOOST_AUTO_TEST_CASE(invalid_utf8_is_refused) {
  for (const std::string bytes : {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"}) {
    refuses({with("\"payload\":\"" + bytes + "\""), with("\"type\":\"" + bytes + "\""),
             with('"' + bytes + "\":1"), bytes},
            "the body is not valid UTF-8");
  }
  BOOST_TEST(payload_of("\"\xF0\x9F\x98\x80\"") == "\"\xF0\x9F\x98\x80\"");
}

BOOST_AUTO_TEST_CASE(a_new_job_is_shown_with_all_fields) {
  auto j = job{};
  j.id = 7;
  j.object_id = -3;
  j.created_at = *parse_rfc3339("2026-01-31T12:00:00Z");
  j.queue = "default";
  j.type = "thumbnail";
  BOOST_TEST(
      http::to_json(j)
      == R"({"id":7,"object_id":-3,"status":"created","start_time":null,"end_time":null,"message":null,)"
         R"("created_at":"2026-01-31T12:00:00.000000Z","queue":"default","type":"thumbnail","payload":null,)"
         R"("priority":5,"run_at":null,"ready":true,"timeout":null,"max_attempts":1,"attempt":0,)"
         R"("failures":0,"recoveries":0,"node_id":null,"result":null,"expires_at":null,"object_limit":0,)"
         R"("progress":null,"cancel_requested":false,"traceparent":null})");
}

BOOST_AUTO_TEST_CASE(an_ended_job_is_shown_with_its_result_and_escaped_texts) {
  auto j = job{};
  j.id = INT64_MAX;
  j.object_id = INT64_MIN;
  j.status = job_status::failed;
  j.created_at = *parse_rfc3339("2026-01-31T12:00:00.000001Z");
  j.start_time = j.end_time = j.run_at = j.created_at;
  j.message = "\"no\"\n";
  j.queue = j.type = "a";
  j.payload = R"({"a": [1.50]})";
  j.ready = false;
  j.timeout = seconds{0.5};
  j.max_attempts = 100;
  j.attempt = 4;
  j.failures = 3;
  j.recoveries = 2;
  j.node = 12;
  j.result = "[ ]";
  j.expires_at = j.created_at;
  j.object_limit = 1;
  j.progress = R"({"percent": 5})";
  j.cancel_requested = true;
  j.traceparent = "00-t";
  BOOST_TEST(
      http::to_json(j)
      == R"({"id":9223372036854775807,"object_id":-9223372036854775808,"status":"failed",)"
         R"("start_time":"2026-01-31T12:00:00.000001Z","end_time":"2026-01-31T12:00:00.000001Z",)"
         R"("message":"\"no\"\n","created_at":"2026-01-31T12:00:00.000001Z","queue":"a","type":"a",)"
         R"("payload":{"a": [1.50]},"priority":5,"run_at":"2026-01-31T12:00:00.000001Z","ready":false,)"
         R"("timeout":0.5,"max_attempts":100,"attempt":4,"failures":3,"recoveries":2,"node_id":12,)"
         R"("result":[ ],"expires_at":"2026-01-31T12:00:00.000001Z","object_limit":1,)"
         R"("progress":{"percent": 5},"cancel_requested":true,"traceparent":"00-t"})");
}

BOOST_AUTO_TEST_CASE(the_answer_to_a_submission_has_its_fixed_spelling) {
  BOOST_TEST(http::to_json(created_job{1, false, {}}) == R"({"job_id": 1})");
}

BOOST_AUTO_TEST_CASE(the_answer_to_a_batch_tells_its_duplicates) {
  BOOST_TEST(http::to_json(std::vector<created_job>{{1, false, {}}, {7, true, {}}})
             == R"({"jobs":[{"job_id":1,"duplicate":false},{"job_id":7,"duplicate":true}]})");
}

BOOST_AUTO_TEST_CASE(a_page_tells_where_the_next_one_begins) {
  BOOST_TEST(http::to_json(storage::job_page{}).text == R"({"jobs":[],"next_cursor":null})");
  auto page = storage::job_page{.jobs = {job{}, job{}}, .next = 7};
  page.jobs[1].id = 8;
  const auto shown = http::to_json(page);
  BOOST_TEST(shown.text.starts_with(R"({"jobs":[{"id":0,)"));
  BOOST_TEST(contains(shown.text, R"(},{"id":8,)"));
  BOOST_TEST(shown.text.ends_with(R"(],"next_cursor":")" + http::to_cursor(7) + "\"}"));
  BOOST_TEST(shown.next.value() == 7);
}

BOOST_AUTO_TEST_CASE(a_page_of_large_jobs_ends_early_and_misses_none) {
  auto page = storage::job_page{};
  for (auto id = 40; id > 0; --id) {
    page.jobs.emplace_back().id = id;
    page.jobs.back().payload = '"' + std::string(limits::body_bytes, 'x') + '"';
  }
  const auto shown = http::to_json(page);
  BOOST_TEST(shown.text.size() < http::most_page_bytes + 2 * limits::body_bytes);
  BOOST_REQUIRE(shown.next.has_value());
  BOOST_TEST(contains(shown.text, R"({"id":)" + std::to_string(*shown.next) + ","));
  BOOST_TEST(!contains(shown.text, R"({"id":)" + std::to_string(*shown.next - 1) + ","));
  page.jobs.resize(static_cast<std::size_t>(41 - *shown.next));
  BOOST_TEST(!http::to_json(page).next.has_value());
}

BOOST_AUTO_TEST_CASE(a_history_has_one_object_for_each_attempt) {
  const auto time = *parse_rfc3339("2026-01-31T12:00:00Z");
  BOOST_TEST(
      http::to_json(std::vector<storage::attempt_record>{{1, 3, time, time, "failed", "\"no\""},
                                                         {2, {}, {}, {}, "lost", {}}})
      == R"({"attempts":[{"attempt":1,"node_id":3,"start_time":"2026-01-31T12:00:00.000000Z",)"
         R"("end_time":"2026-01-31T12:00:00.000000Z","outcome":"failed","message":"\"no\""},)"
         R"({"attempt":2,"node_id":null,"start_time":null,"end_time":null,"outcome":"lost","message":null}]})");
}

BOOST_AUTO_TEST_CASE(an_explanation_shows_its_reasons) {
  auto e = storage::explanation{.what = {}, .ahead = 4, .has_worker = true, .blocked_by = {}};
  e.what.id = 9;
  e.what.queue = "fast";
  BOOST_TEST(http::to_json(e)
             == R"({"job_id":9,"status":"created","reasons":[{"code":"queued",)"
                R"("detail":"4 ready jobs are before it in queue fast","ahead":4}]})");
}

BOOST_AUTO_TEST_CASE(a_change_of_many_jobs_tells_how_many) {
  BOOST_TEST(http::cancelled_json(2, 1, {}) == R"({"cancelled":2,"asked_to_end":1,"next_cursor":null})");
  BOOST_TEST(http::retried_json(3, 5) == R"({"retried":3,"next_cursor":")" + http::to_cursor(5) + "\"}");
}

BOOST_AUTO_TEST_SUITE_END()

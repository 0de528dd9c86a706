#include "http/batch.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace jobd;
using http::batch_format;
using http::parse_batch;

namespace {

std::vector<std::int64_t> objects(const std::string& body, batch_format format) {
  const auto jobs = parse_batch(body, format);
  BOOST_TEST(jobs.has_value(), body << ": " << (jobs ? "" : jobs.error().context));
  auto out = std::vector<std::int64_t>{};
  for (const auto& j : jobs.value_or(std::vector<job_spec>{}))
    out.push_back(j.object_id);
  return out;
}

std::string refusal(const std::string& body, batch_format format = batch_format::array) {
  const auto jobs = parse_batch(body, format);
  if (!jobs)
    BOOST_TEST((jobs.error().code == ec::invalid));
  return jobs ? std::string{} : jobs.error().context;
}

/// So many jobs, each followed by `end`.
std::string many(std::size_t count, const std::string& end) {
  auto out = std::string{};
  for (auto i = std::size_t{0}; i < count; ++i)
    out += R"({"object_id":1})" + end;
  return out;
}

/// A payload of so many bytes.
std::string job_with_payload(std::size_t bytes) {
  return R"({"object_id":1,"payload":")" + std::string(bytes - 2, 'x') + "\"}";
}

const auto one_two_three = std::vector<std::int64_t>{1, 2, 3};

} // namespace

BOOST_AUTO_TEST_SUITE(batch)

BOOST_AUTO_TEST_CASE(an_array_is_read_in_order) {
  BOOST_TEST(objects(R"([{"object_id":1},{"object_id":2},{"object_id":3}])", batch_format::array)
             == one_two_three);
  BOOST_TEST(
      objects("\r\n[ {\"object_id\" :1}\n,\t{\"object_id\":2} , {\"object_id\":3}\n]\n", batch_format::array)
      == one_two_three);
}

BOOST_AUTO_TEST_CASE(lines_are_read_in_order_and_blank_ones_skipped) {
  BOOST_TEST(objects("{\"object_id\":1}\n{\"object_id\":2}\n{\"object_id\":3}", batch_format::lines)
             == one_two_three);
  BOOST_TEST(objects("\n \t\r\n{\"object_id\":1}\r\n\n{\"object_id\":2}\r\n {\"object_id\":3} \n\n",
                     batch_format::lines)
             == one_two_three);
}

BOOST_AUTO_TEST_CASE(what_stands_in_strings_and_payloads_separates_nothing) {
  const auto payload = std::string{R"({"a":"],[}{,\"\\","b":[1,[2,{"c":","}]],"\\\"":3})"};
  const auto job = R"({"object_id":1,"payload":)" + payload + "}";
  for (const auto& jobs : {parse_batch("[" + job + "," + job + "]", batch_format::array),
                           parse_batch(job + "\n" + job, batch_format::lines)}) {
    BOOST_REQUIRE(jobs.has_value());
    BOOST_TEST(jobs->size() == 2U);
    BOOST_TEST(jobs->front().payload == payload);
    BOOST_TEST(jobs->back().payload == payload);
  }
}

BOOST_AUTO_TEST_CASE(the_first_bad_job_is_named_by_its_index) {
  const auto good = std::string{R"({"object_id":1})"};
  const auto both = [&](const std::string& bad, const std::string& rule) {
    BOOST_TEST(refusal("[" + good + "," + bad + "," + good + "," + bad + "]").starts_with(rule),
               bad << ": " << refusal("[" + good + "," + bad + "]"));
    BOOST_TEST(refusal(good + "\n\n" + bad + "\n" + bad, batch_format::lines).starts_with(rule),
               bad << ": " << refusal(good + "\n\n" + bad, batch_format::lines));
  };
  both(R"({"object_id":1,"priority":10})", "jobs[1].priority must be an integer from 0 (most urgent) to 9");
  both(R"({"object_id":"x"})", "jobs[1].object_id must be an integer");
  both("{}", "jobs[1].object_id is missing");
  both(R"({"object_id":1,"payload":"\u0000"})", "jobs[1].payload contains a NUL");
  both(R"({"object_id":1,"object_id":1})", "jobs[1].object_id is given twice");
  both(R"({"object_id":1,"x":1})", "jobs[1] has an unknown field \"x\": there are ");
  both(R"({"object_id":1,"run_at":"2026-01-31T12:00:00Z","delay":1})", "jobs[1].run_at and delay exclude");
  both("[]", "jobs[1] must be a JSON object");
  both("7", "jobs[1] must be a JSON object");
  both(R"({"object_id":01})", "jobs[1] is not valid JSON at line 1, column ");
  both(R"({"object_id":1} {"object_id":1})", "jobs[1] is not valid JSON");
  both("{\"object_id\":1,\"payload\":\"\xff\"}", "jobs[1] is not valid UTF-8");
  both(R"({"object_id":1,"payload":)" + std::string(100, '[') + std::string(100, ']') + "}",
       "jobs[1].payload is nested deeper");
}

BOOST_AUTO_TEST_CASE(an_array_that_is_none_is_refused) {
  for (const auto* body : {"", " ", "{}", R"({"object_id":1})", "7", "null", "x"})
    BOOST_TEST(refusal(body) == "the body must be a JSON array of jobs", body);
  for (const auto* body : {"[", R"([{"object_id":1})", R"([{"object_id":1},)", R"([{"object_id":1}] x)"})
    BOOST_TEST(refusal(body).starts_with("the body is not valid JSON: "), body << ": " << refusal(body));
  BOOST_TEST(refusal(R"([{"object_id":1},])") == "jobs[1] is empty: it must be a JSON object");
  BOOST_TEST(refusal(R"([,{"object_id":1}])") == "jobs[0] is empty: it must be a JSON object");
  BOOST_TEST(refusal(R"([{"object_id":1}{"object_id":1}])").starts_with("jobs[0] is not valid JSON"));
  BOOST_TEST(refusal(R"([{"object_id":1}]])").starts_with("jobs[0] is not valid JSON"));
  BOOST_TEST(refusal(R"([{"object_id":1}],[{"object_id":1}])").starts_with("jobs[0] is not valid JSON"));
}

BOOST_AUTO_TEST_CASE(an_array_is_not_lines_and_lines_are_no_array) {
  BOOST_TEST(refusal(R"([{"object_id":1}])", batch_format::lines) == "jobs[0] must be a JSON object");
  BOOST_TEST(refusal("{\"object_id\":1}\n{\"object_id\":1}") == "the body must be a JSON array of jobs");
}

BOOST_AUTO_TEST_CASE(one_to_ten_thousand_jobs_are_taken) {
  for (const auto* body : {"[]", "[ \n]"})
    BOOST_TEST(refusal(body) == "the body holds no job: there must be 1 to 10000", body);
  for (const auto* body : {"", "\n \r\n"})
    BOOST_TEST(refusal(body, batch_format::lines) == "the body holds no job: there must be 1 to 10000");
  BOOST_TEST(objects(many(limits::batch_jobs, "\n"), batch_format::lines).size() == limits::batch_jobs);
  BOOST_TEST(refusal(many(limits::batch_jobs + 1, "\n"), batch_format::lines)
             == "the body holds more than 10000 jobs");
  BOOST_TEST(refusal("[" + many(limits::batch_jobs, ",") + "{}]") == "the body holds more than 10000 jobs");
}

BOOST_AUTO_TEST_CASE(each_payload_is_bounded_as_in_a_single_submission) {
  BOOST_TEST(objects(job_with_payload(limits::body_bytes), batch_format::lines).size() == 1U);
  BOOST_TEST(refusal("[{\"object_id\":1}," + job_with_payload(limits::body_bytes + 1) + "]")
             == "jobs[1].payload must have at most 1048576 bytes");
}

BOOST_AUTO_TEST_CASE(bombs_of_brackets_end_early) {
  BOOST_TEST(!refusal(std::string(1 << 22, '[')).empty());
  BOOST_TEST(!refusal("[" + std::string(1 << 22, '[') + "]").empty());
  BOOST_TEST(!refusal(std::string(1 << 22, '['), batch_format::lines).empty());
  BOOST_TEST(!refusal("[" + std::string(1 << 22, ',') + "]").empty());
  BOOST_TEST(!refusal("[\"" + std::string(1 << 22, '\\') + "]").empty());
}

BOOST_AUTO_TEST_SUITE_END()

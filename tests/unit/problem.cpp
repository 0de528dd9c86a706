#include "http/problem.hpp"

#include <boost/test/unit_test.hpp>

using namespace jobd;

namespace {

std::string header(const http::reply& r, std::string_view name) {
  for (const auto& [n, value] : r.headers)
    if (n == name)
      return value;
  return {};
}

bool says(const http::reply& r, std::string_view part) {
  return r.body.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(problem)

BOOST_AUTO_TEST_CASE(a_problem_has_the_members_of_rfc_9457) {
  const auto r = http::problem::from({ec::invalid, "priority must be an integer from 0 (most urgent) to 9"});
  BOOST_TEST(r.status == 400);
  BOOST_TEST(r.content_type == "application/problem+json");
  BOOST_TEST(r.body
             == R"({"type":"urn:jobd:problem:invalid","title":"The request is not valid","status":400,)"
                R"("detail":"priority must be an integer from 0 (most urgent) to 9","field":"priority"})");
}

BOOST_AUTO_TEST_CASE(only_a_known_field_is_named_as_one) {
  BOOST_TEST(says(http::problem::from({ec::invalid, "object_id is missing"}), R"("field":"object_id")"));
  BOOST_TEST(!says(http::problem::from({ec::invalid, "the body is empty"}), "\"field\""));
  BOOST_TEST(!says(http::problem::from({ec::invalid, ""}), "\"field\""));
}

BOOST_AUTO_TEST_CASE(a_field_of_a_batch_is_named_with_its_index) {
  const auto field = [](const std::string& context) {
    const auto body = http::problem::from({ec::invalid, context}).body;
    const auto at = body.find(R"("field":)");
    return at == std::string::npos ? std::string{} : body.substr(at + 8, body.size() - at - 9);
  };
  BOOST_TEST(field("jobs[3].priority must be an integer") == R"("jobs[3].priority")");
  BOOST_TEST(field("jobs[12] is not valid JSON") == R"("jobs[12]")");
  BOOST_TEST(field("jobs[0] has an unknown field") == R"("jobs[0]")");
  BOOST_TEST(field("jobs[1].nothing is so") == R"("jobs[1]")");
  BOOST_TEST(field("jobs are too many") == "");
}

BOOST_AUTO_TEST_CASE(a_conflict_says_what_stands_against_it) {
  const auto r = http::problem::from({ec::conflict, "the job is success already"});
  BOOST_TEST(says(r, R"("type":"urn:jobd:problem:conflict")"));
  BOOST_TEST(says(r, "the job is success already"));
}

BOOST_AUTO_TEST_CASE(each_code_has_its_status) {
  const auto status = [](ec code) { return http::problem::from({code, "x"}).status; };
  BOOST_TEST(status(ec::invalid) == 400);
  BOOST_TEST(status(ec::not_found) == 404);
  BOOST_TEST(status(ec::conflict) == 409);
  BOOST_TEST(status(ec::key_reused) == 422);
  for (const auto code :
       {ec::store_away, ec::store_uncertain, ec::overloaded, ec::stopping, ec::schema_old}) {
    const auto r = http::problem::from({code, "x"});
    BOOST_TEST(r.status == 503);
    const auto retry_after = std::stoi(header(r, "Retry-After"));
    BOOST_TEST(retry_after >= 1);
    BOOST_TEST(retry_after <= 5);
  }
  for (const auto code : {ec::internal, ec::none, ec::stale_attempt, ec::queue_away})
    BOOST_TEST(status(code) == 500);
}

BOOST_AUTO_TEST_CASE(an_uncertain_submission_says_that_the_job_may_exist) {
  BOOST_TEST(says(http::problem::from({ec::store_uncertain, ""}), "the job may exist"));
  BOOST_TEST(!says(http::problem::from({ec::store_away, ""}), "may exist"));
}

BOOST_AUTO_TEST_CASE(a_secret_of_the_inside_stays_inside) {
  BOOST_TEST(!says(http::problem::from({ec::internal, "password=hunter2"}), "hunter2"));
  BOOST_TEST(!says(http::problem::from({ec::store_away, "password=hunter2"}), "hunter2"));
}

BOOST_AUTO_TEST_CASE(what_http_itself_refuses_has_its_status) {
  BOOST_TEST(http::problem::no_such_path().status == 404);
  BOOST_TEST(http::problem::no_such_job().status == 404);
  BOOST_TEST(says(http::problem::no_such_job(), "no such job"));
  BOOST_TEST(http::problem::method_not_allowed("GET, HEAD").status == 405);
  BOOST_TEST(header(http::problem::method_not_allowed("GET, HEAD"), "Allow") == "GET, HEAD");
  BOOST_TEST(http::problem::body_too_large(1 << 20).status == 413);
  BOOST_TEST(http::problem::body_too_large(1 << 20).close);
  BOOST_TEST(says(http::problem::body_too_large(1 << 20), "1048576"));
  BOOST_TEST(http::problem::target_too_long().status == 414);
  BOOST_TEST(http::problem::wrong_content_type("application/json").status == 415);
  BOOST_TEST(http::problem::no_filter().status == 400);
  BOOST_TEST(http::problem::unwanted_body().status == 400);
  BOOST_TEST(says(http::problem::bad_idempotency_key(), R"("field":"Idempotency-Key")"));
}

BOOST_AUTO_TEST_CASE(a_parameter_from_the_client_cannot_break_the_json) {
  const auto q = http::parse_query("a\"\\\x01\xff=1", {});
  BOOST_REQUIRE(!q.has_value());
  const auto r = http::problem::from(q.error());
  BOOST_TEST(r.status == 400);
  BOOST_TEST(says(r, "a\\\\\\\"\\\\\\\\"), r.body);
  BOOST_TEST(says(r, R"("field":"a\"\\\u0001)"), r.body);
  BOOST_TEST(!says(r, "\xff"));
}

BOOST_AUTO_TEST_SUITE_END()

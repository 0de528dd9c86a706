#include "core/job.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <string>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(job)

namespace {

/// The rule that a job breaks; empty if it breaks none.
template <class Change>
std::string broken_rule(Change change) {
  auto spec = job_spec{};
  change(spec);
  const auto done = validate(spec);
  if (!done)
    BOOST_TEST((done.error().code == ec::invalid));
  return done ? std::string{} : done.error().context;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_defaults_are_valid) {
  BOOST_TEST(broken_rule([](job_spec&) {}) == "");
}

BOOST_AUTO_TEST_CASE(any_object_id_is_valid) {
  for (const auto id : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0},
                        std::numeric_limits<std::int64_t>::max()})
    BOOST_TEST(broken_rule([&](job_spec& s) { s.object_id = id; }) == "");
}

BOOST_AUTO_TEST_CASE(names_are_1_to_64_of_a_few_characters) {
  const auto most = std::string(64, 'x');
  for (const auto& name : {std::string{"a"}, std::string{"Mail.send_2:de-DE"}, most})
    BOOST_TEST(is_name(name), name);
  for (const auto& name :
       {std::string{}, most + "x", std::string{"a b"}, std::string{"a/b"}, std::string{"{a}"},
        std::string{"\xC3\xA9"}, std::string{"a,b"}, std::string("a\0b", 3), std::string{"a\n"}})
    BOOST_TEST(!is_name(name), name);
}

BOOST_AUTO_TEST_CASE(an_error_names_the_field) {
  BOOST_TEST(broken_rule([](job_spec& s) { s.type = ""; }).starts_with("type must be"));
  BOOST_TEST(broken_rule([](job_spec& s) { s.queue = "a b"; }).starts_with("queue must be"));
  BOOST_TEST(broken_rule([](job_spec& s) { s.priority = 10; }).starts_with("priority must be"));
}

BOOST_AUTO_TEST_CASE(priorities_run_from_0_to_9) {
  for (const auto priority : {0, 5, 9})
    BOOST_TEST(broken_rule([&](job_spec& s) { s.priority = priority; }) == "");
  for (const auto priority : {-1, 10})
    BOOST_TEST(broken_rule([&](job_spec& s) { s.priority = priority; }) != "");
}

BOOST_AUTO_TEST_CASE(attempts_run_from_1_to_100) {
  for (const auto attempts : {1, 100})
    BOOST_TEST(broken_rule([&](job_spec& s) { s.max_attempts = attempts; }) == "");
  for (const auto attempts : {-1, 0, 101})
    BOOST_TEST(
        broken_rule([&](job_spec& s) { s.max_attempts = attempts; }).starts_with("max_attempts must be"));
}

BOOST_AUTO_TEST_CASE(timeouts_run_from_a_millisecond_to_a_week) {
  for (const auto timeout : {0.001, 1.0, 604'800.0})
    BOOST_TEST(broken_rule([&](job_spec& s) { s.timeout = seconds{timeout}; }) == "");
  for (const auto timeout : {-1.0, 0.0, 0.0009, 604'800.1, std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()})
    BOOST_TEST(
        broken_rule([&](job_spec& s) { s.timeout = seconds{timeout}; }).starts_with("timeout must be"));
}

BOOST_AUTO_TEST_CASE(delays_run_from_zero_to_a_leap_year) {
  for (const auto delay : {0.0, 0.5, 31'622'400.0})
    BOOST_TEST(broken_rule([&](job_spec& s) { s.delay = seconds{delay}; }) == "");
  for (const auto delay : {-0.1, 31'622'401.0, std::numeric_limits<double>::quiet_NaN()})
    BOOST_TEST(broken_rule([&](job_spec& s) { s.delay = seconds{delay}; }).starts_with("delay must be"));
}

BOOST_AUTO_TEST_CASE(run_at_and_delay_exclude_each_other) {
  BOOST_TEST(broken_rule([](job_spec& s) { s.run_at = timestamp{}; }) == "");
  BOOST_TEST(broken_rule([](job_spec& s) {
               s.run_at = timestamp{};
               s.delay = seconds{1};
             }).starts_with("run_at and delay"));
}

BOOST_AUTO_TEST_CASE(every_status_is_read_back_from_its_name) {
  for (const auto s : {job_status::created, job_status::running, job_status::success, job_status::failed,
                       job_status::cancelled})
    BOOST_TEST((parse_status(to_string(s)) == s), to_string(s));
  BOOST_TEST(!parse_status("").has_value());
  BOOST_TEST(!parse_status("Created").has_value());
}

BOOST_AUTO_TEST_CASE(success_failed_and_cancelled_are_final) {
  BOOST_TEST(is_final(job_status::success));
  BOOST_TEST(is_final(job_status::failed));
  BOOST_TEST(is_final(job_status::cancelled));
  BOOST_TEST(!is_final(job_status::created));
  BOOST_TEST(!is_final(job_status::running));
}

BOOST_AUTO_TEST_CASE(an_error_as_text_is_its_code_and_its_context) {
  BOOST_TEST(to_string(error{ec::queue_away, "Redis is gone"}) == "queue away: Redis is gone");
  BOOST_TEST(to_string(error{ec::stopping, {}}) == "stopping");
}

BOOST_AUTO_TEST_CASE(names_are_split_at_commas) {
  using list = std::vector<std::string>;
  BOOST_TEST(split_names("").empty());
  BOOST_TEST(split_names("a") == list{"a"}, boost::test_tools::per_element());
  BOOST_TEST(split_names("a.b,c:d,e") == (list{"a.b", "c:d", "e"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

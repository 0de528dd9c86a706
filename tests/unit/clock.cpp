#include "core/clock.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

// `::clock` is a function of the C library.
namespace jobd::test {

BOOST_AUTO_TEST_SUITE(clock)

namespace {

/// What a text is in UTC, as text; empty if it is refused.
std::string in_utc(std::string_view text) {
  const auto t = parse_rfc3339(text);
  return t ? to_rfc3339(*t) : std::string{};
}

} // namespace

BOOST_AUTO_TEST_CASE(times_are_written_in_utc_with_six_digits) {
  using namespace std::chrono_literals;
  BOOST_TEST(to_rfc3339(timestamp{}) == "1970-01-01T00:00:00.000000Z");
  BOOST_TEST(to_rfc3339(timestamp{1'769'860'800s + 1us}) == "2026-01-31T12:00:00.000001Z");
  BOOST_TEST(to_rfc3339(timestamp{-1us}) == "1969-12-31T23:59:59.999999Z");
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_back) {
  for (const auto micros : {0L, 1L, 999'999L, 951'782'400'000'000L, 253'402'300'799'999'999L}) {
    const auto t = timestamp{std::chrono::microseconds{micros}};
    BOOST_TEST((parse_rfc3339(to_rfc3339(t)) == t), to_rfc3339(t));
  }
}

BOOST_AUTO_TEST_CASE(offsets_are_subtracted) {
  BOOST_TEST(in_utc("2026-01-31T12:00:00+02:00") == "2026-01-31T10:00:00.000000Z");
  BOOST_TEST(in_utc("2026-01-31T22:00:00-05:30") == "2026-02-01T03:30:00.000000Z");
  BOOST_TEST(in_utc("2026-01-31T12:00:00-00:00") == "2026-01-31T12:00:00.000000Z");
  BOOST_TEST(in_utc("2026-01-31T00:00:00+23:59") == "2026-01-30T00:01:00.000000Z");
}

BOOST_AUTO_TEST_CASE(fractions_are_cut_to_microseconds) {
  BOOST_TEST(in_utc("2026-01-31T12:00:00.5Z") == "2026-01-31T12:00:00.500000Z");
  BOOST_TEST(in_utc("2026-01-31T12:00:00.1234569Z") == "2026-01-31T12:00:00.123456Z");
  BOOST_TEST(in_utc("2026-01-31T12:00:00.999999999Z") == "2026-01-31T12:00:00.999999Z");
  BOOST_TEST(in_utc("2026-01-31T12:00:00.Z").empty());
  BOOST_TEST(in_utc("2026-01-31T12:00:00.1234567890Z").empty());
}

BOOST_AUTO_TEST_CASE(letters_may_be_small_and_a_space_may_part_date_and_time) {
  BOOST_TEST(in_utc("2026-01-31t12:00:00z") == "2026-01-31T12:00:00.000000Z");
  BOOST_TEST(in_utc("2026-01-31 12:00:00Z") == "2026-01-31T12:00:00.000000Z");
}

BOOST_AUTO_TEST_CASE(a_leap_second_is_the_first_of_the_next_minute) {
  BOOST_TEST(in_utc("2016-12-31T23:59:60Z") == "2017-01-01T00:00:00.000000Z");
  BOOST_TEST(in_utc("2016-12-31T23:59:61Z").empty());
}

BOOST_AUTO_TEST_CASE(leap_days_exist_in_leap_years_only) {
  BOOST_TEST(in_utc("2024-02-29T00:00:00Z") == "2024-02-29T00:00:00.000000Z");
  BOOST_TEST(in_utc("2000-02-29T00:00:00Z") == "2000-02-29T00:00:00.000000Z");
  BOOST_TEST(in_utc("2026-02-29T00:00:00Z").empty());
  BOOST_TEST(in_utc("2100-02-29T00:00:00Z").empty());
}

BOOST_AUTO_TEST_CASE(years_run_from_1970_to_9999_in_utc_too) {
  BOOST_TEST(in_utc("1970-01-01T00:00:00Z") == "1970-01-01T00:00:00.000000Z");
  BOOST_TEST(in_utc("9999-12-31T23:59:59.999999Z") == "9999-12-31T23:59:59.999999Z");
  BOOST_TEST(in_utc("1969-12-31T23:59:59Z").empty());
  BOOST_TEST(in_utc("1970-01-01T00:00:00+00:01").empty());
  BOOST_TEST(in_utc("9999-12-31T23:59:59-00:01").empty());
  BOOST_TEST(in_utc("9999-12-31T23:59:60Z").empty());
  BOOST_TEST(in_utc("0000-01-01T00:00:00Z").empty());
  BOOST_TEST(in_utc("10000-01-01T00:00:00Z").empty());
}

BOOST_AUTO_TEST_CASE(anything_else_is_invalid) {
  for (const auto* text : {"",
                           "now",
                           "2026",
                           "2026-01-31",
                           "2026-01-31T12:00:00",
                           "2026-01-31T12:00Z",
                           "2026-1-31T12:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-01-32T00:00:00Z",
                           "2026-01-31T24:00:00Z",
                           "2026-01-31T12:60:00Z",
                           "2026-01-31T12:00:00Z ",
                           " 2026-01-31T12:00:00Z",
                           "2026-01-31T12:00:00+24:00",
                           "2026-01-31T12:00:00+02:60",
                           "2026-01-31T12:00:00+0200",
                           "2026-01-31T12:00:00+2:00",
                           "-026-01-31T12:00:00Z",
                           "+026-01-31T12:00:00Z",
                           "2026-01--1T12:00:00Z",
                           "2026-01-31T12:00:00,5Z",
                           "20260131T120000Z",
                           "1769860800"})
    BOOST_TEST(in_utc(text).empty(), "\"" << text << "\" was accepted");
  BOOST_TEST((parse_rfc3339("now").error().code == ec::invalid));
  BOOST_TEST(in_utc(std::string_view{"2026-01-31T12:00:00Z\0", 21}).empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

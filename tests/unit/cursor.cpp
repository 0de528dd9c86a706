#include "http/cursor.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>

using jobd::http::parse_cursor;
using jobd::http::to_cursor;

BOOST_AUTO_TEST_SUITE(cursor)

BOOST_AUTO_TEST_CASE(a_cursor_comes_back_as_its_id) {
  for (const auto id : {std::int64_t{1}, std::int64_t{9}, std::int64_t{10}, std::int64_t{4'711},
                        std::int64_t{1} << 53, INT64_MAX})
    BOOST_TEST(parse_cursor(to_cursor(id)).value_or(0) == id);
}

BOOST_AUTO_TEST_CASE(a_cursor_is_the_same_tomorrow) {
  // "a7" and "a4711" in base64url.
  BOOST_TEST(to_cursor(7) == "YTc");
  BOOST_TEST(to_cursor(4'711) == "YTQ3MTE");
}

BOOST_AUTO_TEST_CASE(a_cursor_needs_no_escape) {
  for (auto id = std::int64_t{1}; id < 3'000; ++id)
    BOOST_TEST(
        to_cursor(id).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        == std::string::npos);
}

BOOST_AUTO_TEST_CASE(only_what_was_given_out_is_taken) {
  for (const auto* text : {"", "Y", "YTc=", "YTc ", " YTc", "YTd", "YTcA", "YTCA", "YTcYTc", "7", "a7",
                           // a0, a-7, a07, a, b7, a9223372036854775808
                           "YTA", "YS03", "YTA3", "YQ", "Yjc", "YTkyMjMzNzIwMzY4NTQ3NzU4MDg",
                           // a7 followed by a NUL, by a space, and spelt with a wrong last letter
                           "YTcA", "YTcg", "YTe",
                           "Y\xC3\xA4"
                           "c"})
    BOOST_TEST(!parse_cursor(text).has_value(), text);
  BOOST_TEST(!parse_cursor(std::string(100'000, 'Y')).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

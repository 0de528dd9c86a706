#include "core/json_text.hpp"

#include "core/job.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(json_text)

namespace {

using namespace std::string_literals;

/// What is wrong with a text; empty if it is accepted.
std::string wrong(const std::string& text) {
  const auto done = check_json(text);
  if (!done)
    BOOST_TEST((done.error().code == ec::invalid));
  return done ? std::string{} : done.error().context;
}

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

} // namespace

BOOST_AUTO_TEST_CASE(json_values_are_accepted) {
  for (const auto* text : {"null",
                           "true",
                           "false",
                           "0",
                           "-0",
                           "1",
                           "-1.5e+10",
                           "1E2",
                           "0.0",
                           "\"\"",
                           "[]",
                           "{}",
                           "[[],{}]",
                           " \t\r\n{\"a\" : [ 1 , null , \"x\" ] } \n",
                           R"("\"\\\/\b\f\n\r\té")",
                           R"("😀")",
                           "\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"",
                           "{\"a\":1,\"a\":2}",
                           "\"\x7F\"",
                           "9223372036854775808",
                           "123456789012345678901234567890"})
    BOOST_TEST(wrong(text) == "", text);
}

BOOST_AUTO_TEST_CASE(what_is_no_json_is_refused_with_its_place) {
  BOOST_TEST(wrong("") == "is not valid JSON: it ends too early at byte 0");
  BOOST_TEST(wrong("  ") == "is not valid JSON: it ends too early at byte 2");
  BOOST_TEST(wrong("NaN") == "is not valid JSON: expected value at byte 0");
  BOOST_TEST(wrong("[1, 2, x]") == "is not valid JSON: expected value at byte 7");
  BOOST_TEST(wrong("1 2") == "is not valid JSON: unexpected character after JSON value at byte 2");
  BOOST_TEST(wrong("{\"a\": [1, 2") == "is not valid JSON: it ends too early at byte 11");
}

BOOST_AUTO_TEST_CASE(what_only_resembles_json_is_refused) {
  for (const auto& text : {"-"s,
                           "01"s,
                           "-01"s,
                           "+1"s,
                           ".5"s,
                           "1."s,
                           "1e"s,
                           "1e+"s,
                           "0x1"s,
                           "Infinity"s,
                           "-Infinity"s,
                           "nul"s,
                           "truex"s,
                           "True"s,
                           "[1,]"s,
                           "[,1]"s,
                           "[1 2]"s,
                           "[1"s,
                           "]"s,
                           "{\"a\"}"s,
                           "{\"a\":}"s,
                           "{\"a\":1,}"s,
                           "{a:1}"s,
                           "{1:2}"s,
                           "'a'"s,
                           "\"a"s,
                           "\"a\nb\""s,
                           "\"\t\""s,
                           R"("\x41")"s,
                           R"("\u12")"s,
                           R"("\u12G4")"s,
                           "\"\\"s,
                           "// c\n1"s,
                           "1 // c"s,
                           "/* c */ 1"s,
                           "[1] [2]"s,
                           "1\0"s,
                           "\0"s,
                           "\"\0\""s,
                           "\xEF\xBB\xBF"
                           "1"s})
    BOOST_TEST(wrong(text).starts_with("is not valid JSON: "), text << " -> " << wrong(text));
}

BOOST_AUTO_TEST_CASE(a_nul_in_a_string_or_key_is_refused) {
  for (const auto* text : {R"("\u0000")", R"("a\u0000b")", R"({"\u0000":1})", R"([{"a":"é\u0000"}])"})
    BOOST_TEST(wrong(text) == "contains a NUL character", text);
  BOOST_TEST(wrong(R"("\\u0000")") == "");
}

BOOST_AUTO_TEST_CASE(an_unpaired_surrogate_is_refused) {
  for (const auto* text : {R"("\ud800")", R"("\udc00")", R"("\ud83dx")", R"("\ud83d\n")", R"("\ud83d\u0041")",
                           R"("\ude00\ud83d")", R"("\ud83d\ud83d\ude00")", R"({"\ud800":1})"})
    BOOST_TEST(wrong(text).starts_with("is not valid JSON: "), text << " -> " << wrong(text));
  BOOST_TEST(wrong(R"("\uD83D\uDE00")") == "");
}

BOOST_AUTO_TEST_CASE(invalid_utf_8_is_refused) {
  for (const auto* bytes : {"\xFF", "\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80",
                            "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x98"}) {
    BOOST_TEST(wrong("\""s + bytes + "\"").starts_with("is not valid JSON: "));
    BOOST_TEST(wrong("{\""s + bytes + "\":1}").starts_with("is not valid JSON: "));
  }
}

BOOST_AUTO_TEST_CASE(numbers_must_fit_a_double) {
  for (const auto* text : {"1e308", "-1.7976931348623157e308", "4.9e-324", "0e0", "0e-9999", "1e-0000000005"})
    BOOST_TEST(wrong(text) == "", text);
  for (const auto* text : {"1e309", "1e400", "-1e400", "[1e400]", "1e-400", "1e-99999999",
                           "1e99999999999999999999", "0e-99999", "1.8e308"})
    BOOST_TEST(wrong(text) == "holds a number out of the range of a double", text);
}

BOOST_AUTO_TEST_CASE(numbers_have_at_most_a_thousand_characters) {
  BOOST_TEST(wrong("0." + std::string(998, '1')) == "");
  // jsonb holds no more than 16,383 digits after the point.
  BOOST_TEST(wrong("0." + std::string(20'000, '0') + "1") == "holds a number of more than 1000 characters");
  BOOST_TEST(wrong(std::string(1'001, '9')) == "holds a number of more than 1000 characters");
}

BOOST_AUTO_TEST_CASE(nesting_ends_at_64_levels) {
  static_assert(limits::json_depth == 64);
  BOOST_TEST(wrong(nested(64)) == "");
  BOOST_TEST(wrong(nested(65)) == "is nested deeper than 64 levels");
  auto siblings = "["s;
  for (auto i = 0; i < 100; ++i)
    siblings += nested(63) + ",";
  BOOST_TEST(wrong(siblings + "{}]") == "");
  BOOST_TEST(wrong(json_string(std::string(100, '['))) == "");
}

BOOST_AUTO_TEST_CASE(a_bomb_of_a_megabyte_of_brackets_is_refused) {
  BOOST_TEST(wrong(std::string(1 << 20, '[')) == "is nested deeper than 64 levels");
  auto objects = std::string{};
  while (objects.size() < (1 << 20))
    objects += "{\"a\":[";
  BOOST_TEST(wrong(objects) == "is nested deeper than 64 levels");
}

BOOST_AUTO_TEST_CASE(a_text_as_json_is_quoted_and_escaped) {
  BOOST_TEST(json_string("") == R"("")");
  BOOST_TEST(json_string("a\"b\\c/d") == R"("a\"b\\c/d")");
  BOOST_TEST(json_string("\n\r\t\b\x1B\x7F"s) == R"("\n\r\t\u0008\u001b\u007f")");
  BOOST_TEST(json_string("a\0b"s) == R"("a\u0000b")");
  BOOST_TEST(json_string("\xC2\x9B"
                         "1m \xC2\xA0 \xC3\xA9 \xF0\x9F\x98\x80")
             == "\"\\u009b1m \xC2\xA0 \xC3\xA9 \xF0\x9F\x98\x80\"");
}

BOOST_AUTO_TEST_CASE(any_storable_text_is_json_when_it_is_quoted) {
  for (auto first = 1; first < 256; ++first)
    for (auto second = 1; second < 256; ++second) {
      const auto text = std::string{static_cast<char>(first), static_cast<char>(second)};
      const auto storable = storable_text(text);
      if (!is_utf8(storable) || !check_json(json_string(storable)) || (is_utf8(text) && storable != text))
        BOOST_ERROR("bytes " << first << " " << second << ": " << wrong(json_string(storable)));
    }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_stored_is_marked) {
  BOOST_TEST(storable_text("plain \xC3\xA9") == "plain \xC3\xA9");
  BOOST_TEST(storable_text("a\0b"s)
             == "a\xEF\xBF\xBD"
                "b");
  BOOST_TEST(storable_text("a\xFF"
                           "b")
             == "a\xEF\xBF\xBD"
                "b");
  BOOST_TEST(storable_text("a\xF0\x9F\x98") == "a\xEF\xBF\xBD");
  BOOST_TEST(storable_text("\xFF\xFE") == "\xEF\xBF\xBD\xEF\xBF\xBD");
  BOOST_TEST(storable_text("\xE2\x82\xC3\xA9") == "\xEF\xBF\xBD\xC3\xA9");
  BOOST_TEST(storable_text("") == "");
}

BOOST_AUTO_TEST_CASE(utf_8_is_told_from_what_is_not) {
  for (const auto& text : {""s, "a\0b"s, "\xC2\x80"s, "\xED\x9F\xBF"s, "\xEE\x80\x80"s, "\xF4\x8F\xBF\xBF"s})
    BOOST_TEST(is_utf8(text));
  for (const auto* text :
       {"\x80", "\xC0\xAF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "a\xC3", "\xE2\x82"})
    BOOST_TEST(!is_utf8(text));
}

BOOST_AUTO_TEST_CASE(a_tail_starts_with_a_whole_character) {
  BOOST_TEST(utf8_tail("abc", 3) == "abc");
  BOOST_TEST(utf8_tail("abcd", 3) == "bcd");
  BOOST_TEST(utf8_tail("abc", 0) == "");
  BOOST_TEST(utf8_tail("\xC3\xA9", 1) == "");
  BOOST_TEST(utf8_tail("x\xF0\x9F\x98\x80y", 4) == "y");
  BOOST_TEST(utf8_tail("x\xF0\x9F\x98\x80y", 5) == "\xF0\x9F\x98\x80y");
  // What is no UTF-8 is not eaten whole in the search for a start.
  BOOST_TEST(utf8_tail(std::string(10, '\x80'), 8).size() == 5U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

#include "execution/progress.hpp"

#include "core/json_text.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <random>

using namespace jobd;
using namespace jobd::execution;

namespace {

/// What a reader knows after these bytes.
std::string after(std::string_view bytes) {
  progress_reader r;
  r.add(bytes);
  r.end();
  return r.json();
}

/// Why it dropped a line.
std::string mistake_in(std::string_view bytes) {
  progress_reader r;
  r.add(bytes);
  r.end();
  return r.mistake();
}

bool can_be_stored(const std::string& json) {
  return json.size() <= limits::progress_bytes && check_json(json).has_value();
}

} // namespace

BOOST_AUTO_TEST_SUITE(progress)

BOOST_AUTO_TEST_CASE(last_percent_and_message_stand_and_log_lines_gather) {
  BOOST_TEST(after("") == "{}");
  BOOST_TEST(after("{\"percent\":10}\n") == R"({"percent":10})");
  BOOST_TEST(after("{\"percent\":10,\"message\":\"a\"}\n{\"log\":\"one\"}\n"
                   "{\"percent\":33.25}\n{\"message\":\"b\",\"log\":\"two\"}\n")
             == R"({"percent":33.25,"message":"b","log":["one","two"]})");
  BOOST_TEST(after("{\"message\":\"a\"}\n{\"message\":\"\"}\n") == R"({"message":""})");
}

BOOST_AUTO_TEST_CASE(percent_is_from_0_to_100) {
  for (const std::string good : {"0", "100", "0.5", "1e1"})
    BOOST_TEST(mistake_in("{\"percent\":" + good + "}\n") == "");
  for (const std::string bad : {"-1", "100.1", "1e300", "\"5\"", "null", "[]", "18446744073709551615"})
    BOOST_TEST(mistake_in("{\"percent\":" + bad + "}\n") == "percent must be a number from 0 to 100");
}

BOOST_AUTO_TEST_CASE(lines_that_are_no_progress_are_dropped_whole) {
  BOOST_TEST(mistake_in("\n").starts_with("is not valid JSON"));
  BOOST_TEST(mistake_in("50%\n").starts_with("is not valid JSON"));
  BOOST_TEST(mistake_in("[50]\n") == "is no object");
  BOOST_TEST(mistake_in("{}\n") == "has none of percent, message and log");
  BOOST_TEST(mistake_in("{\"percentage\":5}\n") == "has none of percent, message and log");
  BOOST_TEST(mistake_in("{\"message\":5}\n") == "message must be a text");
  BOOST_TEST(mistake_in("{\"log\":[\"a\"]}\n") == "log must be a text");
  BOOST_TEST(after("{\"percent\":5,\"message\":5}\n") == "{}");
  BOOST_TEST(after("{\"percent\":5}\nrubbish\n{\"message\":\"on\"}\n") == R"({"percent":5,"message":"on"})");
}

BOOST_AUTO_TEST_CASE(first_mistake_stands) {
  BOOST_TEST(mistake_in("{}\n[]\n{\"percent\":1}\n") == "has none of percent, message and log");
}

BOOST_AUTO_TEST_CASE(members_that_are_not_known_do_not_matter) {
  BOOST_TEST(after("{\"eta\":[1,{}],\"percent\":5}\r\n") == R"({"percent":5})");
}

BOOST_AUTO_TEST_CASE(line_may_come_in_pieces_and_without_an_end) {
  progress_reader r;
  for (const char c : std::string_view("{\"percent\":50}\n{\"log\":\"a\"}\n{\"percent\":60}"))
    r.add({&c, 1});
  BOOST_TEST(r.json() == R"({"percent":50,"log":["a"]})");
  BOOST_TEST(r.end());
  BOOST_TEST(!r.end());
  BOOST_TEST(r.json() == R"({"percent":60,"log":["a"]})");
  BOOST_TEST(r.mistake() == "");
}

BOOST_AUTO_TEST_CASE(it_says_whether_something_changed) {
  progress_reader r;
  BOOST_TEST(!r.add("{\"percent\":"));
  BOOST_TEST(r.add("1}\n"));
  BOOST_TEST(!r.add("rubbish\n"));
  BOOST_TEST(r.add("rubbish\n{\"percent\":1}\nrubbish\n"));
  BOOST_TEST(!r.end());
}

BOOST_AUTO_TEST_CASE(line_over_eight_kib_is_dropped_and_the_next_one_is_read) {
  const auto line = [](std::size_t size) {
    return "{\"log\":\"a\",\"x\":\"" + std::string(size - 18, 'x') + "\"}\n";
  };
  BOOST_REQUIRE(line(100).size() == 101u);
  BOOST_TEST(after(line(progress_reader::most_line)) == R"({"log":["a"]})");
  BOOST_TEST(mistake_in(line(progress_reader::most_line + 1)) == "is over 8 KiB");
  BOOST_TEST(mistake_in(line(10'000'000)) == "is over 8 KiB");
  BOOST_TEST(after(line(10'000'000) + "{\"percent\":1}\n") == R"({"percent":1})");
}

BOOST_AUTO_TEST_CASE(deep_nesting_is_refused_before_it_harms) {
  BOOST_TEST(mistake_in(std::string(8'000, '[') + "\n").find("nested deeper") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(twenty_log_lines_are_kept) {
  progress_state s;
  for (int i = 1; i <= 25; ++i)
    s.log(std::to_string(i));
  BOOST_TEST(s.json().starts_with(R"({"log":["6","7",)"));
  BOOST_TEST(s.json().ends_with(R"("24","25"]})"));
}

BOOST_AUTO_TEST_CASE(oldest_log_lines_make_room) {
  progress_state s;
  for (int i = 10; i < 30; ++i)
    s.log(std::to_string(i) + std::string(700, 'x'));
  BOOST_TEST(can_be_stored(s.json()));
  BOOST_TEST(s.json().size() > limits::progress_bytes - 800);
  BOOST_TEST(s.json().find("\"29x") != std::string::npos);
  s.message(std::string(4'000, 'm'));
  s.percent(100.0 / 3);
  BOOST_TEST(can_be_stored(s.json()));
  BOOST_TEST(s.json().find(std::string(4'000, 'm')) != std::string::npos);
  BOOST_TEST(s.json().find("\"29x") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(of_a_long_text_the_beginning_is_kept) {
  progress_state s;
  s.message("first" + std::string(1 << 20, 'x'));
  BOOST_TEST(s.json().starts_with("{\"message\":\"firstxxx"));
  BOOST_TEST(s.json().size() == std::string("{\"message\":}").size() + progress_state::most_message_bytes);
  s.log("line" + std::string(1 << 20, '\x01')); // each takes six bytes
  BOOST_TEST(can_be_stored(s.json()));
  BOOST_TEST(s.json().find("\"log\":[\"line\\u0001") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(text_is_not_cut_inside_a_character) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    progress_state s;
    std::string text(shift, 'x');
    for (int i = 0; i < 3'000; ++i)
      text += "\U0001F600";
    s.message(text);
    BOOST_TEST(can_be_stored(s.json()));
    BOOST_TEST(s.json().find("\uFFFD") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_text_are_marked) {
  BOOST_TEST(after("{\"message\":\"a\xFF\"}\n") == "{\"message\":\"a\uFFFD\"}");
  BOOST_TEST(after(std::string_view("{\"message\":\"a\0\"}\n", 16)) == "{\"message\":\"a\uFFFD\"}");
  BOOST_TEST(mistake_in("{\"message\":\"\\u0000\"}\n") == "contains a NUL character");
  BOOST_TEST(mistake_in("{\"message\":\"\\ud800\"}\n") != "");
  progress_state s;
  s.message(std::string("a\0b\xC3", 4));
  BOOST_TEST(s.json() == "{\"message\":\"a\uFFFDb\uFFFD\"}");
  s.log(std::string(5'000, '\x80'));
  BOOST_TEST(can_be_stored(s.json()));
}

BOOST_AUTO_TEST_CASE(percent_of_a_function_is_taken_to_the_range) {
  progress_state s;
  s.percent(std::numeric_limits<double>::quiet_NaN());
  BOOST_TEST(s.json() == "{}");
  s.percent(-0.001);
  BOOST_TEST(s.json() == R"({"percent":0})");
  s.percent(1.0 / 0.0);
  BOOST_TEST(s.json() == R"({"percent":100})");
  s.percent(1e-300);
  BOOST_TEST(can_be_stored(s.json()));
}

BOOST_AUTO_TEST_CASE(any_bytes_leave_a_state_that_can_be_stored_however_they_are_cut) {
  std::mt19937 random(7);
  const std::string_view parts[] = {"{\"percent\":",
                                    "50",
                                    "1e2",
                                    "}",
                                    "\n",
                                    "{\"message\":\"",
                                    "\"}\n",
                                    "{\"log\":\"",
                                    "\\u0000",
                                    "\\ud83d\\ude00",
                                    "\xFF",
                                    "\xF0\x9F",
                                    "\x7F",
                                    ","};
  for (int round = 0; round < 2'000; ++round) {
    progress_reader whole, pieces;
    std::string bytes;
    for (auto n = random() % 40; n > 0; --n)
      bytes += parts[random() % std::size(parts)];
    whole.add(bytes);
    for (std::string_view rest = bytes; !rest.empty();) {
      const auto size = 1 + random() % 9;
      pieces.add(rest.substr(0, size));
      rest.remove_prefix(std::min(size, rest.size()));
    }
    BOOST_TEST_REQUIRE(whole.json() == pieces.json());
    BOOST_TEST_REQUIRE(can_be_stored(whole.json()), bytes);
  }
}

BOOST_AUTO_TEST_SUITE_END()

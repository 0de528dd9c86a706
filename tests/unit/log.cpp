#include "core/log.hpp"

#include "core/json_text.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <cstdio>
#include <regex>
#include <string>
#include <thread>
#include <vector>

// `::log` is a function of the C library.
namespace jobd::test {

BOOST_AUTO_TEST_SUITE(log)

namespace {

using jobd::log::format;
using jobd::log::level;

/// What `write` puts on stderr. Logging is as by default again afterwards.
template <class Write>
std::string written(level least, format how, Write write) {
  auto* file = std::tmpfile();
  BOOST_REQUIRE(file != nullptr);
  const auto old = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  jobd::log::start(least, how);
  write();
  jobd::log::start(level::info, format::text);
  dup2(old, STDERR_FILENO);
  close(old);
  auto text = std::string(static_cast<std::size_t>(lseek(fileno(file), 0, SEEK_END)), '\0');
  BOOST_REQUIRE(pread(fileno(file), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  std::fclose(file);
  return text;
}

/// The part of a line of text after its time.
std::string line_of(std::string_view sentence, jobd::log::fields with = {}) {
  return written(level::debug, format::text, [&] { jobd::log::info(sentence, with); }).substr(25);
}

/// The part of a line of JSON after its time.
std::string json_of(std::string_view sentence, jobd::log::fields with = {}) {
  return written(level::debug, format::json, [&] { jobd::log::info(sentence, with); }).substr(35);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_line_of_text_is_time_level_sentence_and_fields) {
  const auto text = written(level::info, format::text, [] {
    jobd::log::info("The worker claimed 3 jobs.", {{"node", 7}, {"jobs", 3L}});
  });
  const auto form = std::regex{
      R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO  The worker claimed 3 jobs\. node=7 jobs=3\n)"};
  BOOST_TEST(std::regex_match(text, form), text);
}

BOOST_AUTO_TEST_CASE(a_line_of_json_is_one_object) {
  auto text = written(level::info, format::json, [] {
    jobd::log::warn("It \"broke\".", {{"node", 7}, {"why", "a\nb"}});
  });
  const auto form = std::regex{
      R"x(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"warn","message":"It \\"broke\\"\.","node":"7","why":"a\\nb"\}\n)x"};
  BOOST_TEST(std::regex_match(text, form), text);
  BOOST_TEST(check_json(text).has_value());
}

BOOST_AUTO_TEST_CASE(times_are_utc) {
  const auto now = std::time(nullptr);
  const auto text = written(level::info, format::text, [] { jobd::log::info("x"); });
  auto fields = std::tm{};
  BOOST_REQUIRE(strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &fields) != nullptr);
  BOOST_TEST(std::abs(timegm(&fields) - now) <= 5);
}

BOOST_AUTO_TEST_CASE(values_are_quoted_where_they_could_be_misread) {
  BOOST_TEST(line_of("x", {{"a", "plain/text:1"}}) == "INFO  x a=plain/text:1\n");
  BOOST_TEST(line_of("x", {{"a", "two words"}, {"b", ""}, {"c", "k=v"}})
             == "INFO  x a=\"two words\" b=\"\" c=\"k=v\"\n");
  BOOST_TEST(line_of("x", {{"a", "say \"no\""}, {"b", "back\\slash"}})
             == "INFO  x a=\"say \\\"no\\\"\" b=\"back\\\\slash\"\n");
}

BOOST_AUTO_TEST_CASE(a_field_without_a_value_is_left_out) {
  const auto none = std::optional<std::string_view>{};
  const auto some = std::optional<std::string_view>{"v"};
  BOOST_TEST(line_of("x", {{"a", none}, {"b", some}}) == "INFO  x b=v\n");
  BOOST_TEST(json_of("x", {{"a", none}}).find("\"a\"") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(numbers_and_texts_convert_by_themselves) {
  const auto owned = std::string{"o"};
  BOOST_TEST(line_of("x", {{"i", -1},
                           {"u", 18'446'744'073'709'551'615U},
                           {"d", 0.25},
                           {"e", 25.0},
                           {"f", 1.5F},
                           {"s", owned},
                           {"v", std::string_view{"w"}}})
             == "INFO  x i=-1 u=18446744073709551615 d=0.25 e=25 f=1.5 s=o v=w\n");
}

BOOST_AUTO_TEST_CASE(no_control_character_gets_out_raw) {
  auto all = std::string{};
  for (auto c = 0; c < 0x20; ++c)
    all += static_cast<char>(c);
  all += "\x7F\xC2\x9B\xFF";
  for (const auto& line : {line_of(all, {{"a", all}}), json_of(all, {{"a", all}})}) {
    BOOST_TEST(line.find_first_of(std::string_view{all}.substr(0, 0x20)) == line.size() - 1);
    BOOST_TEST(line.find('\x7F') == std::string::npos);
    BOOST_TEST(line.find("\xC2\x9B") == std::string::npos);
    BOOST_TEST(is_utf8(line));
  }
}

BOOST_AUTO_TEST_CASE(a_sentence_is_no_format) {
  BOOST_TEST(line_of("{} %v %n {0}") == "INFO  {} %v %n {0}\n");
  BOOST_TEST(line_of("Redis said \"no\".") == "INFO  Redis said \"no\".\n");
  BOOST_TEST(json_of("{} %v")
             == R"("level":"info","message":"{} %v"})"
                "\n");
}

BOOST_AUTO_TEST_CASE(lines_below_the_level_are_not_written) {
  const auto all = [] {
    jobd::log::debug("d");
    jobd::log::info("i");
    jobd::log::warn("w");
    jobd::log::error("e");
  };
  const auto lines = [&](level least) {
    const auto text = written(least, format::text, all);
    return std::ranges::count(text, '\n');
  };
  BOOST_TEST(lines(level::debug) == 4);
  BOOST_TEST(lines(level::info) == 3);
  BOOST_TEST(lines(level::warn) == 2);
  BOOST_TEST(lines(level::error) == 1);
}

BOOST_AUTO_TEST_CASE(lines_of_many_threads_stay_whole) {
  const auto text = written(level::info, format::text, [] {
    auto threads = std::vector<std::jthread>{};
    for (auto t = 0; t < 4; ++t)
      threads.emplace_back([] {
        for (auto i = 0; i < 250; ++i)
          jobd::log::info("The thread wrote.", {{"filler", std::string(100, 'x')}});
      });
  });
  const auto form = std::regex{"[0-9T:.Z-]{24} INFO  The thread wrote\\. filler=x{100}\n"};
  BOOST_TEST(std::distance(std::sregex_iterator{text.begin(), text.end(), form}, {}) == 1000);
  BOOST_TEST(text.size() == 1000 * (25 + 6 + 18 + 7 + 100 + 1));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

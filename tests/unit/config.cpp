#include "core/config.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(config)

namespace {

using settings = std::map<std::string, std::string, std::less<>>;

lookup in(const settings& values) {
  return [&values](std::string_view name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional{found->second};
  };
}

expected<jobd::config> read(const settings& env, const settings& flags = {}) {
  return read_config(in(flags), in(env));
}

/// The line that a user sees; empty if all is well.
std::string wrong(const settings& env, const settings& flags = {}) {
  const auto done = read(env, flags);
  if (!done)
    BOOST_TEST((done.error().code == ec::invalid));
  return done ? std::string{} : done.error().context;
}

const config_option* option(std::string_view env) {
  for (const auto& o : config_options())
    if (o.env == env)
      return &o;
  return nullptr;
}

/// A file that is gone after the test.
struct secret_file {
  explicit secret_file(const std::string& content) { std::ofstream{path} << content; }
  ~secret_file() { std::filesystem::remove(path); }
  std::string path =
      (std::filesystem::temp_directory_path() / ("jobd-secret-" + std::to_string(getpid()))).string();
};

} // namespace

BOOST_AUTO_TEST_CASE(nothing_set_gives_the_defaults) {
  const auto c = read({});
  BOOST_REQUIRE(c.has_value());
  BOOST_TEST(c->http_port == 3000);
  BOOST_TEST(c->job_dedupe_window.count() == 300);
  BOOST_TEST(c->job_timeout.count() == 300);
  BOOST_TEST(c->job_queues == std::vector<std::string>{"default"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_fixed_names_exist_with_their_defaults) {
  const auto defaults = settings{{"JOB_TIMEOUT", "300"},
                                 {"JOB_PREFETCH", "16"},
                                 {"JOB_CONCURRENCY", "8"},
                                 {"JOB_QUEUES", "default"},
                                 {"JOB_HANDLERS", ""},
                                 {"JOBD_DATA", ""},
                                 {"JOB_DEDUPE_WINDOW", "300"},
                                 {"JOB_RETENTION", "604800"},
                                 {"JOB_SHUTDOWN_GRACE", "25"},
                                 {"HTTP_HOST", "127.0.0.1"},
                                 {"HTTP_PORT", "3000"},
                                 {"DATABASE_URL", "postgresql:///jobd"},
                                 {"REDIS_URL", "redis://127.0.0.1:6379/0"}};
  for (const auto& [name, value] : defaults) {
    const auto* o = option(name);
    BOOST_REQUIRE_MESSAGE(o != nullptr, name);
    BOOST_TEST(o->show(jobd::config{}) == value, name);
  }
}

BOOST_AUTO_TEST_CASE(every_option_reads_what_it_shows) {
  for (const auto& o : config_options()) {
    auto c = jobd::config{};
    const auto shown = o.show(c);
    BOOST_TEST(o.set(c, shown).has_value(), o.env << " shows " << shown);
    BOOST_TEST(o.show(c) == shown, o.env);
  }
}

BOOST_AUTO_TEST_CASE(every_option_keeps_another_value) {
  const auto values = settings{{"DATABASE_URL", "host=db"},
                               {"REDIS_URL", "unix:///r"},
                               {"DATABASE_CONNECTIONS", "64"},
                               {"HTTP_HOST", "::"},
                               {"HTTP_PORT", "0"},
                               {"HTTP_THREADS", "4"},
                               {"HTTP_PENDING", "1000000"},
                               {"METRICS_PORT", "9100"},
                               {"JOB_STUCK_AFTER", "0.5"},
                               {"JOB_API_TOKENS_FILE", "/etc/t"},
                               {"JOB_TLS_CERT", "/etc/c"},
                               {"JOB_TLS_KEY", "/etc/k"},
                               {"JOB_TIMEOUT", "0.5"},
                               {"JOB_PREFETCH", "10000"},
                               {"JOB_CONCURRENCY", "1000"},
                               {"JOB_QUEUES", "a,b.c,D-1"},
                               {"JOB_HANDLERS", "/etc/h"},
                               {"JOBD_DATA", "/var/lib/jobd"},
                               {"JOB_DEDUPE_WINDOW", "0"},
                               {"JOB_RETENTION", "60"},
                               {"JOB_SHUTDOWN_GRACE", "0"},
                               {"JOB_KILL_GRACE", "3600"},
                               {"LOG_LEVEL", "error"},
                               {"LOG_FORMAT", "json"}};
  const auto c = read(values);
  BOOST_REQUIRE_MESSAGE(c.has_value(), c.error().context);
  for (const auto& o : config_options()) {
    BOOST_REQUIRE_MESSAGE(values.contains(o.env), o.env << " is not tried here");
    BOOST_TEST(o.show(*c) == values.find(o.env)->second, o.env);
  }
}

BOOST_AUTO_TEST_CASE(names_are_unique_and_every_option_has_help) {
  auto names = std::set<std::string_view>{};
  for (const auto& o : config_options()) {
    BOOST_TEST(names.insert(o.env).second, o.env);
    BOOST_TEST(names.insert(o.flag).second, o.flag);
    BOOST_TEST(!o.help.empty(), o.env);
    BOOST_TEST((o.secret == o.env.ends_with("_URL")), o.env);
  }
}

BOOST_AUTO_TEST_CASE(a_flag_goes_before_the_environment) {
  BOOST_TEST(read({{"JOB_PREFETCH", "5"}}, {{"prefetch", "6"}})->job_prefetch == 6);
  BOOST_TEST(read({{"JOB_PREFETCH", "many"}}, {{"prefetch", "6"}})->job_prefetch == 6);
  BOOST_TEST(read({{"JOB_PREFETCH", "5"}})->job_prefetch == 5);
}

BOOST_AUTO_TEST_CASE(an_empty_variable_is_not_set_but_an_empty_flag_is) {
  BOOST_TEST(read({{"JOB_PREFETCH", ""}, {"DATABASE_URL", ""}})->job_prefetch == 16);
  BOOST_TEST(wrong({}, {{"prefetch", ""}}) == "--prefetch is \"\": it must be an integer from 1 to 10000");
  BOOST_TEST(wrong({}, {{"queues", ""}}) != "");
  BOOST_TEST(read({{"JOB_HANDLERS", "/x"}}, {{"handlers", ""}})->job_handlers.empty());
}

BOOST_AUTO_TEST_CASE(an_error_is_one_line_with_the_name_the_value_and_what_is_allowed) {
  BOOST_TEST(wrong({{"JOB_PREFETCH", "many"}})
             == "JOB_PREFETCH is \"many\": it must be an integer from 1 to 10000");
  BOOST_TEST(wrong({}, {{"http-port", "65536"}})
             == "--http-port is \"65536\": it must be an integer from 0 to 65535");
  BOOST_TEST(wrong({{"JOB_TIMEOUT", "0"}})
             == "JOB_TIMEOUT is \"0\": it must be a number of seconds from 0.001 to 604800");
  BOOST_TEST(wrong({{"LOG_LEVEL", "loud"}})
             == "LOG_LEVEL is \"loud\": it must be debug, info, warn or error");
  BOOST_TEST(wrong({{"LOG_FORMAT", "a\n\"b\xFF"}})
             == "LOG_FORMAT is \"a\\n\\\"b\xEF\xBF\xBD\": it must be text or json");
}

BOOST_AUTO_TEST_CASE(integers_are_strict) {
  for (const auto* value :
       {"0", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "10001", "99999999999", "1,000", "nan"})
    BOOST_TEST(wrong({{"JOB_PREFETCH", value}}) != "", value);
  BOOST_TEST(read({{"JOB_PREFETCH", "0010"}})->job_prefetch == 10);
}

BOOST_AUTO_TEST_CASE(seconds_are_strict) {
  for (const auto* value :
       {"0", "0.0005", "-1", "+1", " 1", "1s", "1 ", "nan", "inf", "0x10", "1e400", "604801", ".5", "1,5"})
    BOOST_TEST(wrong({{"JOB_TIMEOUT", value}}) != "", value);
  BOOST_TEST(read({{"JOB_TIMEOUT", "0.001"}})->job_timeout.count() == 0.001);
  BOOST_TEST(read({{"JOB_TIMEOUT", "604800"}})->job_timeout.count() == 604'800);
}

BOOST_AUTO_TEST_CASE(ranges_end_where_they_should) {
  const auto ranges = std::map<std::string, std::pair<settings, settings>>{
      {"ok", {{{"DATABASE_CONNECTIONS", "1"}}, {{"DATABASE_CONNECTIONS", "64"}}}}};
  for (const auto& [name, least, most] :
       std::vector<std::tuple<const char*, long, long>>{{"DATABASE_CONNECTIONS", 1, 64},
                                                        {"HTTP_PORT", 0, 65'535},
                                                        {"HTTP_THREADS", 1, 64},
                                                        {"HTTP_PENDING", 1, 1'000'000},
                                                        {"JOB_PREFETCH", 1, 10'000},
                                                        {"JOB_CONCURRENCY", 1, 1'000},
                                                        {"JOB_SHUTDOWN_GRACE", 0, 86'400},
                                                        {"JOB_KILL_GRACE", 0, 3'600}}) {
    BOOST_TEST(wrong({{name, std::to_string(least)}}) == "");
    BOOST_TEST(wrong({{name, std::to_string(most)}}) == "");
    BOOST_TEST(wrong({{name, std::to_string(least - 1)}}) != "", name);
    BOOST_TEST(wrong({{name, std::to_string(most + 1)}}) != "", name);
  }
  BOOST_TEST(wrong({{"JOB_DEDUPE_WINDOW", "31622400"}, {"JOB_RETENTION", "31622400"}}) == "");
  BOOST_TEST(wrong({{"JOB_DEDUPE_WINDOW", "31622401"}, {"JOB_RETENTION", "99999999"}}) != "");
  BOOST_TEST(wrong({{"JOB_RETENTION", "59"}, {"JOB_DEDUPE_WINDOW", "1"}}) != "");
  BOOST_TEST(wrong({{"JOB_RETENTION", "60"}, {"JOB_DEDUPE_WINDOW", "1"}}) == "");
}

BOOST_AUTO_TEST_CASE(jobs_are_kept_at_least_as_long_as_they_stand_for_others) {
  BOOST_TEST(wrong({{"JOB_RETENTION", "299"}})
             == "JOB_RETENTION is \"299\": it must not be less than JOB_DEDUPE_WINDOW (300)");
  BOOST_TEST(wrong({{"JOB_RETENTION", "300"}}) == "");
  BOOST_TEST(wrong({{"JOB_TLS_CERT", "/c"}})
             == "JOB_TLS_CERT and JOB_TLS_KEY belong together: only the first is set");
  BOOST_TEST(wrong({{"JOB_TLS_KEY", "/k"}})
             == "JOB_TLS_CERT and JOB_TLS_KEY belong together: only the second is set");
  BOOST_TEST(wrong({{"JOB_TLS_KEY", "/k"}, {"JOB_TLS_CERT", "/c"}}) == "");
}

BOOST_AUTO_TEST_CASE(queues_are_different_names_in_their_order) {
  const auto c = read({{"JOB_QUEUES", "mail,default,a"}});
  BOOST_REQUIRE(c.has_value());
  BOOST_TEST(c->job_queues == (std::vector<std::string>{"mail", "default", "a"}),
             boost::test_tools::per_element());
  for (const auto* value : {",", "a,", ",a", "a,,b", "a, b", "a,b,a", "a b", "a;b"})
    BOOST_TEST(wrong({{"JOB_QUEUES", value}}) != "", value);
  auto many = std::string{"q0"};
  for (auto i = 1; i < 64; ++i)
    many += ",q" + std::to_string(i);
  BOOST_TEST(wrong({{"JOB_QUEUES", many}}) == "");
  BOOST_TEST(wrong({{"JOB_QUEUES", many + ",q64"}}) != "");
}

BOOST_AUTO_TEST_CASE(a_secret_may_come_from_a_file) {
  for (const auto* content : {"host=db password=x", "host=db password=x\n", "host=db password=x\r\n"}) {
    const auto file = secret_file{content};
    const auto c = read({{"DATABASE_URL_FILE", file.path}});
    BOOST_REQUIRE_MESSAGE(c.has_value(), c.error().context);
    BOOST_TEST(c->database_url == "host=db password=x");
    BOOST_TEST(read({{"DATABASE_URL_FILE", file.path}}, {{"database-url", "flag"}})->database_url == "flag");
    BOOST_TEST(read({{"DATABASE_URL_FILE", file.path}, {"DATABASE_URL", ""}})->database_url
               == c->database_url);
  }
}

BOOST_AUTO_TEST_CASE(a_secret_file_that_gives_no_secret_is_named) {
  BOOST_TEST(wrong({{"REDIS_URL_FILE", "/nowhere/x"}})
             == "REDIS_URL_FILE names \"/nowhere/x\", which cannot be read or is empty");
  BOOST_TEST(wrong({{"REDIS_URL_FILE", "/tmp"}})
             == "REDIS_URL_FILE names \"/tmp\", which cannot be read or is empty");
  BOOST_TEST(wrong({{"REDIS_URL_FILE", "/dev/null"}})
             == "REDIS_URL_FILE names \"/dev/null\", which cannot be read or is empty");
  BOOST_TEST(wrong({{"REDIS_URL_FILE", "/x"}, {"REDIS_URL", "redis://h"}})
             == "REDIS_URL and REDIS_URL_FILE are both set: give one of them");
}

BOOST_AUTO_TEST_CASE(only_secrets_come_from_files) {
  BOOST_TEST(wrong({{"JOB_PREFETCH_FILE", "/nowhere"}}) == "");
}

BOOST_AUTO_TEST_CASE(a_secret_is_never_in_an_error) {
  const auto file = secret_file{"two\nlines of hunter2\n"};
  BOOST_TEST(wrong({{"DATABASE_URL_FILE", file.path}}) == "DATABASE_URL_FILE: it must be one line of text");
  BOOST_TEST(wrong({{"DATABASE_URL", "hunter2\n"}}) == "DATABASE_URL: it must be one line of text");
  BOOST_TEST(wrong({}, {{"redis-url", "hunter2\t"}}) == "--redis-url: it must be one line of text");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

#include "execution/registry.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>

using namespace jobd;
using namespace jobd::execution;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// The handlers that are there to be copied.
const auto examples = fs::path{JOBD_SOURCE_DIR} / "examples/handlers";

/// The error of a handler file with this text.
std::string error_of(const std::string& text) {
  registry r;
  const auto read = r.parse(text, "handlers.json");
  if (read)
    return "";
  BOOST_CHECK(read.error().code == ec::invalid);
  BOOST_TEST(read.error().context.find('\n') == std::string::npos);
  return read.error().context;
}

/// The error of one that has this handler under the type `t`.
std::string error_of_handler(const std::string& handler) {
  return error_of("{\"t\": " + handler + "}");
}

struct fixture {
  registry handlers;

  outcome run(const std::string& type, const std::string& payload = "") {
    const auto executor = make_executor(handlers);
    std::promise<outcome> promise;
    auto result = promise.get_future();
    claimed_job job;
    job.type = type;
    job.payload = payload;
    job.object_id = 5;
    job.attempt = 1;
    executor->start(job, {[&](outcome o) { promise.set_value(std::move(o)); }});
    BOOST_REQUIRE(result.wait_for(30s) == std::future_status::ready);
    return result.get();
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(registry, fixture)

BOOST_AUTO_TEST_CASE(builtins_are_types_of_their_own_and_default_is_echo) {
  const std::vector<std::string> want{"builtin:echo", "builtin:fail", "builtin:sleep", "default"};
  BOOST_TEST(handlers.types() == want, boost::test_tools::per_element());
  BOOST_REQUIRE(handlers.find("default"));
  BOOST_TEST(handlers.find("default")->native == "builtin:echo");
  BOOST_TEST(!handlers.find("thumbnail"));
  BOOST_TEST(handlers.find_native("builtin:sleep"));
  BOOST_TEST(!handlers.find_native("default"));
}

BOOST_AUTO_TEST_CASE(file_adds_to_what_stands) {
  const auto read = handlers.parse(R"({
    // JAXN: comments, and a comma after the last
    "default": {"native": "builtin:fail", "timeout": 0.5, "exclusive": true},
    "nap": "builtin:sleep",
    "list": {"command": ["ls", "-l"], "timeout": 30, "memory_mb": 256, "env": {"SIZE": "64", "NONE": ""}},
  })",
                                   "handlers.jaxn");
  BOOST_REQUIRE_MESSAGE(read, (read ? "" : read.error().context));
  const auto& standard = *handlers.find("default");
  BOOST_TEST(standard.native == "builtin:fail");
  BOOST_TEST(standard.exclusive);
  BOOST_CHECK(standard.timeout == seconds(0.5));
  BOOST_TEST(handlers.find("nap")->native == "builtin:sleep");
  BOOST_TEST(!handlers.find("nap")->exclusive);
  BOOST_TEST(!handlers.find("nap")->timeout.has_value());
  const auto& list = *handlers.find("list");
  BOOST_TEST(list.native == "");
  BOOST_REQUIRE(list.command.size() == 2u);
  BOOST_TEST(list.command[0].ends_with("/ls")); // found in PATH
  BOOST_TEST(fs::path(list.command[0]).is_absolute());
  BOOST_TEST(list.command[1] == "-l");
  BOOST_TEST(list.memory_mb.value() == 256);
  BOOST_TEST(list.env.at("SIZE") == "64");
  BOOST_TEST(list.env.size() == 2u);
  BOOST_TEST(handlers.find("builtin:echo"));
}

BOOST_AUTO_TEST_CASE(bad_file_adds_nothing) {
  BOOST_TEST(!handlers.parse(R"({"a": "builtin:echo", "b": "builtin:nothing"})", "handlers.json"));
  BOOST_TEST(!handlers.find("a"));
}

BOOST_AUTO_TEST_CASE(text_that_is_no_json_is_refused_with_its_place) {
  BOOST_TEST(error_of("{\"a\": \n [}").starts_with("handlers.json:2:"));
  BOOST_TEST(error_of("").starts_with("handlers.json:1:"));
  BOOST_TEST(error_of("[]") == "handlers.json: must be an object from job type to handler");
}

BOOST_AUTO_TEST_CASE(nesting_deeper_than_64_levels_is_refused) {
  const std::string why = ": is nested deeper than 64 levels: a handler file is JSON or JAXN";
  const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  BOOST_TEST(error_of(nested(64)) == "handlers.json: must be an object from job type to handler");
  BOOST_TEST(error_of(nested(65)) == "handlers.json:1:66" + why);
  for (const std::string open : {"[", "{\"a\":", "{\"a\":["}) {
    auto text = std::string{};
    while (text.size() < 1 << 20)
      text += open;
    BOOST_TEST(error_of(text).ends_with(why));
  }
}

BOOST_AUTO_TEST_CASE(key_that_stands_twice_is_refused) {
  BOOST_TEST(error_of(R"({"a": "builtin:echo", "a": "builtin:fail"})")
             == "handlers.json: \"a\" stands there twice");
  BOOST_TEST(error_of_handler(R"({"native": "builtin:echo", "timeout": 1, "timeout": 2})")
             == "handlers.json: \"timeout\" stands there twice");
}

BOOST_AUTO_TEST_CASE(type_must_be_a_name) {
  BOOST_TEST(error_of(R"({"a b": "builtin:echo"})")
             == "handlers.json: type \"a b\": a type is 1 to 64 of A-Z a-z 0-9 . _ : -");
  BOOST_TEST(error_of(R"({"": "builtin:echo"})").find("a type is 1 to 64") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(handler_of_the_wrong_kind_is_refused) {
  const std::string place = "handlers.json: type \"t\": ";
  for (const auto* text : {"1", "null", "true", "[\"ls\"]"})
    BOOST_TEST(error_of_handler(text)
               == place + "must be the name of a native function, or an object with command or native");
  const auto unknown_native = place + "native must be one of builtin:echo, builtin:fail, builtin:sleep";
  BOOST_TEST(error_of_handler("\"builtin:nothing\"") == unknown_native);
  BOOST_TEST(error_of_handler("{\"native\": 1}") == unknown_native);
  BOOST_TEST(error_of_handler("{\"native\": \"default\"}") == unknown_native);
  const auto one = place + "exactly one of command and native must be given";
  BOOST_TEST(error_of_handler("{}") == one);
  BOOST_TEST(error_of_handler(R"({"command": ["ls"], "native": "builtin:echo"})") == one);
  BOOST_TEST(
      error_of_handler(R"({"command": ["ls"], "colour": 1})")
      == place
             + "unknown field \"colour\", known are command, native, timeout, memory_mb, exclusive and env");
}

BOOST_AUTO_TEST_CASE(values_out_of_range_are_refused) {
  const auto with = [](const std::string& field) {
    return error_of_handler("{\"command\": [\"ls\"], " + field + "}");
  };
  const std::string place = "handlers.json: type \"t\": ";
  for (const auto* v : {"0", "-1", "604801", "\"30\"", "null", "1e400"})
    BOOST_TEST(with("\"timeout\": " + std::string(v)).starts_with("handlers.json:"));
  BOOST_TEST(with("\"timeout\": 0")
             == place + "timeout must be a number of seconds, over 0 and at most 604800");
  BOOST_TEST(with("\"timeout\": 604800") == "");
  for (const auto* v : {"0", "-1", "1.5", "\"64\"", "1048577", "18446744073709551615"})
    BOOST_TEST(with("\"memory_mb\": " + std::string(v))
               == place + "memory_mb must be a whole number from 1 to 1048576");
  BOOST_TEST(with("\"memory_mb\": 1048576") == "");
  for (const auto* v : {"0", "\"true\"", "null"})
    BOOST_TEST(with("\"exclusive\": " + std::string(v)) == place + "exclusive must be true or false");
}

BOOST_AUTO_TEST_CASE(environment_must_be_names_and_texts) {
  const auto with = [](const std::string& env) {
    return error_of_handler("{\"command\": [\"ls\"], \"env\": " + env + "}");
  };
  const std::string place = "handlers.json: type \"t\": env";
  BOOST_TEST(with("[]") == place + " must be an object from name to text");
  BOOST_TEST(with("{\"A\": 1}") == place + ": the value of \"A\" must be a text without NUL");
  BOOST_TEST(with("{\"A\": \"\\u0000\"}") == place + ": the value of \"A\" must be a text without NUL");
  BOOST_TEST(with("{\"A=B\": \"\"}") == place + ": a name must not be empty nor hold = or NUL");
  BOOST_TEST(with("{\"\": \"\"}") == place + ": a name must not be empty nor hold = or NUL");
  for (const std::string name :
       {"JOB_ID", "JOB_ATTEMPT", "JOB_OBJECT_ID", "JOB_TYPE", "JOB_PROGRESS_FD", "TRACEPARENT"})
    BOOST_TEST(with("{\"" + name + "\": \"1\"}") == place + ": " + name + " is set by jobd itself");
  BOOST_TEST(
      error_of_handler(R"({"native": "builtin:echo", "env": {}})").ends_with("are for a command only"));
  BOOST_TEST(
      error_of_handler(R"({"native": "builtin:echo", "memory_mb": 1})").ends_with("are for a command only"));
}

BOOST_AUTO_TEST_CASE(command_must_name_a_program_that_can_run) {
  const auto with = [](const std::string& argv) { return error_of_handler("{\"command\": " + argv + "}"); };
  const std::string place = "handlers.json: type \"t\": command";
  for (const auto* argv : {"\"ls\"", "[]", "[\"\"]", "[1]", "[\"ls\", 1]", "[\"ls\", \"\\u0000\"]"})
    BOOST_TEST(with(argv) == place + " must be a list of texts without NUL, the program first");
  BOOST_TEST(with("[\"no-such-program\"]") == place + ": there is no program \"no-such-program\" in PATH");
  BOOST_TEST(with("[\"/no/such/program\"]") == place + ": \"/no/such/program\" is not an executable file");
  BOOST_TEST(with("[\"/etc/passwd\"]") == place + ": \"/etc/passwd\" is not an executable file");
  BOOST_TEST(with("[\"/etc\"]") == place + ": \"/etc\" is not an executable file");
  BOOST_TEST(with("[\"a\\nb\"]") == place + ": there is no program \"a\\nb\" in PATH");
  BOOST_TEST(with("[\"/a\\nb\"]") == place + ": \"/a\\nb\" is not an executable file");
}

BOOST_AUTO_TEST_CASE(program_with_a_slash_is_looked_for_from_the_folder_of_the_file) {
  handlers.add_native("thumbnail", [](auto&&...) { return outcome::succeeded(); });
  const auto read = handlers.load((examples / "handlers.json").string());
  BOOST_REQUIRE_MESSAGE(read, (read ? "" : read.error().context));
  BOOST_REQUIRE(handlers.find("archive"));
  BOOST_TEST(fs::equivalent(handlers.find("archive")->command[0], examples / "archive.sh"));
}

BOOST_AUTO_TEST_CASE(file_that_cannot_be_read_is_named) {
  for (const std::string path : {"/no/such/file.json", "/etc"}) {
    const auto read = handlers.load(path);
    BOOST_REQUIRE(!read);
    BOOST_TEST(read.error().context.starts_with(path + ": cannot be read"));
  }
}

BOOST_AUTO_TEST_CASE(native_functions_can_be_added_for_files_and_as_types) {
  handlers.add_native("mine",
                      [](const claimed_job& j, std::stop_token) { return outcome::succeeded(j.payload); });
  BOOST_TEST(handlers.parse(R"({"other": "mine"})", "handlers.json").has_value());
  BOOST_CHECK(run("mine", "1") == outcome::succeeded("1"));
  BOOST_CHECK(run("other", "2") == outcome::succeeded("2"));
}

BOOST_AUTO_TEST_CASE(native_functions_may_take_the_whole_context) {
  handlers.add_native("told", [](const claimed_job&, run_context& context) {
    context.progress(50, "half");
    return outcome::succeeded();
  });
  const auto executor = make_executor(handlers);
  std::promise<outcome> promise;
  std::string told;
  claimed_job job;
  job.type = "told";
  executor->start(job, {[&](outcome o) { promise.set_value(std::move(o)); },
                        [&](std::string progress) { told = std::move(progress); }});
  BOOST_CHECK(promise.get_future().get() == outcome::succeeded());
  BOOST_TEST(told == R"({"percent":50,"message":"half"})");
}

BOOST_AUTO_TEST_CASE(type_without_handler_fails) {
  BOOST_CHECK(run("x") == outcome::failed("no handler for type x"));
}

BOOST_AUTO_TEST_CASE(commands_and_functions_run_side_by_side_under_their_own_tickets) {
  BOOST_REQUIRE(handlers.parse(R"({"c": {"command": ["sh", "-c", "exec sleep 1000"]}})", "handlers.json"));
  const auto executor = make_executor(handlers);
  std::promise<outcome> native, command;
  claimed_job job;
  job.payload = "{\"seconds\": 1000}";
  job.type = "builtin:sleep";
  const auto n = executor->start(job, {[&](outcome o) { native.set_value(std::move(o)); }});
  job.type = "c";
  const auto c = executor->start(job, {[&](outcome o) { command.set_value(std::move(o)); }});
  BOOST_TEST(n != c);
  auto native_result = native.get_future();
  auto command_result = command.get_future();
  executor->stop(n, 30s);
  BOOST_CHECK(native_result.get() == outcome::failed("was asked to stop"));
  BOOST_CHECK(command_result.wait_for(0s) == std::future_status::timeout);
  executor->stop(c, 0ms);
  BOOST_CHECK(command_result.get() == outcome::failed("killed by signal 9 (SIGKILL)"));
}

BOOST_AUTO_TEST_CASE(executor_outlives_its_registry) {
  std::promise<outcome> promise;
  std::unique_ptr<executor> executor;
  {
    jobd::execution::registry local;
    local.add_native("mine", [](auto&&...) { return outcome::succeeded("1"); });
    executor = make_executor(local);
  }
  claimed_job job;
  job.type = "mine";
  executor->start(job, {[&](outcome o) { promise.set_value(std::move(o)); }});
  BOOST_CHECK(promise.get_future().get() == outcome::succeeded("1"));
}

BOOST_AUTO_TEST_CASE(echo_gives_the_payload_back) {
  BOOST_CHECK(run("builtin:echo", "{\"a\": 1.0}") == outcome::succeeded("{\"a\": 1.0}"));
  BOOST_CHECK(run("builtin:echo") == outcome::succeeded());
}

BOOST_AUTO_TEST_CASE(sleep_takes_as_long_as_it_is_told) {
  const auto begin = std::chrono::steady_clock::now();
  BOOST_CHECK(run("builtin:sleep", "{\"seconds\": 0.05}") == outcome::succeeded());
  BOOST_TEST((std::chrono::steady_clock::now() - begin >= 50ms));
  BOOST_CHECK(run("builtin:sleep", "{\"seconds\": 0}") == outcome::succeeded());
}

BOOST_AUTO_TEST_CASE(fail_fails_with_its_message) {
  BOOST_CHECK(run("builtin:fail", "{\"message\": \"why\"}") == outcome::failed("why"));
}

BOOST_AUTO_TEST_CASE(builtins_refuse_other_payloads) {
  for (const auto* payload : {"", "null", "0.5", "{}", "{\"seconds\": \"1\"}", "{\"seconds\": -1}",
                              "{\"seconds\": 1e9}", "{\"seconds\": 0, \"more\": 1}", "[", "[1]"})
    BOOST_TEST(run("builtin:sleep", payload).message
               == "builtin:sleep takes a payload like {\"seconds\": 0.5}, with 0 to 604800 seconds");
  for (const auto* payload : {"", "null", "\"why\"", "{\"message\": 1}", "{\"message\": \"a\", \"b\": 1}"})
    BOOST_TEST(run("builtin:fail", payload).message
               == "builtin:fail takes a payload like {\"message\": \"why\"}");
}

BOOST_AUTO_TEST_SUITE_END()

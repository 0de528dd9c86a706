#include "core/config.hpp"
#include "tests/integration/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace jobd::test;

namespace {

constexpr auto secret = "s3cret-w0rd";

struct startup_cluster : cluster {
  /// The process ends at once with one line, which holds all of `words`.
  static void expect_refusal(jobd_process& process, int exit_code, const std::vector<std::string>& words) {
    const auto ended = process.exit_code(std::chrono::seconds{5});
    process.kill9();
    BOOST_TEST(ended.value_or(-1) == exit_code);
    const auto log = process.log();
    BOOST_TEST(std::ranges::count(log, '\n') == 1, "one line: " << log);
    for (const auto& word : words)
      BOOST_TEST(log.find(word) != std::string::npos, '"' << word << "\" is not in: " << log);
  }

  /// For the API and for the worker.
  void expect_bad_setting(const std::string& name, const std::string& value, const std::string& says) {
    for (const auto* command : {"api", "worker"})
      BOOST_TEST_CONTEXT(command << " with " << name << '=' << value)
    expect_refusal(start({command}, {{name, value}}), 2, {name, says});
  }

  static void expect_no_secret(const jobd_process& process) {
    BOOST_TEST(process.log().find(secret) == std::string::npos, process.log());
    BOOST_TEST(process.log().find("s3cret") == std::string::npos, process.log());
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(startup, startup_cluster)

BOOST_AUTO_TEST_CASE(bad_setting_stops_the_start_with_one_clear_line) {
  expect_bad_setting("JOB_PREFETCH", "many", "must be an integer from 1 to");
  expect_bad_setting("JOB_PREFETCH", "0", "must be an integer from 1 to");
  expect_bad_setting("JOB_CONCURRENCY", "-1", "must be an integer from 1 to");
  expect_bad_setting("JOB_DEDUPE_WINDOW", "5m", "must be a number of seconds");
  expect_bad_setting("JOB_QUEUES", "a,,b", "names");
  expect_bad_setting("HTTP_PORT", "65536", "0 to 65535");
  expect_bad_setting("LOG_LEVEL", "loud", "debug, info, warn or error");
}

BOOST_AUTO_TEST_CASE(bad_redis_url_stops_the_start_with_one_clear_line) {
  expect_bad_setting("REDIS_URL", "nonsense", "redis://");
  expect_bad_setting("REDIS_URL", "http://localhost", "redis://");
}

BOOST_AUTO_TEST_CASE(bad_database_url_stops_the_start_with_one_clear_line) {
  expect_bad_setting("DATABASE_URL", "nonsense", "postgresql://");
  expect_bad_setting("DATABASE_URL", "postgresql://me:p@ss@host/db", "%40");
}

BOOST_AUTO_TEST_CASE(bad_flag_stops_the_start_with_one_clear_line) {
  expect_refusal(start({"api", "--prefetch", "many"}), 2, {"--prefetch", "many"});
  expect_refusal(start({"api", "--colour", "red"}), 2, {"--colour"});
  expect_refusal(start({"serve"}), 2, {"serve", "--help"});
}

BOOST_AUTO_TEST_CASE(flag_of_another_command_is_refused) {
  expect_refusal(start({"migrate", "--http-port", "3000"}), 2, {"--http-port", "jobd migrate --help"});
  expect_refusal(start({"api", "--concurrency", "3"}), 2, {"--concurrency", "jobd api --help"});
}

BOOST_AUTO_TEST_CASE(help_of_a_command_has_its_settings_with_defaults_and_variables) {
  for (const auto* command : {"standalone", "api", "worker", "migrate", "health"}) {
    auto& help = start({command, "--help"});
    BOOST_TEST(help.exit_code().value_or(-1) == 0);
    for (const auto& o : jobd::config_options()) {
      const auto mine =
          std::string{" "}.append(o.commands).append(" ").find(std::string{" "} + command + " ");
      const auto shown = o.show(jobd::config{});
      const auto line = (o.secret ? "; default: " : "[" + std::string{o.env} + "; default: ")
                        + (shown.empty() ? "none" : shown) + "]";
      const auto log = help.log();
      BOOST_TEST((log.find("--" + std::string{o.flag} + " ") != log.npos) == (mine != std::string::npos),
                 o.flag);
      BOOST_TEST((mine == std::string::npos || log.find(line) != log.npos), line << " of " << command);
    }
    BOOST_TEST(help.log().find("Exit codes:") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(version_is_told) {
  auto& version = start({"--version"});
  BOOST_TEST(version.exit_code().value_or(-1) == 0);
  BOOST_TEST(version.log() == std::string{"jobd "} + JOBD_VERSION + "\n");
}

BOOST_AUTO_TEST_CASE(bash_completes_commands_flags_and_values) {
  const auto complete = [this](const std::string& words, int at) {
    auto& script = start({"completion"});
    BOOST_TEST(script.exit_code().value_or(-1) == 0);
    return run({"bash", "-c",
                script.log() + "COMP_WORDS=(" + words + ") COMP_CWORD=" + std::to_string(at)
                    + "; _jobd; echo \"${COMPREPLY[*]}\""});
  };
  BOOST_TEST(complete("jobd st", 1) == "standalone\n");
  BOOST_TEST(complete("jobd worker --pre", 2) == "--prefetch\n");
  BOOST_TEST(complete("jobd api --pre", 2) == "\n");
  BOOST_TEST(complete("jobd api --log-level w", 3) == "warn\n");
}

BOOST_AUTO_TEST_CASE(handler_file_that_cannot_be_used_stops_the_worker) {
  expect_refusal(start({"worker"}, {{"JOB_HANDLERS", "/nowhere/handlers.json"}}), 2,
                 {"/nowhere/handlers.json"});
  expect_refusal(
      start({"worker"}, {{"JOB_HANDLERS", file("handlers.json", R"({"mail": {"comand": ["true"]}})")}}), 2,
      {"handlers.json", "comand"});
}

BOOST_AUTO_TEST_CASE(taken_port_stops_the_api_with_one_clear_line) {
  const auto taken = std::to_string(api().port());
  expect_refusal(start({"api"}, {{"HTTP_PORT", taken}}), 1, {"HTTP_PORT " + taken, "taken"});
  BOOST_TEST(post_job(R"({"object_id": 1})").status == 201);
}

BOOST_AUTO_TEST_CASE(address_that_is_not_ours_stops_the_api_with_one_clear_line) {
  expect_refusal(start({"api"}, {{"HTTP_HOST", "192.0.2.1"}}), 1, {"192.0.2.1"});
}

BOOST_AUTO_TEST_CASE(secrets_are_never_logged) {
  const auto password = std::string{"postgresql://postgres:"} + secret + "@127.0.0.1:1/jobd";
  auto& waiting = start({"api"}, {{"DATABASE_URL", password}, {"LOG_LEVEL", "debug"}});
  BOOST_TEST(waiting.says("The process waits for the database."));
  expect_no_secret(waiting);

  auto& no_redis = start_worker(
      {{"REDIS_URL", std::string{"redis://:"} + secret + "@127.0.0.1:1/0"}, {"LOG_LEVEL", "debug"}});
  BOOST_TEST(no_redis.says("WARN"));
  expect_no_secret(no_redis);
}

BOOST_AUTO_TEST_CASE(secret_in_a_bad_setting_is_not_shown) {
  for (const auto& [name, value] : settings{{"REDIS_URL", std::string{"redis:/"} + secret},
                                            {"REDIS_URL_FILE", file("redis", std::string{secret} + "\nx")}}) {
    auto extra = settings{{name, value}};
    if (name == "REDIS_URL_FILE")
      extra["REDIS_URL"] = "";
    auto& process = start({"api"}, extra);
    BOOST_TEST(process.exit_code().value_or(-1) == 2);
    expect_no_secret(process);
  }
}

BOOST_AUTO_TEST_CASE(secret_may_come_from_a_file) {
  start_api({{"DATABASE_URL", ""}, {"DATABASE_URL_FILE", file("url", database_url() + "\n")}});
  BOOST_TEST(post_job(R"({"object_id": 1})").status == 201);
}

BOOST_AUTO_TEST_CASE(database_that_is_not_there_yet_is_waited_for) {
  postgres().stop();
  const auto all = std::vector<jobd_process*>{&start({"api"}), &start({"worker"}), &start({"migrate"})};
  for (auto* process : all)
    BOOST_TEST(process->says("waits for the database"), process->name());
  postgres().start();
  BOOST_TEST(all[0]->says("The API listens."));
  BOOST_TEST(all[1]->says("The worker runs."));
  BOOST_TEST(all[2]->exit_code().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(database_that_is_not_created_yet_is_waited_for) {
  const auto later = settings{{"DATABASE_URL", postgres().url("later")}};
  auto& migrate = start({"migrate"}, later);
  auto& waiting = start({"api"}, later);
  BOOST_TEST(migrate.says("waits for the database"));
  BOOST_TEST(waiting.says("waits for the database"));
  // Not made by then, a schema would be too old.
  waiting.signal(SIGSTOP);
  postgres().query("postgres", "create database later");
  BOOST_TEST(migrate.exit_code().value_or(-1) == 0);
  waiting.signal(SIGCONT);
  BOOST_TEST(waiting.says("The API listens."));
  waiting.kill9();
  BOOST_TEST(eventually([] {
    try {
      postgres().query("postgres", "drop database later with (force)");
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }));
}

BOOST_AUTO_TEST_CASE(sigterm_ends_a_process_that_waits) {
  postgres().stop();
  for (const auto* command : {"api", "worker"}) {
    auto& waiting = start({command});
    BOOST_TEST(waiting.says("The process waits for the database."));
    BOOST_TEST(waiting.terminate(std::chrono::seconds{3}).value_or(-1) == 0);
  }
  // Whoever waits for the migration must not take it for done.
  auto& migrate = start({"migrate"});
  BOOST_TEST(migrate.says("waits for the database"));
  BOOST_TEST(migrate.terminate(std::chrono::seconds{3}).value_or(-1) == 1);
}

BOOST_AUTO_TEST_CASE(redis_that_is_not_there_yet_keeps_nobody_from_starting) {
  redis().stop();
  start_worker();
  const auto id = new_job(R"({"object_id": 1})");
  BOOST_TEST(reaches(id, "success"));
}

BOOST_AUTO_TEST_SUITE_END()

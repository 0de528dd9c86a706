#include "tests/integration/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <future>

using namespace jobd::test;

namespace {

/// How many migrations a `jobd migrate` says it has applied.
int applied(const jobd_process& migrate) {
  static const auto name = std::string{"migrations_applied="};
  const auto text = migrate.log();
  const auto at = text.find(name);
  return at == std::string::npos ? -1 : std::atoi(text.c_str() + at + name.size());
}

constexpr auto too_old = "The schema is too old.";

struct migrations_cluster : empty_cluster {
  jobd_process& migrate() {
    auto& process = start({"migrate"});
    BOOST_REQUIRE_MESSAGE(process.exit_code() == 0, process.log());
    return process;
  }

  /// Says clearly that the schema is too old, and what to do.
  void expect_refusal(const std::string& command) {
    auto& process = start({command});
    BOOST_TEST(process.exit_code().value_or(-1) == 1);
    const auto log = process.log();
    BOOST_TEST(log.find(too_old) != std::string::npos);
    BOOST_TEST(log.find("jobd migrate") != std::string::npos);
    BOOST_TEST(std::ranges::count(log, '\n') == 1, "one line: " << log);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(migrations, migrations_cluster)

BOOST_AUTO_TEST_CASE(second_run_changes_nothing) {
  const auto first = applied(migrate());
  BOOST_TEST(first > 0);
  const auto id = new_job(R"({"object_id": 1})");
  const auto before = sql("select * from schema_migrations");
  BOOST_TEST(applied(migrate()) == 0);
  BOOST_TEST((sql("select * from schema_migrations") == before));
  BOOST_TEST(count("schema_migrations") == first);
  BOOST_TEST(status(id) == "created");
}

BOOST_AUTO_TEST_CASE(eight_at_once_apply_each_migration_once) {
  auto all = std::vector<jobd_process*>{};
  for (auto i = 0; i < 8; ++i)
    all.push_back(&start({"migrate"}));
  auto sum = 0;
  for (auto* process : all) {
    BOOST_TEST(process->exit_code().value_or(-1) == 0);
    sum += applied(*process);
  }
  BOOST_TEST(sum > 0);
  BOOST_TEST(count("schema_migrations") == sum);
  BOOST_TEST(post_job(R"({"object_id": 1})").status == 201);
}

BOOST_AUTO_TEST_CASE(nothing_is_left_of_a_run_that_was_killed) {
  // Whoever creates this table waits for this transaction.
  const auto lock = std::async(std::launch::async, [this] {
    postgres().query(database(), "begin; create table jobs (x int); select pg_sleep(3); rollback");
  });
  BOOST_TEST_REQUIRE(becomes("select count(*) from pg_stat_activity where wait_event = 'PgSleep'", "1"));
  auto& killed = start({"migrate"});
  BOOST_TEST(becomes(
      "select count(*) from pg_stat_activity where application_name = 'jobd' and wait_event_type = 'Lock'",
      "1"));
  killed.kill9();
  const auto second = applied(migrate());
  BOOST_TEST(second > 0);
  BOOST_TEST(second == count("schema_migrations"));
  BOOST_TEST(post_job(R"({"object_id": 1})").status == 201);
}

BOOST_AUTO_TEST_CASE(api_and_worker_refuse_a_database_without_schema) {
  expect_refusal("api");
  expect_refusal("worker");
}

BOOST_AUTO_TEST_CASE(api_and_worker_refuse_an_older_schema) {
  migrate();
  sql("delete from schema_migrations where version = (select max(version) from schema_migrations)");
  expect_refusal("api");
  expect_refusal("worker");
}

BOOST_AUTO_TEST_CASE(api_and_worker_run_on_a_newer_schema) {
  migrate();
  sql("insert into schema_migrations (version, name) values (9999, 'of the next release')");
  start_worker();
  const auto id = new_job(R"({"object_id": 1})");
  BOOST_TEST(reaches(id, "success"));
}

BOOST_AUTO_TEST_CASE(old_program_leaves_a_newer_schema_alone) {
  migrate();
  sql("insert into schema_migrations (version, name) values (9999, 'of the next release')");
  BOOST_TEST(applied(migrate()) == 0);
}

BOOST_AUTO_TEST_CASE(broken_database_is_told_from_one_that_is_away) {
  sql("create table jobs (x int)");
  auto& process = start({"migrate"});
  BOOST_TEST(process.exit_code().value_or(-1) == 1);
  BOOST_TEST(process.log().find("already exists") != std::string::npos);
  BOOST_TEST(count("schema_migrations") == 0);
}

BOOST_AUTO_TEST_SUITE_END()

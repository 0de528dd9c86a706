#include "storage/postgres_store.hpp"

#include "storage/migrate.hpp"
#include "storage/migrations.hpp"
#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

#include <future>

/// What only the store on PostgreSQL has: locks, a schema, a server that goes away.

namespace jobd::test {
namespace {

using clock_type = std::chrono::steady_clock;

/// Whatever else runs on the machine: so much may a deadline be missed by.
constexpr auto slack = 1'500ms;

struct running_server {
  ~running_server() { postgres_backend::server().resume(); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(postgres)

// ---------------------------------------------------------------- locks

BOOST_AUTO_TEST_CASE(what_is_locked_is_skipped) {
  const auto b = postgres_backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto dead = new_node(*s);
  const auto ids = create_many(*s, 3);
  const auto held = running_job(*s, dead, 50);
  const auto free = running_job(*s, dead, 51);
  b.age_beat(dead, 60s);
  auto other = other_session{b};
  other.exec("begin; select from jobs where id in (" + std::to_string(ids[0]) + ", " + std::to_string(held.id)
             + ") for update");
  BOOST_TEST(ids_of(claim(*s, heads(node, 1))) == (id_list{ids[1]}), boost::test_tools::per_element());
  BOOST_TEST(ids_of(claim(*s, hinted(node, ids))) == (id_list{ids[2]}), boost::test_tools::per_element());
  BOOST_TEST(ids_of(must(s->rescue(seen(*s, node, dead)))) == (id_list{free.id}),
             boost::test_tools::per_element());
  other.exec("rollback");
  BOOST_TEST((must(s->beat(node)).orphaning == std::vector{dead}));
}

BOOST_AUTO_TEST_CASE(victim_of_a_deadlock_runs_again) {
  const auto b = postgres_backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto first = running_job(*s, node, 1);
  const auto second = running_job(*s, node, 2);
  auto other = other_session{b};
  // The database ends whoever has waited longest: the store.
  other.exec("set deadlock_timeout = '20s'");
  other.exec("begin; select from jobs where id = " + std::to_string(second.id) + " for update");
  auto answer = std::async(std::launch::async, [&] {
    return s->flush({{ended(node, second, event::succeed), ended(node, first, event::succeed)}, {}, {}});
  });
  await_blocked(b);
  other.exec("select from jobs where id = " + std::to_string(first.id) + " for update");
  other.exec("commit");
  for (const auto accepted : must(answer.get()).finishes)
    BOOST_CHECK(accepted == finish_answer::accepted);
}

BOOST_AUTO_TEST_CASE(retry_that_waited_for_a_cancel_is_one) {
  const auto b = postgres_backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node, 1);
  auto other = other_session{b};
  other.exec("begin; update jobs set cancel_requested = true where id = " + std::to_string(run.id));
  auto answer = std::async(std::launch::async, [&] {
    return s->flush({{ended(node, run, event::retry)}, {}, {}});
  });
  await_blocked(b);
  other.exec("commit");
  BOOST_CHECK(must(answer.get()).finishes.at(0) == finish_answer::cancelled);
  BOOST_CHECK(read(*s, run.id).status == job_status::cancelled);
  BOOST_TEST(must(s->history(run.id)).size() == 1U);
}

BOOST_AUTO_TEST_CASE(create_that_waited_for_another_gets_its_id) {
  const auto b = postgres_backend{};
  const auto s = b.open();
  auto other = other_session{b};
  other.exec("begin; insert into job_dedupe values ('default', 1, 4711, timezone('utc', now()) + interval '1 "
             "hour')");
  auto answer = std::async(std::launch::async, [&] { return s->flush({{}, {}, {spec_of(1), spec_of(2)}}); });
  await_blocked(b);
  other.exec("commit");
  const auto made = must(answer.get()).creates;
  BOOST_TEST(must(made.at(0)).id == 4711);
  BOOST_TEST(made.at(0)->duplicate);
  BOOST_TEST(!must(made.at(1)).duplicate);
}

// ---------------------------------------------------------------- schema

BOOST_AUTO_TEST_CASE(store_refuses_a_schema_that_is_older) {
  const auto b = postgres_backend{"template1"};
  const auto s = b.closed();
  const auto refused = s->connect();
  BOOST_CHECK(code(refused) == ec::schema_old);
  const auto needed = std::to_string(storage::migrations().back().version);
  BOOST_TEST(refused.error().context
             == "the database has schema 0 and this program needs " + needed + ": run `jobd migrate`");
  BOOST_CHECK(code(s->find({})) == ec::store_away);
  must(storage::migrate(b.server().url(b.database)));
  must(s->connect());
}

BOOST_AUTO_TEST_CASE(newer_schema_is_fine) {
  const auto b = postgres_backend{};
  b.sql("insert into schema_migrations (version, name) values (9999, '9999_later')");
  must(b.closed()->connect());
}

BOOST_AUTO_TEST_CASE(migrations_are_applied_once) {
  const auto b = postgres_backend{"template1"};
  const auto all = static_cast<int>(storage::migrations().size());
  BOOST_TEST(must(storage::migrate(b.server().url(b.database))) == all);
  BOOST_TEST(must(storage::migrate(b.server().url(b.database))) == 0);
  BOOST_TEST(b.count("schema_migrations") == all);
}

BOOST_AUTO_TEST_CASE(eight_nodes_migrate_at_once_and_one_does_the_work) {
  const auto b = postgres_backend{"template1"};
  auto applied = std::vector<std::future<expected<int>>>{};
  for (auto i = 0; i < 8; ++i)
    applied.push_back(
        std::async(std::launch::async, [&] { return storage::migrate(b.server().socket_url(b.database)); }));
  auto sum = 0;
  for (auto& one : applied)
    sum += must(one.get());
  BOOST_TEST(sum == static_cast<int>(storage::migrations().size()));
}

BOOST_AUTO_TEST_CASE(failed_migration_leaves_nothing) {
  const auto b = postgres_backend{"template1"};
  b.sql("create table job_dedupe (in_the_way integer)");
  const auto failed = storage::migrate(b.server().url(b.database));
  BOOST_CHECK(code(failed) == ec::internal);
  BOOST_TEST(failed.error().context.find("0001_jobs") != std::string::npos);
  BOOST_TEST(b.value("select to_regclass('jobs') is null") == "t");
  BOOST_TEST(b.count("schema_migrations") == 0);
}

// ---------------------------------------------------------------- errors

BOOST_AUTO_TEST_CASE(store_is_closed_until_it_is_connected) {
  const auto b = postgres_backend{};
  const auto s = b.closed();
  BOOST_CHECK(code(s->flush({{}, {}, {spec_of(1)}})) == ec::store_away);
  BOOST_CHECK(code(s->beat(1)) == ec::store_away);
  must(s->connect());
  BOOST_TEST(create(*s, spec_of(1)).id > 0);
}

BOOST_AUTO_TEST_CASE(one_plan_does_for_each_statement) {
  const auto b = postgres_backend{};
  auto other = other_session{b};
  const auto sum = storage::statement{"sum", "select sum(n) from unnest($1::bigint[]) n"};
  for (auto of = std::size_t{1}; of < 9; ++of)
    BOOST_REQUIRE(other.pg.exec(sum, storage::parameters{}.add(storage::column<std::int64_t>(of, 1))));
  const auto r = other.pg.exec_text("select generic_plans, custom_plans from pg_prepared_statements");
  BOOST_REQUIRE(r);
  BOOST_TEST(r->text(0, 0) == "8");
  BOOST_TEST(r->text(0, 1) == "0");
}

BOOST_AUTO_TEST_CASE(sessions_are_durable_and_have_a_name) {
  const auto b = postgres_backend{};
  b.sql("alter database " + b.database + " set synchronous_commit = off");
  b.sql("alter database " + b.database + " set default_transaction_isolation = 'serializable'");
  auto other = other_session{b};
  const auto shown =
      other.pg.exec_text("select current_setting('synchronous_commit'), current_setting('timezone'),"
                         " current_setting('transaction_isolation'), current_setting('application_name'),"
                         " current_setting('statement_timeout')");
  BOOST_REQUIRE(shown.has_value());
  BOOST_TEST(shown->text(0, 0) == "on");
  BOOST_TEST(shown->text(0, 1) == "UTC");
  BOOST_TEST(shown->text(0, 2) == "read committed");
  BOOST_TEST(shown->text(0, 3) == "jobd");
  BOOST_TEST(shown->text(0, 4) == "9s");
}

BOOST_AUTO_TEST_CASE(no_error_shows_the_password) {
  const auto port = std::to_string(postgres_backend::server().port());
  const auto urls = std::vector<std::string>{
      "postgresql://u:s3cret@127.0.0.1:1/x",
      "postgresql://u:s3cret@127.0.0.1:" + port + "/none",
      "postgresql://u:s3cret@127.0.0.1:s3cret/x",
      "postgresql://u:/s3cret@h/x",
      "postgresql://u:a@s3cret@h/x",
      "postgresql://u:%zzs3cret@h/x",
      "postgresql://u:12/s3cret@127.0.0.1/x",
      "host=h password='s3cret",
      "host=h password=x s3cret",
  };
  for (const auto& url : urls) {
    const auto refused = storage::make_postgres_store({url, {}, 2s})->connect();
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST(!refused.error().context.empty());
    BOOST_TEST(refused.error().context.find("s3cret") == std::string::npos,
               url << ": " << refused.error().context);
    BOOST_TEST(refused.error().context.find('\n') == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(no_call_outlasts_its_deadline_when_the_server_hangs) {
  const auto b = postgres_backend{};
  constexpr auto deadline = 300ms;
  const auto node = new_node(*b.open());
  const auto within = [&](const char* what, auto call, ec expected) {
    const auto s = b.open({}, deadline);
    const auto resumed = running_server{};
    b.server().pause();
    const auto start = clock_type::now();
    const auto got = call(*s);
    BOOST_TEST((clock_type::now() - start < deadline + slack), what);
    BOOST_TEST((clock_type::now() - start >= deadline), what);
    BOOST_TEST(to_string(got) == to_string(expected), what);
    BOOST_CHECK(code(s->find({})) == ec::store_away);
  };
  const auto one = job_spec{};
  within(
      "find", [](storage::store& s) { return code(s.find(id_list{1})); }, ec::store_away);
  // Preparing a statement comes first, so nothing is uncertain.
  within(
      "create",
      [&](storage::store& s) {
        return code(s.flush({{}, {}, {one}}));
      },
      ec::store_away);
  within(
      "beat", [&](storage::store& s) { return code(s.beat(node)); }, ec::store_away);
  within(
      "connect", [&](storage::store& s) { return code(s.connect()); }, ec::store_away);
  within(
      "several",
      [&](storage::store& s) {
        return code(s.flush({{}, {heads(node)}, {one}}));
      },
      ec::store_away);
}

BOOST_AUTO_TEST_CASE(create_without_an_answer_is_uncertain) {
  const auto b = postgres_backend{};
  const auto s = b.open({}, 500ms);
  create(*s, spec_of(1));
  const auto resumed = running_server{};
  b.server().pause();
  BOOST_CHECK(code(s->flush({{}, {}, {spec_of(1)}})) == ec::store_uncertain);
  b.server().resume();
  BOOST_TEST(eventually([&] { return b.count("jobs") == 2; }));
}

BOOST_AUTO_TEST_CASE(statement_that_waits_too_long_is_ended_by_the_server_and_wrote_nothing) {
  const auto b = postgres_backend{};
  const auto s = b.open({}, 500ms);
  create(*s, spec_of(1));
  auto other = other_session{b};
  other.exec("begin; lock table jobs in exclusive mode");
  BOOST_CHECK(code(s->flush({{}, {}, {spec_of(1)}})) == ec::store_away);
  other.exec("commit");
  BOOST_TEST(b.count("jobs") == 1);
  must(s->connect());
}

BOOST_AUTO_TEST_CASE(lost_answer_is_resolved_by_the_key) {
  const auto b = postgres_backend{};
  const auto s = b.open();
  create(*s, spec_of(1));
  auto other = other_session{b};
  other.exec("begin; lock table jobs in exclusive mode");
  auto answer = std::async(std::launch::async, [&] { return s->flush({{}, {}, {spec_of(1), spec_of(2)}}); });
  await_blocked(b);
  b.sql("select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'");
  await_blocked(b);
  other.exec("commit");
  const auto made = must(answer.get()).creates;
  BOOST_TEST(must(made.at(0)).id == 1);
  BOOST_TEST(must(made.at(1)).id > 1);
  BOOST_TEST(b.count("jobs") == 2);
}

BOOST_AUTO_TEST_CASE(broken_connection_is_uncertain_only_after_the_commit_was_sent) {
  const auto b = postgres_backend{};
  const auto node = new_node(*b.open());
  const auto broken = [&](const storage::batch& batch) {
    const auto s = b.open({});
    create(*s, spec_of(1));
    auto other = other_session{b};
    other.exec("begin; lock table jobs in exclusive mode");
    auto answer = std::async(std::launch::async, [&] { return s->flush(batch); });
    await_blocked(b);
    b.sql("select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'");
    const auto got = code(answer.get());
    other.exec("rollback");
    must(s->connect());
    return got;
  };
  // A single statement is its own commit.
  BOOST_TEST(to_string(broken({{}, {}, {spec_of(1)}})) == to_string(ec::store_uncertain));
  BOOST_TEST(to_string(broken({{}, {heads(node, 1)}, {spec_of(1)}})) == to_string(ec::store_away));
}

BOOST_AUTO_TEST_CASE(store_comes_back_after_the_server_did) {
  const auto b = postgres_backend{};
  const auto s = b.open({});
  const auto before = create(*s, spec_of(1)).id;
  for (const auto kill : {true, false}) {
    if (kill)
      b.server().kill9();
    else
      b.server().stop();
    // The server went while nothing was under way, so nothing is uncertain.
    BOOST_CHECK(code(s->flush({{}, {}, {spec_of(2)}})) == ec::store_away);
    BOOST_CHECK(code(s->connect()) == ec::store_away);
    b.server().start();
    must(s->connect());
    BOOST_TEST(read(*s, before).object_id == 1);
    BOOST_TEST(create(*s, spec_of(2)).id > before);
  }
}

BOOST_AUTO_TEST_CASE(standby_that_only_reads_is_away) {
  const auto b = postgres_backend{};
  b.sql("alter database " + b.database + " set default_transaction_read_only = on");
  const auto s = b.open();
  BOOST_CHECK(code(s->flush({{}, {}, {spec_of(1)}})) == ec::store_away);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

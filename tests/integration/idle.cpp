#include "tests/integration/handlers.hpp"

#include <boost/test/unit_test.hpp>

#include <sstream>

/// What nodes with nothing to do ask of PostgreSQL.

using namespace jobd::test;

namespace {

/// Promised: fewer statements a second.
constexpr auto promised = 2.0;

struct idle_cluster : script_cluster {
  idle_cluster() { sql("alter database " + database() + " set log_statement = 'all'"); }

  settings named(const std::string& name) {
    return {{"DATABASE_URL", database_url() + "?application_name=" + name}};
  }

  [[nodiscard]] std::string log_path() {
    return value("select current_setting('data_directory') || '/../log'");
  }
  [[nodiscard]] std::int64_t log_size() {
    return number("select size from pg_stat_file('" + log_path() + "')");
  }
  [[nodiscard]] double clock() { return std::stod(value("select extract(epoch from now())")); }

  /// Statements in the server's log from a place on, of the sessions that a node has now.
  int statements(const std::string& node, std::int64_t from) {
    auto marks = std::vector<std::string>{};
    for (const auto& row : sql("select pid from pg_stat_activity where application_name = '" + node + "'"))
      marks.push_back("[" + row[0] + "] LOG:  ");
    BOOST_REQUIRE(!marks.empty());
    auto log = std::istringstream{
        value("select pg_read_file('" + log_path() + "', " + std::to_string(from) + ", 100000000)")};
    auto n = 0;
    for (auto line = std::string{}; std::getline(log, line);)
      for (const auto& mark : marks)
        if (const auto at = line.find(mark); at != std::string::npos)
          n += line.find("execute ", at) != std::string::npos
               || line.find("statement: ", at) != std::string::npos;
    return n;
  }

  void check_pace(const std::vector<std::string>& nodes) {
    const auto from = log_size();
    const auto began = clock();
    BOOST_REQUIRE(eventually([&] { return clock() - began >= 12; }, 60s, 500ms));
    const auto took = clock() - began;
    for (const auto& node : nodes) {
      const auto n = statements(node, from);
      BOOST_TEST_MESSAGE(node << " sent " << n << " statements in " << took << " s");
      // Its beats at least are among them.
      BOOST_TEST(n >= 4);
      BOOST_TEST(n / took < promised);
    }
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(idle, idle_cluster)

BOOST_AUTO_TEST_CASE(nodes_with_nothing_to_do_send_fewer_than_two_statements_a_second) {
  start_api(named("idle_api"));
  cluster::start_worker(named("idle_worker"));
  // Some work first, so that all that they have is in use.
  submit(20, "");
  BOOST_REQUIRE(jobs_are("success", 20));
  BOOST_REQUIRE(becomes("select count(*) from nodes where heartbeat_at > started_at + interval '3 s'", "2"));
  check_pace({"idle_api", "idle_worker"});
}

BOOST_AUTO_TEST_CASE(a_worker_without_its_queue_looks_for_work_at_a_modest_pace) {
  redis().kill9();
  auto& worker = cluster::start_worker(named("idle_worker"));
  BOOST_REQUIRE(worker.says("hears nothing from the queue"));
  BOOST_REQUIRE(becomes("select count(*) from nodes where heartbeat_at > started_at + interval '3 s'", "1"));
  check_pace({"idle_worker"});
}

BOOST_AUTO_TEST_CASE(the_pace_without_the_queue_is_the_same_for_many_queues) {
  redis().kill9();
  auto many = named("idle_worker");
  many["JOB_QUEUES"] = "a,b,c,d";
  auto& worker = cluster::start_worker(many);
  BOOST_REQUIRE(worker.says("hears nothing from the queue"));
  BOOST_REQUIRE(becomes("select count(*) from nodes where heartbeat_at > started_at + interval '3 s'", "1"));
  check_pace({"idle_worker"});
}

BOOST_AUTO_TEST_SUITE_END()

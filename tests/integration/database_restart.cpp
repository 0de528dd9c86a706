#include "tests/integration/handlers.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <set>

/// PostgreSQL goes away while jobs run: outcomes are kept and written, and nobody is taken for dead.

using namespace jobd::test;

namespace {

constexpr auto at_a_time = 6;
constexpr auto jobs = 15;

struct restart_cluster : script_cluster {
  /// Runs jobs on two workers, and lets the first ones end while the database is away.
  void check_outage(const std::string& seconds, const std::function<void()>& away,
                    const std::function<void()>& back) {
    const auto work = script("note start; sleep " + seconds + "; note end; echo $JOB_ATTEMPT");
    const auto half = settings{{"JOB_CONCURRENCY", std::to_string(at_a_time / 2)}};
    auto& a = start_worker("a", {{"work", work}}, half);
    auto& b = start_worker("b", {{"work", work}}, half);
    submit(jobs, R"("type":"work")");
    BOOST_REQUIRE(noted("start", at_a_time));
    const auto began = steady::now();
    away();
    BOOST_REQUIRE(noted("end", at_a_time, 40s));
    back();
    BOOST_TEST_MESSAGE("the database was away for " << seconds_since(began) << " s");
    BOOST_REQUIRE(jobs_are("success", jobs, 60s));
    // No job ran twice, whatever became of the answers to claims.
    auto ran = std::set<std::int64_t>{};
    for (const auto& n : notes("start"))
      BOOST_TEST(ran.insert(n.job).second);
    BOOST_TEST(ran.size() == static_cast<std::size_t>(jobs));
    BOOST_TEST(count("jobs where failures > 0 or recoveries > 0 or result is null") == 0);
    BOOST_TEST(count("jobs where attempt > 2") == 0);
    BOOST_TEST(count("nodes where slots > 0") == 2);
    BOOST_TEST(a.log().find("starts anew") == std::string::npos);
    BOOST_TEST(b.log().find("starts anew") == std::string::npos);
    BOOST_TEST(reaches(submit(""), "success"));
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(database_restart, restart_cluster)

BOOST_AUTO_TEST_CASE(a_restart_in_good_order_costs_no_job) {
  check_outage(
      "2", [] { postgres().stop(postgres_server::how::fast); }, [] { postgres().start(); });
}

BOOST_AUTO_TEST_CASE(an_immediate_restart_costs_no_job) {
  check_outage(
      "2", [] { postgres().stop(postgres_server::how::immediate); }, [] { postgres().start(); });
}

BOOST_AUTO_TEST_CASE(a_crash_and_an_outage_longer_than_any_lease_cost_no_job) {
  check_outage(
      "12", [] { postgres().kill9(); }, [] { postgres().start(); });
}

BOOST_AUTO_TEST_CASE(a_database_that_hangs_costs_no_job) {
  check_outage(
      "3", [] { postgres().pause(); }, [] { postgres().resume(); });
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/integration/handlers.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

/// How many jobs a worker takes, and how workers share.

using namespace jobd::test;

namespace {

constexpr auto most_on_one_node =
    "select coalesce(max(n), 0) from"
    " (select count(*) as n from jobs where status = 'running' group by node_id) nodes";

struct prefetch_cluster : script_cluster {
  /// The most runs of a worker at a time, by the order of its notes.
  int most_at_a_time(const std::string& worker) {
    auto now = 0;
    auto most = 0;
    for (const auto& n : all_notes()) {
      if (n.worker == worker)
        now += n.what == "start" ? 1 : -1;
      most = std::max(most, now);
    }
    return most;
  }

  /// Until all jobs are done: the most rows that run on one node, and the most jobs that were taken from the
  /// queue and are not done.
  struct peaks {
    std::int64_t running = 0;
    std::int64_t reserved = 0;
  };
  peaks watch(int jobs) {
    auto seen = peaks{};
    BOOST_TEST(eventually(
        [&] {
          const auto queued = redis().zcard("jobd:{default}:ready");
          // Read after the queue, so that a job that ends in between makes the sum too small rather than too
          // large.
          const auto done = count("jobs where status = 'success'");
          seen.reserved = std::max(seen.reserved, jobs - queued - done);
          seen.running = std::max(seen.running, number(most_on_one_node));
          return done == jobs;
        },
        60s));
    return seen;
  }
};

const auto second = script("note start; sleep 0.6; note end");

} // namespace

BOOST_FIXTURE_TEST_SUITE(prefetch, prefetch_cluster)

BOOST_AUTO_TEST_CASE(a_worker_runs_no_more_than_its_concurrency_and_reserves_no_more_than_its_prefetch) {
  submit(20, R"("type":"second")");
  start_worker("a", {{"second", second}}, {{"JOB_CONCURRENCY", "3"}, {"JOB_PREFETCH", "5"}});
  const auto seen = watch(20);
  BOOST_TEST(most_at_a_time("a") == 3);
  BOOST_TEST(notes("start").size() == 20U);
  BOOST_TEST(seen.running <= 5);
  BOOST_TEST(seen.running >= 3);
  BOOST_TEST(seen.reserved <= 5);
  // It does reserve more than it can run.
  BOOST_TEST(seen.reserved >= 4);
}

BOOST_AUTO_TEST_CASE(a_prefetch_below_the_concurrency_bounds_it) {
  submit(8, R"("type":"second")");
  start_worker("a", {{"second", second}}, {{"JOB_CONCURRENCY", "4"}, {"JOB_PREFETCH", "2"}});
  const auto seen = watch(8);
  BOOST_TEST(most_at_a_time("a") == 2);
  BOOST_TEST(seen.running <= 2);
  BOOST_TEST(seen.reserved <= 2);
}

BOOST_AUTO_TEST_CASE(the_bounds_hold_without_the_queue) {
  redis().kill9();
  submit(12, R"("type":"second")");
  start_worker("a", {{"second", second}}, {{"JOB_CONCURRENCY", "3"}, {"JOB_PREFETCH", "4"}});
  BOOST_REQUIRE(jobs_are("success", 12, 40s));
  BOOST_TEST(most_at_a_time("a") <= 3);
  BOOST_TEST(most_at_a_time("a") >= 2);
}

/// A second worker that comes when the first has reserved everything gets its share, and both work until
/// nothing is left: no gap is longer than the 5 s after which a reserved job goes back.
BOOST_AUTO_TEST_CASE(of_two_workers_neither_idles_while_the_other_holds_unstarted_jobs) {
  const auto slow = script("note start; sleep 2; note end");
  const auto one_at_a_time = settings{{"JOB_CONCURRENCY", "1"}, {"JOB_PREFETCH", "100"}};
  submit(14, R"("type":"slow")");
  start_worker("a", {{"slow", slow}}, one_at_a_time);
  BOOST_REQUIRE(noted("start", 1));
  start_worker("b", {{"slow", slow}}, one_at_a_time);
  const auto b_is_there = std::stod(value("select extract(epoch from now())"));
  BOOST_REQUIRE(jobs_are("success", 14, 60s));

  const auto starts = notes("start");
  const auto last_start = starts.back().at;
  auto ready_since = std::map<std::string, double>{{"a", starts.front().at}, {"b", b_is_there}};
  auto longest = std::map<std::string, double>{};
  for (const auto& n : all_notes()) {
    if (n.what == "start")
      longest[n.worker] = std::max(longest[n.worker], n.at - ready_since[n.worker]);
    else
      ready_since[n.worker] = n.at;
  }
  // Who had no more start was idle only after the last one.
  for (const auto& [worker, since] : ready_since)
    longest[worker] = std::max(longest[worker], last_start - since);
  BOOST_TEST_MESSAGE("a idled for " << longest["a"] << " s at most, b for " << longest["b"] << " s");
  BOOST_TEST(longest["a"] < 6);
  BOOST_TEST(longest["b"] < 6);
  BOOST_TEST(std::ranges::count(starts, "a", &note::worker) >= 4);
  BOOST_TEST(std::ranges::count(starts, "b", &note::worker) >= 4);
  // Hints are written twice at times, but no job is run twice.
  BOOST_TEST(starts.size() == 14U);
}

BOOST_AUTO_TEST_SUITE_END()

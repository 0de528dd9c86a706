#include "http/explain.hpp"

#include <boost/test/unit_test.hpp>

using namespace jobd;

namespace {

const auto noon = *parse_rfc3339("2026-01-31T12:00:00Z");

/// A job that is ready and first in its queue.
storage::explanation ready() {
  auto e = storage::explanation{.what = {}, .ahead = 0, .has_worker = true, .blocked_by = {}};
  e.what.id = 5;
  e.what.object_id = 42;
  e.what.type = "mail";
  e.what.queue = "fast";
  return e;
}

http::reason only(const storage::explanation& e) {
  const auto all = http::explain(e);
  BOOST_REQUIRE(all.size() == 1U);
  return all.front();
}

} // namespace

BOOST_AUTO_TEST_SUITE(explain)

BOOST_AUTO_TEST_CASE(an_ended_job_tells_how_it_ended) {
  for (const auto status : {job_status::success, job_status::failed, job_status::cancelled}) {
    auto e = ready();
    e.what.status = status;
    e.what.end_time = noon;
    e.has_worker = false;
    e.blocked_by = 3;
    BOOST_TEST(only(e).code == "final");
    BOOST_TEST(only(e).detail
               == "the job has ended: " + std::string{to_string(status)} + " at 2026-01-31T12:00:00.000000Z");
    e.what.message = "exit code 1";
    BOOST_TEST(only(e).detail.ends_with(", with the message: exit code 1"));
  }
}

BOOST_AUTO_TEST_CASE(a_running_job_tells_where_and_since_when) {
  auto e = ready();
  e.what.status = job_status::running;
  e.what.attempt = 2;
  e.what.node = 3;
  e.what.start_time = noon;
  BOOST_TEST(only(e).code == "running");
  BOOST_TEST(only(e).detail == "attempt 2 runs on node 3 since 2026-01-31T12:00:00.000000Z");
  BOOST_TEST(only(e).node.value() == 3);
  e.what.cancel_requested = true;
  BOOST_TEST(only(e).detail.ends_with(" and was asked to end"));
}

BOOST_AUTO_TEST_CASE(a_later_job_tells_when) {
  auto e = ready();
  e.what.ready = false;
  e.what.run_at = noon;
  BOOST_TEST(only(e).code == "scheduled");
  BOOST_TEST((only(e).until == noon));
  e.what.failures = 1;
  e.what.max_attempts = 3;
  BOOST_TEST(only(e).code == "retry_at");
  BOOST_TEST(only(e).detail == "1 of 3 attempts have failed; the next one is at 2026-01-31T12:00:00.000000Z");
  BOOST_TEST((only(e).until == noon));
}

BOOST_AUTO_TEST_CASE(a_time_that_is_over_is_no_reason) {
  auto e = ready();
  e.what.run_at = noon;
  BOOST_TEST(only(e).code == "queued");
}

BOOST_AUTO_TEST_CASE(a_busy_object_names_the_job_that_holds_it) {
  auto e = ready();
  e.what.ready = false;
  e.blocked_by = 9;
  BOOST_TEST(only(e).code == "object_busy");
  BOOST_TEST(only(e).blocked_by.value() == 9);
  BOOST_TEST(only(e).detail
             == "job 9 of type mail runs for object 42, and object_limit allows one at a time");
}

BOOST_AUTO_TEST_CASE(a_missing_worker_is_told_with_type_and_queue) {
  auto e = ready();
  e.has_worker = false;
  BOOST_TEST(only(e).code == "no_worker");
  BOOST_TEST(only(e).detail == "no live worker takes type mail from queue fast");
}

BOOST_AUTO_TEST_CASE(a_paused_queue_is_told_but_not_of_a_job_that_runs) {
  auto e = ready();
  e.paused = true;
  BOOST_TEST(only(e).code == "paused");
  BOOST_TEST(only(e).detail == "queue fast is paused");
  e.what.status = job_status::running;
  BOOST_TEST(only(e).code == "running");
}

BOOST_AUTO_TEST_CASE(a_queued_job_tells_how_many_are_before_it) {
  auto e = ready();
  BOOST_TEST(only(e).detail == "0 ready jobs are before it in queue fast");
  e.ahead = 999;
  BOOST_TEST(only(e).detail == "999 ready jobs are before it in queue fast");
  for (const auto ahead : {storage::most_ahead, storage::most_ahead + 5}) {
    e.ahead = ahead;
    BOOST_TEST(only(e).detail == "at least 1000 ready jobs are before it in queue fast");
    BOOST_TEST(only(e).ahead.value() == 1'000);
  }
}

BOOST_AUTO_TEST_CASE(a_job_whose_workers_died_waits_for_a_worker_without_another_such) {
  auto e = ready();
  e.what.recoveries = 1;
  BOOST_TEST(only(e).code == "queued");
  e.what.recoveries = 2;
  BOOST_TEST(only(e).code == "suspect");
  BOOST_TEST(
      only(e).detail
      == "its workers died 2 times while running it, so it waits for a worker that runs no other such job");
  // It does not wait for one that is not there.
  e.has_worker = false;
  BOOST_TEST(only(e).code == "no_worker");
}

BOOST_AUTO_TEST_CASE(all_reasons_that_hold_are_told) {
  auto e = ready();
  e.what.ready = false;
  e.what.run_at = noon;
  e.has_worker = false;
  e.blocked_by = 9;
  const auto all = http::explain(e);
  BOOST_REQUIRE(all.size() == 3U);
  BOOST_TEST(all[0].code == "scheduled");
  BOOST_TEST(all[1].code == "object_busy");
  BOOST_TEST(all[2].code == "no_worker");
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(finishes)

BOOST_AUTO_TEST_CASE_TEMPLATE(success_keeps_result_and_node, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  BOOST_CHECK(finish(*s, ended(node, run, event::succeed, R"({"n": 1})", "done")) == finish_answer::accepted);
  const auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::success);
  BOOST_TEST(j.result.value() == R"({"n": 1})");
  BOOST_TEST(j.message.value() == "done");
  BOOST_TEST((j.end_time.value() >= j.start_time.value()));
  BOOST_TEST(j.node.value() == node);
  BOOST_TEST(j.failures == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(success_without_result_or_message_has_none, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  finish(*s, ended(node, run, event::succeed));
  BOOST_TEST(!read(*s, run.id).result.has_value());
  BOOST_TEST(!read(*s, run.id).message.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(failure_counts_and_says_why, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  finish(*s, ended(node, run, event::fail, {}, "exit code 3"));
  const auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::failed);
  BOOST_TEST(j.message.value() == "exit code 3");
  BOOST_TEST(j.end_time.has_value());
  BOOST_TEST(j.failures == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(retry_waits_for_its_backoff, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  finish(*s, ended(node, run, event::retry, {}, "try me again"));
  auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::created);
  BOOST_TEST(!j.ready);
  BOOST_TEST(j.failures == 1);
  BOOST_TEST(j.message.value() == "try me again");
  BOOST_TEST((j.run_at.value() - j.end_time.value() == 60s));
  BOOST_TEST(claim(*s, heads(node)).empty());

  b.age_job(run.id, 61s);
  BOOST_TEST(ids_of(must(s->promote(10)).hints) == (id_list{run.id}), boost::test_tools::per_element());
  const auto jobs = claim(*s, heads(node));
  BOOST_REQUIRE_EQUAL(jobs.size(), 1u);
  BOOST_TEST(jobs[0].attempt == 2);
  BOOST_TEST(jobs[0].failures == 1);
  j = read(*s, run.id);
  BOOST_TEST(!j.end_time.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(release_spends_no_retry_and_leaves_the_job_ready, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  BOOST_CHECK(finish(*s, ended(node, run, event::release)) == finish_answer::accepted);
  const auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::created);
  BOOST_TEST(j.ready);
  BOOST_TEST(j.failures == 0);
  BOOST_TEST(j.recoveries == 0);
  BOOST_TEST(!j.node.has_value());
  BOOST_TEST(!j.start_time.has_value());
  BOOST_TEST(!j.end_time.has_value());
  const auto jobs = claim(*s, heads(node));
  BOOST_REQUIRE_EQUAL(jobs.size(), 1u);
  BOOST_TEST(jobs[0].attempt == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(same_finish_again_is_accepted_and_changes_nothing, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto object = 0;
  for (const auto what : {event::succeed, event::fail, event::retry, event::release}) {
    const auto f = ended(node, running_job(*s, node, ++object), what);
    BOOST_CHECK(finish(*s, f) == finish_answer::accepted);
    const auto before = b.row(f.run.id);
    BOOST_CHECK(finish(*s, f) == finish_answer::accepted);
    BOOST_TEST(b.row(f.run.id) == before);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(late_result_of_a_lost_lease_is_rejected, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto dead = new_node(*s);
  const auto node = new_node(*s);
  const auto run = running_job(*s, dead);
  b.age_beat(dead, 60s);
  must(s->rescue(seen(*s, node, dead)));
  BOOST_CHECK(finish(*s, ended(dead, run, event::succeed)) == finish_answer::stale);
  BOOST_REQUIRE_EQUAL(claim(*s, heads(node)).size(), 1u);
  BOOST_CHECK(finish(*s, ended(dead, run, event::succeed)) == finish_answer::stale);
  BOOST_CHECK(finish(*s, ended(dead, run, event::release)) == finish_answer::stale);
  const auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::running);
  BOOST_TEST(j.node.value() == node);
  BOOST_TEST(j.attempt == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(release_of_a_run_that_a_rescue_took_is_stale, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto dead = new_node(*s);
  const auto node = new_node(*s);
  const auto back = running_job(*s, dead, 1);
  const auto ended_by_rescue = running_job(*s, dead, 2);
  must(s->cancel(id_list{ended_by_rescue.id}));
  b.age_beat(dead, 60s);
  must(s->rescue(seen(*s, node, dead)));
  BOOST_CHECK(read(*s, back.id).status == job_status::created);
  BOOST_CHECK(read(*s, ended_by_rescue.id).status == job_status::cancelled);
  // To accept it would be to tell the world that both are ready again, by the word of a node that lost them.
  for (const auto& run : {back, ended_by_rescue})
    BOOST_CHECK(finish(*s, ended(dead, run, event::release)) == finish_answer::stale);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(finish_of_another_attempt_node_or_job_is_stale, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto other = new_node(*s);
  const auto run = running_job(*s, node);
  const auto result =
      must(s->flush({{ended(node, {run.id, 2}, event::succeed), ended(node, {run.id, 0}, event::fail),
                      ended(other, run, event::succeed), ended(node, {run.id + 999, 1}, event::succeed),
                      ended(other, run, event::release)},
                     {},
                     {}}));
  for (const auto answer : result.finishes)
    BOOST_CHECK(answer == finish_answer::stale);
  BOOST_CHECK(read(*s, run.id).status == job_status::running);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(result_that_cannot_be_stored_becomes_a_failure, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto runs = std::vector<run_key>{};
  for (auto i = 0; i < 7; ++i)
    runs.push_back(running_job(*s, node, i));
  auto finishes = std::vector<storage::finish_request>{};
  for (const auto& run : runs)
    finishes.push_back(ended(node, run, event::succeed, "1"));
  finishes[2].result = "no json";
  finishes[5] = ended(node, runs[5], event::retry, {}, "bad \xff");
  const auto result = must(s->flush({finishes, {}, {spec_of(99)}}));
  for (const auto answer : result.finishes)
    BOOST_CHECK(answer == finish_answer::accepted);
  BOOST_TEST(result.creates.at(0).has_value());
  for (const auto i : {0u, 1u, 3u, 4u, 6u})
    BOOST_CHECK(read(*s, runs[i].id).status == job_status::success);
  const auto failed = read(*s, runs[2].id);
  BOOST_CHECK(failed.status == job_status::failed);
  BOOST_TEST(failed.message.value().starts_with("the result could not be stored: "));
  const auto retried = read(*s, runs[5].id);
  BOOST_CHECK(retried.status == job_status::created);
  BOOST_TEST(!retried.ready);
  BOOST_TEST(retried.failures == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_flush_finishes_then_claims_then_creates, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  const auto result = must(s->flush({{ended(node, run, event::release)}, {heads(node)}, {spec_of(77)}}));
  BOOST_CHECK(result.finishes.at(0) == finish_answer::accepted);
  BOOST_TEST(ids_of(result.claims.at(0)) == (id_list{run.id}), boost::test_tools::per_element());
  BOOST_CHECK(read(*s, must(result.creates.at(0)).id).status == job_status::created);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(empty_flush_is_fine, backend, backends) {
  const auto b = backend{};
  BOOST_TEST(must(b.open()->flush({})).creates.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(rerun)

BOOST_AUTO_TEST_CASE_TEMPLATE(failed_or_cancelled_job_is_as_new_but_for_its_attempts, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto spec = spec_of(1, "default", 3);
  spec.expires_in = 1000s;
  spec.max_attempts = 2;
  const auto failed = running_job(*s, node, spec);
  must(s->flush({{}, {}, {}, {{node, failed, R"({"percent": 5})"}}}));
  finish(*s, ended(node, failed, event::fail, {}, "exit code 3"));
  const auto cancelled = create(*s, spec_of(2)).id;
  must(s->cancel(id_list{cancelled}));

  const auto changes = must(s->rerun(id_list{failed.id, cancelled}));
  BOOST_TEST(ids_of(changes) == (id_list{failed.id, cancelled}), boost::test_tools::per_element());
  BOOST_CHECK(changes.at(0).status == job_status::created);
  BOOST_TEST(changes.at(0).priority == 3);
  BOOST_TEST(changes.at(0).attempt == 1);
  for (const auto id : {failed.id, cancelled}) {
    const auto j = read(*s, id);
    BOOST_CHECK(j.status == job_status::created);
    BOOST_TEST(j.ready);
    BOOST_TEST(j.failures == 0);
    BOOST_TEST(j.recoveries == 0);
    BOOST_TEST(!j.cancel_requested);
    BOOST_TEST(!j.run_at.has_value());
    BOOST_TEST(!j.start_time.has_value());
    BOOST_TEST(!j.end_time.has_value());
    BOOST_TEST(!j.message.has_value());
    BOOST_TEST(!j.result.has_value());
    BOOST_TEST(!j.progress.has_value());
    BOOST_TEST(!j.expires_at.has_value());
    BOOST_TEST(!j.node.has_value());
  }
  const auto jobs = claim(*s, heads(node));
  BOOST_TEST(ids_of(jobs) == (id_list{failed.id, cancelled}), boost::test_tools::per_element());
  BOOST_TEST(jobs.at(0).attempt == 2);
  BOOST_TEST(jobs.at(0).failures == 0);
  BOOST_TEST(jobs.at(1).attempt == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(other_jobs_are_left_out, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto running = running_job(*s, node, 1);
  const auto well = running_job(*s, node, 2);
  finish(*s, ended(node, well, event::succeed));
  const auto waiting = create(*s, spec_of(3)).id;
  BOOST_TEST(must(s->rerun(id_list{running.id, well.id, waiting, 999'999})).empty());
  BOOST_TEST(must(s->rerun({})).empty());
  BOOST_CHECK(read(*s, well.id).status == job_status::success);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(last_attempt_goes_to_the_history, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  finish(*s, ended(node, run, event::fail, {}, "exit code 3"));
  must(s->rerun(id_list{run.id}));
  const auto records = must(s->history(run.id));
  BOOST_REQUIRE_EQUAL(records.size(), 1u);
  BOOST_TEST(records[0].attempt == 1);
  BOOST_TEST(records[0].outcome == "failed");
  BOOST_TEST(records[0].message.value() == "exit code 3");
  BOOST_TEST(records[0].node.value() == node);
  BOOST_TEST((records[0].end_time.value() >= records[0].start_time.value()));

  const auto again = run_key{run.id, 2};
  BOOST_REQUIRE_EQUAL(claim(*s, heads(node)).size(), 1u);
  must(s->cancel(id_list{run.id}));
  finish(*s, ended(node, again, event::cancel));
  must(s->rerun(id_list{run.id}));
  claim(*s, heads(node));
  finish(*s, ended(node, {run.id, 3}, event::succeed));
  BOOST_TEST(outcomes(*s, run.id) == (std::vector<std::string>{"1 failed", "2 cancelled", "3 success"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(attempt_that_has_its_record_gets_no_other, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  finish(*s, ended(node, run, event::release));
  must(s->cancel(id_list{run.id}));
  must(s->rerun(id_list{run.id}));
  BOOST_TEST(outcomes(*s, run.id) == std::vector<std::string>{"1 released"},
             boost::test_tools::per_element());
  // A job that never ran has no attempt.
  const auto never = create(*s, spec_of(2)).id;
  must(s->cancel(id_list{never}));
  must(s->rerun(id_list{never}));
  BOOST_TEST(must(s->history(never)).empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

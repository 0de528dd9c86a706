#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(cancel)

BOOST_AUTO_TEST_CASE_TEMPLATE(job_that_waits_is_cancelled_at_once, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto later = spec_of(2, "mail", 3, "slow");
  later.delay = 100s;
  const auto ready = create(*s, spec_of(1)).id;
  const auto scheduled = create(*s, later).id;
  const auto changes = must(s->cancel(id_list{ready, scheduled}));
  BOOST_TEST(ids_of(changes) == (id_list{ready, scheduled}), boost::test_tools::per_element());
  BOOST_CHECK(changes.at(1).status == job_status::cancelled);
  BOOST_TEST(changes.at(1).object_id == 2);
  BOOST_TEST(changes.at(1).type == "mail");
  BOOST_TEST(changes.at(1).queue == "slow");
  BOOST_TEST(changes.at(1).priority == 3);
  BOOST_TEST(!changes.at(1).node.has_value());
  for (const auto id : {ready, scheduled}) {
    const auto j = read(*s, id);
    BOOST_CHECK(j.status == job_status::cancelled);
    BOOST_TEST(j.end_time.has_value());
    BOOST_TEST(j.attempt == 0);
  }
  BOOST_TEST(claim(*s, hinted(node, {ready, scheduled})).empty());
  b.age_job(scheduled, 200s);
  BOOST_TEST(must(s->promote(10)).hints.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_that_runs_is_asked_to_end, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node, 1);
  const auto other = running_job(*s, node, 2);
  BOOST_TEST(must(s->beat(node)).cancelled.empty());
  // Again is no different: whoever tells the node may have failed to.
  for (auto n = 0; n < 2; ++n) {
    const auto changes = must(s->cancel(id_list{run.id}));
    BOOST_REQUIRE_EQUAL(changes.size(), 1u);
    BOOST_CHECK(changes[0].status == job_status::running);
    BOOST_TEST(changes[0].attempt == run.attempt);
    BOOST_TEST(changes[0].node.value() == node);
  }
  const auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::running);
  BOOST_TEST(j.cancel_requested);
  BOOST_TEST(!read(*s, other.id).cancel_requested);
  const auto report = must(s->beat(node));
  BOOST_TEST((report.cancelled == std::vector{run}));
  BOOST_TEST(report.running.size() == 2u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(jobs_that_are_over_or_unknown_are_left_out, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node, 1);
  finish(*s, ended(node, run, event::succeed));
  const auto waiting = create(*s, spec_of(2)).id;
  BOOST_TEST(must(s->cancel(id_list{run.id, waiting})).size() == 1u);
  const auto before = b.row(waiting);
  BOOST_TEST(must(s->cancel(id_list{run.id, waiting, 999'999})).empty());
  BOOST_TEST(must(s->cancel({})).empty());
  BOOST_TEST(b.row(waiting) == before);
  BOOST_CHECK(read(*s, run.id).status == job_status::success);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(end_by_cancel_is_final, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  must(s->cancel(id_list{run.id}));
  const auto f = ended(node, run, event::cancel, {}, "stopped");
  BOOST_CHECK(finish(*s, f) == finish_answer::accepted);
  const auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::cancelled);
  BOOST_TEST(j.message.value() == "stopped");
  BOOST_TEST(j.end_time.has_value());
  BOOST_TEST(j.start_time.has_value());
  BOOST_TEST(j.failures == 0);
  BOOST_TEST(!j.cancel_requested);
  BOOST_TEST(must(s->beat(node)).cancelled.empty());
  const auto before = b.row(run.id);
  BOOST_CHECK(finish(*s, f) == finish_answer::accepted);
  BOOST_TEST(b.row(run.id) == before);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_that_was_asked_to_end_does_not_go_back, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto object = 0;
  for (const auto what : {event::retry, event::release}) {
    const auto run = running_job(*s, node, ++object);
    must(s->cancel(id_list{run.id}));
    const auto f = ended(node, run, what);
    BOOST_CHECK(finish(*s, f) == finish_answer::cancelled);
    const auto j = read(*s, run.id);
    BOOST_CHECK(j.status == job_status::cancelled);
    BOOST_TEST(j.end_time.has_value());
    BOOST_TEST(j.ready);
    const auto before = b.row(run.id);
    BOOST_CHECK(finish(*s, f) == finish_answer::cancelled);
    BOOST_TEST(b.row(run.id) == before);
    BOOST_TEST(outcomes(*s, run.id) == std::vector<std::string>{"1 cancelled"},
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(end_that_came_before_the_cancel_stands, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto well = running_job(*s, node, 1);
  const auto badly = running_job(*s, node, 2);
  must(s->cancel(id_list{well.id, badly.id}));
  finish(*s, ended(node, well, event::succeed, "1"));
  finish(*s, ended(node, badly, event::fail, {}, "exit code 3"));
  BOOST_CHECK(read(*s, well.id).status == job_status::success);
  BOOST_CHECK(read(*s, badly.id).status == job_status::failed);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(rescue_cancels_what_was_asked_to_end, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto dead = new_node(*s);
  const auto run = running_job(*s, dead);
  must(s->cancel(id_list{run.id}));
  b.age_beat(dead, 60s);
  const auto changes = must(s->rescue(seen(*s, node, dead)));
  BOOST_REQUIRE_EQUAL(changes.size(), 1u);
  BOOST_CHECK(changes[0].status == job_status::cancelled);
  const auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::cancelled);
  BOOST_TEST(j.end_time.has_value());
  BOOST_CHECK(finish(*s, ended(dead, run, event::cancel)) == finish_answer::stale);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(retry_that_waits_is_cancelled_and_its_finish_again_is_accepted, backend,
                              backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  const auto f = ended(node, run, event::retry);
  finish(*s, f);
  must(s->cancel(id_list{run.id}));
  BOOST_CHECK(finish(*s, f) == finish_answer::accepted);
  BOOST_CHECK(read(*s, run.id).status == job_status::cancelled);
  BOOST_TEST(outcomes(*s, run.id) == std::vector<std::string>{"1 failed"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

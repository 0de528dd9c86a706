#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(history)

BOOST_AUTO_TEST_CASE_TEMPLATE(job_that_never_ran_has_none_and_an_unknown_one_is_not_found, backend,
                              backends) {
  const auto b = backend{};
  const auto s = b.open();
  BOOST_TEST(must(s->history(create(*s, spec_of(1)).id)).empty());
  BOOST_CHECK(code(s->history(999'999)) == ec::not_found);
  BOOST_CHECK(read(*s, 1).status == job_status::created);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(run_is_its_own_record, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  auto records = must(s->history(run.id));
  BOOST_REQUIRE_EQUAL(records.size(), 1u);
  BOOST_TEST(records[0].attempt == 1);
  BOOST_TEST(records[0].outcome == "running");
  BOOST_TEST(records[0].node.value() == node);
  BOOST_TEST(records[0].start_time.has_value());
  BOOST_TEST(!records[0].end_time.has_value());
  finish(*s, ended(node, run, event::succeed, {}, "well done"));
  records = must(s->history(run.id));
  BOOST_REQUIRE_EQUAL(records.size(), 1u);
  BOOST_TEST(records[0].outcome == "success");
  BOOST_TEST(records[0].message.value() == "well done");
  BOOST_TEST(records[0].end_time.has_value());
  // What most jobs do costs no record.
  BOOST_TEST(b.count("job_attempts") == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_goes_back_leaves_its_record, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto first = running_job(*s, node);
  finish(*s, ended(node, first, event::retry, {}, "exit code 1"));
  auto records = must(s->history(first.id));
  BOOST_REQUIRE_EQUAL(records.size(), 1u);
  BOOST_TEST(records[0].outcome == "failed");
  BOOST_TEST(records[0].message.value() == "exit code 1");
  BOOST_TEST(records[0].node.value() == node);
  BOOST_TEST((records[0].end_time.value() >= records[0].start_time.value()));

  b.age_job(first.id, 61s);
  must(s->promote(10));
  claim(*s, heads(node));
  finish(*s, ended(node, {first.id, 2}, event::release));
  records = must(s->history(first.id));
  BOOST_REQUIRE_EQUAL(records.size(), 2u);
  BOOST_TEST(records[1].outcome == "released");
  BOOST_TEST(records[1].node.value() == node);
  BOOST_TEST((records[1].end_time.value() >= records[1].start_time.value()));

  claim(*s, heads(node));
  finish(*s, ended(node, {first.id, 3}, event::fail));
  BOOST_TEST(outcomes(*s, first.id) == (std::vector<std::string>{"1 failed", "2 released", "3 failed"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(same_finish_again_leaves_no_second_record, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto object = 0;
  for (const auto what : {event::succeed, event::fail, event::retry, event::release}) {
    const auto f = ended(node, running_job(*s, node, ++object), what);
    finish(*s, f);
    finish(*s, f);
    BOOST_TEST(must(s->history(f.run.id)).size() == 1u);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(retry_again_is_accepted_also_when_the_next_attempt_runs, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto f = ended(node, running_job(*s, node), event::retry);
  finish(*s, f);
  b.age_job(f.run.id, 61s);
  must(s->promote(10));
  BOOST_REQUIRE_EQUAL(claim(*s, heads(node)).size(), 1u);
  BOOST_CHECK(finish(*s, f) == finish_answer::accepted);
  BOOST_TEST(outcomes(*s, f.run.id) == (std::vector<std::string>{"1 failed", "2 running"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(run_does_not_show_the_message_of_the_attempt_before, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto first = running_job(*s, node);
  finish(*s, ended(node, first, event::retry, {}, "exit code 1"));
  b.age_job(first.id, 61s);
  must(s->promote(10));
  BOOST_REQUIRE_EQUAL(claim(*s, heads(node)).size(), 1u);
  const auto records = must(s->history(first.id));
  BOOST_REQUIRE_EQUAL(records.size(), 2u);
  BOOST_TEST(records[0].message.value() == "exit code 1");
  BOOST_TEST(!records[1].message.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(run_of_a_dead_node_is_lost_and_its_late_outcome_refused, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto dead = new_node(*s);
  const auto run = running_job(*s, dead);
  b.age_beat(dead, 60s);
  must(s->rescue(seen(*s, node, dead)));
  auto records = must(s->history(run.id));
  BOOST_REQUIRE_EQUAL(records.size(), 1u);
  BOOST_TEST(records[0].outcome == "lost");
  BOOST_TEST(records[0].node.value() == dead);
  BOOST_TEST((records[0].end_time.value() >= records[0].start_time.value()));

  BOOST_REQUIRE_EQUAL(claim(*s, heads(node)).size(), 1u);
  for (auto n = 0; n < 2; ++n)
    BOOST_CHECK(finish(*s, ended(dead, run, event::succeed, {}, "late")) == finish_answer::stale);
  BOOST_TEST(outcomes(*s, run.id) == (std::vector<std::string>{"1 lost", "1 refused", "2 running"}),
             boost::test_tools::per_element());
  records = must(s->history(run.id));
  BOOST_TEST(records[1].node.value() == dead);
  BOOST_TEST(records[1].message.value() == "late");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(outcome_is_refused_on_record_before_the_next_attempt_starts, backend,
                              backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto dead = new_node(*s);
  const auto run = running_job(*s, dead);
  b.age_beat(dead, 60s);
  must(s->rescue(seen(*s, node, dead)));
  BOOST_CHECK(finish(*s, ended(dead, run, event::succeed, {}, "late")) == finish_answer::stale);
  BOOST_CHECK(finish(*s, ended(dead, run, event::fail, {}, "later still")) == finish_answer::stale);
  BOOST_TEST(outcomes(*s, run.id) == (std::vector<std::string>{"1 lost", "1 refused"}),
             boost::test_tools::per_element());
  // The first one stays.
  BOOST_TEST(must(s->history(run.id)).at(1).message.value() == "late");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(attempt_that_never_was_is_not_recorded, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  BOOST_CHECK(finish(*s, ended(node, {run.id, 7}, event::succeed)) == finish_answer::stale);
  BOOST_CHECK(finish(*s, ended(node, {999'999, 1}, event::succeed)) == finish_answer::stale);
  BOOST_TEST(outcomes(*s, run.id) == std::vector<std::string>{"1 running"}, boost::test_tools::per_element());
  BOOST_TEST(b.count("job_attempts") == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(quarantined_job_shows_every_loss, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto id = create(*s, spec_of(1)).id;
  auto expected = std::vector<std::string>{};
  for (auto death = 1; death <= lifecycle::max_recoveries + 1; ++death) {
    const auto dead = new_node(*s);
    BOOST_REQUIRE_EQUAL(claim(*s, hinted(dead, {id})).size(), 1u);
    b.age_beat(dead, 60s);
    must(s->rescue(seen(*s, node, dead)));
    expected.push_back(std::to_string(death) + " lost");
  }
  BOOST_TEST(outcomes(*s, id) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(history_is_pruned_with_its_job, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto old = running_job(*s, node, 1);
  const auto young = running_job(*s, node, 2);
  for (const auto& run : {old, young})
    finish(*s, ended(node, run, event::release));
  claim(*s, heads(node));
  for (const auto& run : {old, young})
    finish(*s, ended(node, {run.id, 2}, event::succeed));
  b.age_job(old.id, 1h);
  BOOST_TEST(must(s->prune({}, 30min)).jobs == 1);
  BOOST_CHECK(code(s->history(old.id)) == ec::not_found);
  BOOST_TEST(b.count("job_attempts") == 1);
  BOOST_TEST(must(s->history(young.id)).size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

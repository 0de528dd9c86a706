#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(nodes)

BOOST_AUTO_TEST_CASE_TEMPLATE(node_ids_are_never_given_out_again, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto first = new_node(*s);
  must(s->unregister_node(first));
  BOOST_TEST(new_node(*s) > first);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(beat_tells_whether_the_node_is_known, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  BOOST_TEST(must(s->beat(node)).known);
  must(s->unregister_node(node));
  BOOST_TEST(!must(s->beat(node)).known);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(beat_renews_and_names_others_that_are_overdue, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto late = new_node(*s);
  const auto lively = new_node(*s);
  b.age_beat(node, 60s);
  b.age_beat(late, 7s);
  b.age_beat(lively, 3s);
  const auto report = must(s->beat(node));
  BOOST_REQUIRE_EQUAL(report.overdue.size(), 1u);
  BOOST_TEST(report.overdue[0].node == late);
  BOOST_TEST((must(s->beat(node)).overdue == report.overdue));
  BOOST_TEST((must(s->beat(late)).overdue.empty()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(beat_tells_what_runs_here_and_whose_owner_is_gone, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto gone = new_node(*s);
  const auto mine = running_job(*s, node, 1);
  running_job(*s, gone, 2);
  running_job(*s, gone, 3);
  BOOST_TEST(must(s->beat(node)).orphaning.empty());
  must(s->unregister_node(gone));
  const auto report = must(s->beat(node));
  BOOST_TEST((report.running == std::vector{mine}));
  BOOST_TEST((report.orphaning == std::vector{gone}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(host_is_alive_while_a_node_of_it_beats, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  BOOST_TEST(!must(s->host_is_alive("there")));
  const auto node = new_node(*s, "there");
  BOOST_TEST(must(s->host_is_alive("there")));
  b.age_beat(node, 7s);
  BOOST_TEST(!must(s->host_is_alive("there")));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(rescue_gives_the_jobs_of_a_dead_node_back, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto dead = new_node(*s);
  const auto run = running_job(*s, dead, 1);
  const auto mine = running_job(*s, node, 2);
  b.age_beat(dead, 60s);
  const auto changes = must(s->rescue(seen(*s, node, dead)));
  BOOST_REQUIRE_EQUAL(changes.size(), 1u);
  BOOST_TEST(changes[0].id == run.id);
  BOOST_TEST(changes[0].object_id == 1);
  BOOST_TEST(changes[0].type == "default");
  BOOST_TEST(changes[0].queue == "default");
  BOOST_TEST(changes[0].priority == 5);
  BOOST_CHECK(changes[0].status == job_status::created);
  BOOST_TEST(changes[0].attempt == 1);
  BOOST_TEST(!changes[0].node.has_value());
  const auto j = read(*s, run.id);
  BOOST_CHECK(j.status == job_status::created);
  BOOST_TEST(j.ready);
  BOOST_TEST(j.recoveries == 1);
  BOOST_TEST(j.failures == 0);
  BOOST_TEST(j.attempt == 1);
  BOOST_TEST(!j.node.has_value());
  BOOST_TEST(!j.start_time.has_value());
  BOOST_CHECK(read(*s, mine.id).status == job_status::running);
  BOOST_TEST(!must(s->beat(dead)).known);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(rescue_spares_a_node_that_has_beaten_since, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto slow = new_node(*s);
  const auto run = running_job(*s, slow);
  b.age_beat(slow, 60s);
  const auto suspect = seen(*s, node, slow);
  must(s->beat(slow));
  BOOST_TEST(must(s->rescue(suspect)).empty());
  BOOST_CHECK(read(*s, run.id).status == job_status::running);
  BOOST_TEST(must(s->beat(slow)).known);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(orphans_are_rescued_too, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto gone = new_node(*s);
  const auto run = running_job(*s, gone);
  must(s->unregister_node(gone));
  BOOST_TEST(ids_of(must(s->rescue({gone, {}}))) == (id_list{run.id}), boost::test_tools::per_element());
  BOOST_TEST(must(s->rescue({gone, {}})).empty());
  BOOST_TEST(read(*s, run.id).recoveries == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_that_outlives_too_many_nodes_is_quarantined, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto id = create(*s, spec_of(1)).id;
  auto dead = node_id{};
  for (auto death = 1; death <= lifecycle::max_recoveries + 1; ++death) {
    dead = new_node(*s, "faulty");
    BOOST_REQUIRE_EQUAL(claim(*s, hinted(dead, {id})).size(), 1u);
    b.age_beat(dead, 60s);
    const auto changes = must(s->rescue(seen(*s, node, dead)));
    BOOST_REQUIRE_EQUAL(changes.size(), 1u);
    BOOST_CHECK(changes[0].status
                == (death <= lifecycle::max_recoveries ? job_status::created : job_status::failed));
  }
  const auto j = read(*s, id);
  BOOST_CHECK(j.status == job_status::failed);
  BOOST_TEST(j.end_time.has_value());
  BOOST_TEST(j.message.value()
             == "quarantined: its node died 4 times while running it, last node " + std::to_string(dead)
                    + " (faulty:42)");
  // What the dead node says later is not what is stored.
  BOOST_CHECK(finish(*s, ended(dead, {id, j.attempt}, event::succeed)) == finish_answer::stale);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

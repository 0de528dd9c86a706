#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <barrier>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(claims)

BOOST_AUTO_TEST_CASE_TEMPLATE(claim_raises_the_attempt_and_names_the_node, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto spec = spec_of(5);
  spec.payload = "[1]";
  spec.timeout = 3s;
  spec.max_attempts = 4;
  const auto id = create(*s, spec).id;
  const auto jobs = claim(*s, hinted(node, {id}));
  BOOST_REQUIRE_EQUAL(jobs.size(), 1u);
  BOOST_TEST(jobs[0].attempt == 1);
  BOOST_TEST(jobs[0].object_id == 5);
  BOOST_TEST(jobs[0].type == "default");
  BOOST_TEST(jobs[0].queue == "default");
  BOOST_TEST(jobs[0].payload == "[1]");
  BOOST_TEST(jobs[0].priority == 5);
  BOOST_TEST(jobs[0].timeout.value().count() == 3);
  BOOST_TEST(jobs[0].max_attempts == 4);
  BOOST_TEST(jobs[0].failures == 0);
  const auto j = read(*s, id);
  BOOST_CHECK(j.status == job_status::running);
  BOOST_TEST(j.attempt == 1);
  BOOST_TEST(j.node.value() == node);
  BOOST_TEST((j.start_time.value() >= j.created_at));
  BOOST_TEST(claim(*s, hinted(node, {id})).empty());
  BOOST_TEST(read(*s, id).attempt == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(claim_goes_by_priority_and_then_by_age, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto made = create(*s, {spec_of(0, "default", 5), spec_of(1, "default", 9), spec_of(2, "default", 0),
                                spec_of(3, "default", 5), spec_of(4, "default", 0)});
  const auto id = [&](std::size_t i) { return made[i]->id; };
  BOOST_TEST(ids_of(claim(*s, hinted(node, {id(1), id(0), id(3), id(2)}, 2))) == (id_list{id(2), id(0)}),
             boost::test_tools::per_element());
  BOOST_TEST(ids_of(claim(*s, heads(node, 2))) == (id_list{id(4), id(3)}), boost::test_tools::per_element());
  BOOST_TEST(ids_of(claim(*s, heads(node))) == (id_list{id(1)}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(claim_takes_queues_in_the_order_given, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto made = create(*s, {spec_of(0, "default", 0, "slow"), spec_of(1, "default", 9, "fast"),
                                spec_of(2, "default", 0, "none"), spec_of(3, "default", 0, "slow")});
  const auto jobs = claim(*s, heads(node, 2, {"empty", "fast", "slow"}));
  BOOST_TEST(ids_of(jobs) == (id_list{made[1]->id, made[0]->id}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(claim_takes_only_the_types_that_the_node_runs, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto other = create(*s, spec_of(1, "other")).id;
  BOOST_TEST(claim(*s, hinted(node, {other})).empty());
  BOOST_TEST(claim(*s, heads(node)).empty());
  auto both = heads(node);
  both.types = {"default", "other"};
  BOOST_TEST(ids_of(claim(*s, both)) == (id_list{other}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(claim_leaves_what_is_scheduled, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto spec = spec_of(1);
  spec.delay = 100s;
  const auto id = create(*s, spec).id;
  BOOST_TEST(claim(*s, hinted(node, {id})).empty());
  BOOST_TEST(claim(*s, heads(node)).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(node_without_a_row_claims_nothing, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  must(s->unregister_node(node));
  const auto id = create(*s, spec_of(1)).id;
  BOOST_TEST(claim(*s, hinted(node, {id})).empty());
  BOOST_TEST(claim(*s, heads(node)).empty());
  BOOST_CHECK(read(*s, id).status == job_status::created);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(each_claim_of_a_batch_gets_its_own_answer, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto ids = create_many(*s, 6);
  const auto result =
      must(s->flush({{},
                     {hinted(node, {ids[1]}), heads(node, 1), hinted(node, {ids[2], ids[3]}, 1),
                      hinted(node, {ids[1], ids[4]}), hinted(node, {ids[5]}, 0)},
                     {}}));
  const auto answer = [&](std::size_t i) { return ids_of(result.claims.at(i)); };
  BOOST_TEST(answer(0) == (id_list{ids[1]}), boost::test_tools::per_element());
  BOOST_TEST(answer(1) == (id_list{ids[0]}), boost::test_tools::per_element());
  BOOST_TEST(answer(2) == (id_list{ids[2]}), boost::test_tools::per_element());
  BOOST_TEST(answer(3) == (id_list{ids[4]}), boost::test_tools::per_element());
  BOOST_TEST(answer(4).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(racing_claims_share_no_job, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const node_id nodes[] = {new_node(*s), new_node(*s)};
  const auto ids = create_many(*s, 200);
  auto together = std::barrier{2};
  std::vector<job_id> taken[2];
  race(b, [&](storage::store& own, int who) {
    together.arrive_and_wait();
    for (auto empty = 0; empty < 3;) {
      const auto request = empty % 2 == 0 ? heads(nodes[who], 7) : hinted(nodes[who], ids, 7);
      const auto jobs = own.flush({{}, {request}, {}}).value().claims.at(0);
      for (const auto& j : jobs)
        taken[who].push_back(j.id);
      empty = jobs.empty() ? empty + 1 : 0;
    }
  });
  auto all = taken[0];
  all.insert(all.end(), taken[1].begin(), taken[1].end());
  std::ranges::sort(all);
  BOOST_TEST(all == ids, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

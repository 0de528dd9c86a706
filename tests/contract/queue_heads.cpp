#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(queue_heads)

namespace {

std::vector<job_id> head_ids(storage::store& s, int most = 1'000) {
  auto ids = std::vector<job_id>{};
  for (const auto& key : must(s.heads(most)).jobs)
    ids.push_back(key.id);
  return ids;
}

node_id takes(storage::store& s, int slots, std::vector<std::string> queues, std::vector<std::string> types) {
  return must(s.register_node({"here", 1, "1.0", slots, std::move(queues), std::move(types)}));
}

run_key key_of(const claimed_job& j) {
  return {j.id, j.attempt};
}

using ids = std::vector<job_id>;

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(first_ready_job_of_each_queue_that_a_live_node_takes, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto scheduled = spec_of(9, "mail", 0, "a");
  scheduled.delay = 100s;
  const auto made =
      create(*s, {scheduled, spec_of(1, "mail", 5, "a"), spec_of(2, "mail", 3, "a"),
                  spec_of(3, "mail", 5, "b"), spec_of(4, "mail", 5, "c"), spec_of(5, "other", 0, "a")});
  const auto a = made[2]->id;
  const auto of_b = made[3]->id;
  takes(*s, 8, {"a"}, {"unknown"});
  BOOST_TEST(head_ids(*s).empty());
  const auto node = takes(*s, 8, {"b", "a"}, {"mail"});
  BOOST_TEST(head_ids(*s) == (ids{a, of_b}), boost::test_tools::per_element());
  takes(*s, 2, {"b", "a"}, {"mail"});
  BOOST_TEST(head_ids(*s) == (ids{a, of_b}), boost::test_tools::per_element());
  b.age_beat(node, 7s);
  BOOST_TEST(head_ids(*s).size() == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(without_workers_any_ready_job_is_told, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  takes(*s, 0, {}, {});
  BOOST_TEST(!must(s->heads(9)).has_worker);
  BOOST_TEST(head_ids(*s).empty());
  const auto made =
      create(*s, {spec_of(1, "mail", 5, "a"), spec_of(2, "mail", 3, "a"), spec_of(3, "mail", 0, "b")});
  BOOST_TEST(head_ids(*s) == ids{made[1]->id}, boost::test_tools::per_element());
  must(s->pause("a", true));
  BOOST_TEST(head_ids(*s) == ids{made[2]->id}, boost::test_tools::per_element());
  const auto node = takes(*s, 8, {"elsewhere"}, {"mail"});
  BOOST_TEST(must(s->heads(9)).has_worker);
  BOOST_TEST(head_ids(*s).empty());
  b.age_beat(node, 7s);
  BOOST_TEST(head_ids(*s).size() == 1);
  must(s->pause("b", true));
  BOOST_TEST(head_ids(*s).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(head_of_a_paused_queue_is_nobodys, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  takes(*s, 8, {"a", "b"}, {"mail"});
  const auto made = create(*s, {spec_of(1, "mail", 5, "a"), spec_of(2, "mail", 5, "b")});
  must(s->pause("a", true));
  BOOST_TEST(head_ids(*s) == ids{made[1]->id}, boost::test_tools::per_element());
  must(s->pause("a", false));
  BOOST_TEST(head_ids(*s).size() == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(node_without_a_free_slot_takes_nothing, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = takes(*s, 1, {"default"}, {"default"});
  const auto first = create(*s, spec_of(1)).id;
  const auto second = create(*s, spec_of(2)).id;
  BOOST_TEST(head_ids(*s) == ids{first}, boost::test_tools::per_element());
  const auto run = claim(*s, hinted(node, {first}));
  BOOST_TEST(head_ids(*s).empty());
  finish(*s, ended(node, key_of(run.front()), event::succeed));
  BOOST_TEST(head_ids(*s) == ids{second}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_job_that_went_back_has_another_attempt, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = takes(*s, 8, {"default"}, {"default"});
  const auto id = create(*s, spec_of(1)).id;
  BOOST_TEST(must(s->heads(1)).jobs.at(0).attempt == 0);
  const auto run = claim(*s, hinted(node, {id}));
  finish(*s, ended(node, key_of(run.front()), event::release));
  BOOST_TEST(must(s->heads(1)).jobs.at(0).attempt == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(looks_no_further_than_it_is_told, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  takes(*s, 8, {"default"}, {"mail"});
  for (auto i = 0; i < 3; ++i)
    (void)create(*s, spec_of(i));
  const auto id = create(*s, spec_of(9, "mail")).id;
  BOOST_TEST(head_ids(*s, 3).empty());
  BOOST_TEST(head_ids(*s, 4) == ids{id}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(first_attempt_tells_how_long_it_waited, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = takes(*s, 8, {"default"}, {"default"});
  const auto id = create(*s, spec_of(1)).id;
  const auto first = claim(*s, hinted(node, {id})).at(0);
  BOOST_REQUIRE(first.waited.has_value());
  BOOST_TEST(first.waited->count() >= 0);
  BOOST_TEST(first.waited->count() < 30);
  finish(*s, ended(node, key_of(first), event::release));
  BOOST_TEST(!claim(*s, hinted(node, {id})).at(0).waited.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

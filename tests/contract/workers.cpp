#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(workers)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_worker_is_told_as_it_introduced_itself_with_what_runs_there, backend,
                              backends) {
  const auto b = backend{};
  const auto s = b.open({});
  BOOST_TEST(must(s->workers()).empty());
  const auto what = storage::node_info{"here", 42, "1.0", 8, {"default", "a.b:c"}, {"default", "mail"}};
  const auto node = must(s->register_node(what));
  running_job(*s, node, 1);
  const auto done = running_job(*s, node, 2);
  finish(*s, ended(node, done, event::succeed));
  const auto all = must(s->workers());
  BOOST_REQUIRE(all.size() == 1U);
  BOOST_TEST(all[0].id == node);
  BOOST_TEST(all[0].what.host == "here");
  BOOST_TEST(all[0].what.pid == 42);
  BOOST_TEST(all[0].what.version == "1.0");
  BOOST_TEST(all[0].what.slots == 8);
  BOOST_TEST(all[0].what.queues == what.queues, boost::test_tools::per_element());
  BOOST_TEST(all[0].what.types == what.types, boost::test_tools::per_element());
  BOOST_TEST((all[0].started_at <= all[0].heartbeat_at));
  BOOST_TEST(all[0].running == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nodes_without_slots_or_without_a_fresh_beat_are_no_workers, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  must(s->register_node({"api", 1, "1.0", 0}));
  const auto first = new_node(*s, "one");
  const auto second = new_node(*s, "two");
  b.age_beat(first, 7s);
  auto all = must(s->workers());
  BOOST_REQUIRE(all.size() == 1U);
  BOOST_TEST(all[0].id == second);
  must(s->beat(first));
  all = must(s->workers());
  BOOST_REQUIRE(all.size() == 2U);
  BOOST_TEST(all[0].id == first);
  BOOST_TEST((all[0].heartbeat_at > all[0].started_at - 1s));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

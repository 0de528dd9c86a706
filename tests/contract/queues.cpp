#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace jobd::test {
namespace {

using names = std::vector<std::string>;

names names_of(const std::vector<storage::queue_info>& all) {
  auto out = names{};
  for (const auto& q : all)
    out.push_back(q.name);
  return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(queues)

BOOST_AUTO_TEST_CASE_TEMPLATE(queues_are_those_paused_served_or_with_ready_jobs, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  BOOST_TEST(must(s->queues()).empty());
  const auto node = must(s->register_node({"here", 1, "1.0", 8, {"served", "other"}, {"default"}}));
  must(s->register_node({"here", 1, "1.0", 8, {"served"}, {"default"}}));
  auto later = spec_of(3, "default", 5, "scheduled");
  later.delay = 100s;
  const auto made = create(*s, {spec_of(1, "default", 5, "ready"), spec_of(2, "default", 9, "ready"),
                                spec_of(2, "default", 0, "also-ready"), later});
  must(s->pause("held", true));
  const auto all = must(s->queues());
  BOOST_TEST(names_of(all) == (names{"also-ready", "held", "other", "ready", "served"}),
             boost::test_tools::per_element());
  BOOST_TEST(all[1].paused);
  BOOST_TEST(all[1].changed_at.has_value());
  BOOST_TEST(all[4].workers == 2);
  BOOST_TEST(!all[4].paused);
  BOOST_TEST(!all[4].changed_at.has_value());
  b.age_beat(node, 7s);
  must(s->cancel(ids_of(std::vector{made[2].value()})));
  BOOST_TEST(names_of(must(s->queues())) == (names{"held", "ready", "served"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(no_claim_takes_a_job_of_a_paused_queue, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto node = new_node(*s);
  const auto held = create(*s, spec_of(1)).id;
  const auto other = create(*s, spec_of(2, "default", 5, "other")).id;
  BOOST_TEST(must(s->pause("default", true)).paused);
  BOOST_TEST(claim(*s, heads(node)).empty());
  BOOST_TEST(ids_of(claim(*s, hinted(node, {held, other}))) == id_list{other},
             boost::test_tools::per_element());
  BOOST_TEST(must(s->ready_jobs({{"default"}, {"default"}, 10})).empty());
  BOOST_TEST((read(*s, held).status == job_status::created));

  BOOST_TEST(!must(s->pause("default", false)).paused);
  BOOST_TEST(must(s->ready_jobs({{"default"}, {"default"}, 10})).size() == 1U);
  BOOST_TEST(ids_of(claim(*s, heads(node))) == id_list{held}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_runs_in_a_paused_queue_goes_on, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  must(s->pause("default", true));
  BOOST_CHECK(finish(*s, ended(node, run, event::succeed)) == finish_answer::accepted);
  BOOST_TEST(create(*s, spec_of(2)).id > run.id);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_beat_tells_which_queues_are_paused, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  BOOST_TEST(must(s->beat(node)).paused.empty());
  must(s->pause("b", true));
  must(s->pause("a", true));
  must(s->pause("c", true));
  must(s->pause("c", false));
  auto paused = must(s->beat(node)).paused;
  std::ranges::sort(paused);
  BOOST_TEST(paused == (names{"a", "b"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(pausing_twice_changes_nothing_and_nothing_is_kept_of_a_needless_resume, backend,
                              backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto idle = must(s->pause("default", false));
  BOOST_TEST(idle.name == "default");
  BOOST_TEST(!idle.paused);
  BOOST_TEST(!idle.changed_at.has_value());
  BOOST_TEST(b.count("queues") == 0);
  const auto first = must(s->pause("default", true));
  const auto second = must(s->pause("default", true));
  BOOST_TEST(second.paused);
  BOOST_TEST((second.changed_at == first.changed_at));
  const auto resumed = must(s->pause("default", false));
  BOOST_TEST((resumed.changed_at > first.changed_at));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_explanation_tells_that_the_queue_is_paused, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto id = create(*s, spec_of(1)).id;
  BOOST_TEST(!must(s->explain(id)).paused);
  must(s->pause("default", true));
  BOOST_TEST(must(s->explain(id)).paused);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

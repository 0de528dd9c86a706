#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

#include <barrier>
#include <set>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(schedule)

BOOST_AUTO_TEST_CASE_TEMPLATE(promotion_turns_due_jobs_ready, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto spec = spec_of(1, "default", 3, "fast");
  spec.delay = 100s;
  const auto due = create(*s, spec).id;
  spec.object_id = 2;
  const auto later = create(*s, spec).id;
  b.age_job(due, 101s);
  const auto p = must(s->promote(10));
  BOOST_REQUIRE_EQUAL(p.hints.size(), 1u);
  BOOST_TEST((p.hints[0] == hint{due, "fast", 3}));
  BOOST_REQUIRE(p.next_in.has_value());
  BOOST_TEST((*p.next_in > 80s && *p.next_in <= 100s));
  BOOST_TEST(read(*s, due).ready);
  BOOST_TEST(!read(*s, later).ready);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(promotion_says_when_nothing_or_more_waits, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  BOOST_TEST(!must(s->promote(10)).next_in.has_value());
  auto spec = spec_of(0);
  spec.delay = 10s;
  for (auto i = 0; i < 5; ++i) {
    spec.object_id = i;
    b.age_job(create(*s, spec).id, 60s);
  }
  const auto first = must(s->promote(3));
  BOOST_TEST(first.hints.size() == 3u);
  BOOST_TEST(first.next_in.value().count() == 0);
  const auto rest = must(s->promote(2));
  BOOST_TEST(rest.hints.size() == 2u);
  BOOST_TEST(!rest.next_in.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(racing_promotions_share_no_job, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto specs = std::vector<job_spec>{};
  for (auto i = 0; i < 200; ++i) {
    specs.push_back(spec_of(i));
    specs.back().delay = 10s;
  }
  for (const auto& made : create(*s, specs))
    b.age_job(must(made).id, 60s);
  auto together = std::barrier{2};
  std::vector<job_id> promoted[2];
  race(b, [&](storage::store& own, int who) {
    together.arrive_and_wait();
    for (auto empty = 0; empty < 3;) {
      const auto ids = ids_of(own.promote(9).value().hints);
      promoted[who].insert(promoted[who].end(), ids.begin(), ids.end());
      empty = ids.empty() ? empty + 1 : 0;
    }
  });
  auto all = std::set<job_id>{promoted[0].begin(), promoted[0].end()};
  all.insert(promoted[1].begin(), promoted[1].end());
  BOOST_TEST(all.size() == 200u);
  BOOST_TEST(promoted[0].size() + promoted[1].size() == 200u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ready_jobs_come_in_queue_order, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto made = create(*s, {spec_of(0, "default", 5, "slow"), spec_of(1, "default", 9, "fast"),
                                spec_of(2, "default", 0, "fast"), spec_of(3, "other", 0, "fast"),
                                spec_of(4, "default", 0, "unasked")});
  const auto ready = must(s->ready_jobs({{"fast", "slow"}, {"default"}, 10}));
  BOOST_TEST(ids_of(ready) == (id_list{made[2]->id, made[1]->id, made[0]->id}),
             boost::test_tools::per_element());
  BOOST_TEST((ready.at(0) == hint{made[2]->id, "fast", 0}));
  // The limit is for each queue.
  BOOST_TEST(ids_of(must(s->ready_jobs({{"fast", "slow"}, {"default"}, 1})))
                 == (id_list{made[2]->id, made[0]->id}),
             boost::test_tools::per_element());
  claim(*s, hinted(new_node(*s), {made[2]->id}));
  BOOST_TEST(must(s->ready_jobs({{"fast"}, {"default"}, 10})).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

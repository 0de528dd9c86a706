#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

#include <sstream>

namespace jobd::test {
namespace {

/// Each queue as `name created running success failed cancelled`.
std::string counted(storage::store& s) {
  auto out = std::ostringstream{};
  for (const auto& q : must(s.stats())) {
    out << q.queue;
    for (const auto n : q.jobs)
      out << ' ' << n;
    out << ';';
  }
  return out.str();
}

} // namespace

BOOST_AUTO_TEST_SUITE(stats)

BOOST_AUTO_TEST_CASE_TEMPLATE(every_move_of_a_job_is_counted, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto node = new_node(*s);
  BOOST_TEST(counted(*s) == "");
  create(*s, {spec_of(1, "default", 5, "b"), spec_of(2, "default", 5, "b"), spec_of(3, "default", 5, "a")});
  BOOST_TEST(counted(*s) == "a 1 0 0 0 0;b 2 0 0 0 0;");
  const auto jobs = claim(*s, heads(node, 10, {"a", "b"}));
  BOOST_REQUIRE(jobs.size() == 3U);
  BOOST_TEST(counted(*s) == "a 0 1 0 0 0;b 0 2 0 0 0;");
  const auto key = [&](std::size_t i) { return run_key{jobs[i].id, jobs[i].attempt}; };
  finish(*s, ended(node, key(0), event::succeed));
  finish(*s, ended(node, key(1), event::fail));
  BOOST_TEST(counted(*s) == "a 0 0 1 0 0;b 0 1 0 1 0;");
  finish(*s, ended(node, key(1), event::fail));
  finish(*s, ended(node, key(2), event::release));
  BOOST_TEST(counted(*s) == "a 0 0 1 0 0;b 1 0 0 1 0;");
  must(s->cancel(std::vector{jobs[2].id}));
  BOOST_TEST(counted(*s) == "a 0 0 1 0 0;b 0 0 0 1 1;");
  must(s->rerun(std::vector{jobs[1].id, jobs[2].id}));
  BOOST_TEST(counted(*s) == "a 0 0 1 0 0;b 2 0 0 0 0;");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancel_of_a_running_job_is_counted_when_it_ends, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  must(s->cancel(std::vector{run.id}));
  BOOST_TEST(counted(*s) == "default 0 1 0 0 0;");
  finish(*s, ended(node, run, event::retry));
  BOOST_TEST(counted(*s) == "default 0 0 0 0 1;");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(rescued_and_expired_jobs_are_counted, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto node = new_node(*s);
  running_job(*s, node);
  auto brief = spec_of(2);
  brief.expires_in = 1s;
  const auto expiring = create(*s, brief).id;
  must(s->unregister_node(node));
  must(s->rescue({node, {}}));
  BOOST_TEST(counted(*s) == "default 2 0 0 0 0;");
  b.age_job(expiring, 2s);
  must(s->expire(10));
  BOOST_TEST(counted(*s) == "default 1 0 0 1 0;");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_duplicate_and_a_submission_that_fails_count_nothing, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  create(*s, spec_of(1));
  create(*s, spec_of(1));
  BOOST_TEST(counted(*s) == "default 1 0 0 0 0;");
  auto bad = spec_of(3);
  bad.priority = 77;
  BOOST_TEST(!s->submit({{spec_of(2), bad}, {}, {}}).has_value());
  BOOST_TEST(counted(*s) == "default 1 0 0 0 0;");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(pruned_jobs_are_counted_no_more_and_adding_up_changes_nothing, backend,
                              backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto node = new_node(*s);
  create_many(*s, 5);
  claim(*s, heads(node, 3));
  must(s->prune({}, 3600s));
  must(s->prune({}, 3600s));
  BOOST_TEST(counted(*s) == "default 2 3 0 0 0;");
  for (const auto& run : must(s->beat(node)).running)
    finish(*s, ended(node, run, event::succeed));
  must(s->prune({}, 3600s));
  BOOST_TEST(counted(*s) == "default 2 0 3 0 0;");
  must(s->prune({}, -10s));
  BOOST_TEST(counted(*s) == "default 2 0 0 0 0;");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_age_of_the_oldest_ready_job_is_told, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto first = create(*s, spec_of(1, "default", 9)).id;
  create(*s, spec_of(2, "default", 0));
  auto later = spec_of(3, "default", 5, "scheduled");
  later.delay = 100s;
  create(*s, later);
  b.age_job(first, 60s);
  const auto all = must(s->stats());
  BOOST_REQUIRE(all.size() == 2U);
  BOOST_TEST((all[0].oldest_ready.value() >= 60s && all[0].oldest_ready.value() < 90s));
  BOOST_TEST(!all[1].oldest_ready.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

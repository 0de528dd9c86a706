#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(suspects)

namespace {

/// Jobs that died together so many times.
template <class Backend>
id_list died(const Backend& b, storage::store& s, int jobs, int deaths) {
  auto ids = id_list{};
  for (auto i = 1; i <= jobs; ++i)
    ids.push_back(create(s, spec_of(i)).id);
  for (auto death = 0; death < deaths; ++death) {
    const auto judge = new_node(s);
    const auto dead = new_node(s);
    auto claimed = std::size_t{0};
    for (const auto id : ids)
      claimed += claim(s, hinted(dead, {id})).size();
    BOOST_REQUIRE_EQUAL(claimed, ids.size());
    b.age_beat(dead, 60s);
    must(s.rescue(seen(s, judge, dead)));
  }
  return ids;
}

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(jobs_that_died_once_run_beside_each_other, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto ids = died(b, *s, 3, 1);
  BOOST_TEST(claim(*s, hinted(new_node(*s), ids)).size() == 3u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_node_runs_one_suspect_at_a_time, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto ids = died(b, *s, 3, lifecycle::suspect_after);
  const auto other = create(*s, spec_of(9)).id;
  const auto node = new_node(*s);
  const auto first = claim(*s, hinted(node, ids));
  BOOST_REQUIRE_EQUAL(first.size(), 1u);
  BOOST_TEST(first[0].id == ids[0]);
  BOOST_TEST(first[0].recoveries == lifecycle::suspect_after);
  // All others run beside it, and the suspects run elsewhere.
  BOOST_TEST(ids_of(claim(*s, heads(node))) == (id_list{other}), boost::test_tools::per_element());
  const auto elsewhere = claim(*s, heads(new_node(*s)));
  BOOST_TEST(ids_of(elsewhere) == (id_list{ids[1]}), boost::test_tools::per_element());
  finish(*s, ended(node, {first[0].id, first[0].attempt}, event::succeed));
  BOOST_TEST(ids_of(claim(*s, heads(node))) == (id_list{ids[2]}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_ran_beside_a_job_that_kills_its_nodes_is_not_quarantined, backend,
                              backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto ids = died(b, *s, 4, lifecycle::suspect_after);
  for (auto death = 0; death < 2; ++death) {
    const auto judge = new_node(*s);
    const auto dead = new_node(*s);
    claim(*s, hinted(dead, {ids[2]}));
    claim(*s, hinted(dead, ids));
    b.age_beat(dead, 60s);
    must(s->rescue(seen(*s, judge, dead)));
  }
  for (const auto id : ids)
    BOOST_CHECK(read(*s, id).status == (id == ids[2] ? job_status::failed : job_status::created));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(explain)

BOOST_AUTO_TEST_CASE_TEMPLATE(unknown_job_is_not_found, backend, backends) {
  const auto b = backend{};
  BOOST_CHECK(code(b.open()->explain(999'999)) == ec::not_found);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(jobs_before_it_in_its_queue_are_counted, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  auto later = spec_of(8, "default", 0);
  later.delay = 100s;
  const auto made = create(*s, {spec_of(0), spec_of(1, "other", 3), spec_of(2), spec_of(3, "default", 9),
                                spec_of(4, "default", 0, "elsewhere"), spec_of(5), later});
  const auto ahead = [&](std::size_t i) { return must(s->explain(made[i]->id)).ahead; };
  BOOST_TEST(ahead(1) == 0);
  BOOST_TEST(ahead(0) == 1);
  BOOST_TEST(ahead(2) == 2);
  BOOST_TEST(ahead(3) == 4);
  BOOST_TEST(ahead(4) == 0);
  claim(*s, hinted(node, {made[0]->id}));
  BOOST_TEST(ahead(2) == 1);
  BOOST_TEST(ahead(0) == 0);
  const auto e = must(s->explain(made[3]->id));
  BOOST_TEST(e.what.id == made[3]->id);
  BOOST_TEST(e.what.priority == 9);
  BOOST_TEST(e.what.object_id == 3);
  BOOST_TEST(!e.blocked_by.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(count_is_bounded, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto ids = create_many(*s, static_cast<int>(storage::most_ahead) + 20);
  BOOST_TEST(must(s->explain(ids.back())).ahead == storage::most_ahead);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(worker_is_a_live_node_with_its_queue_and_type, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto id = create(*s, spec_of(1, "mail", 5, "fast")).id;
  const auto has_worker = [&] { return must(s->explain(id)).has_worker; };
  BOOST_TEST(!has_worker());
  must(s->register_node({"here", 1, "1.0", 0}));
  must(s->register_node({"here", 1, "1.0", 8, {"fast"}, {"default"}}));
  must(s->register_node({"here", 1, "1.0", 8, {"slow"}, {"mail"}}));
  BOOST_TEST(!has_worker());
  const auto node = must(s->register_node({"here", 1, "1.0", 8, {"slow", "fast"}, {"default", "mail"}}));
  BOOST_TEST(has_worker());
  b.age_beat(node, 7s);
  BOOST_TEST(!has_worker());
  must(s->beat(node));
  BOOST_TEST(has_worker());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_that_it_waits_for_is_named, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto node = new_node(*s);
  const auto waiting = create(*s, limited(1)).id;
  const auto unlimited = create(*s, spec_of(1)).id;
  const auto other_object = create(*s, limited(2)).id;
  BOOST_TEST(!must(s->explain(waiting)).blocked_by.has_value());
  const auto run = running_job(*s, node, limited(1));
  BOOST_TEST(must(s->explain(waiting)).blocked_by.value() == run.id);
  BOOST_TEST(!must(s->explain(unlimited)).blocked_by.has_value());
  BOOST_TEST(!must(s->explain(other_object)).blocked_by.has_value());
  BOOST_TEST(!must(s->explain(run.id)).blocked_by.has_value());
  finish(*s, ended(node, run, event::succeed));
  BOOST_TEST(!must(s->explain(waiting)).blocked_by.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

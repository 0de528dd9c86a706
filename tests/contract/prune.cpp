#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(prune)

BOOST_AUTO_TEST_CASE_TEMPLATE(prune_removes_only_finished_jobs_past_retention, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto old = running_job(*s, node, 1);
  const auto old_running = running_job(*s, node, 2);
  const auto young = running_job(*s, node, 3);
  const auto old_waiting = create(*s, spec_of(4)).id;
  const auto ended_late = running_job(*s, node, 5);
  finish(*s, ended(node, old, event::fail));
  finish(*s, ended(node, young, event::succeed));
  for (const auto id : {old.id, old_running.id, old_waiting, ended_late.id})
    b.age_job(id, 1h);
  finish(*s, ended(node, ended_late, event::succeed));

  const auto report = must(s->prune({}, 30min));
  BOOST_TEST(report.jobs == 1);
  BOOST_TEST(report.done);
  BOOST_TEST(report.next.after.value() == 0);
  BOOST_TEST(!must(s->find(id_list{old.id})).at(0).has_value());
  BOOST_TEST(b.count("jobs") == 4);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(prune_goes_through_a_long_history_in_bounded_steps, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  create_many(*s, 9000);
  b.end_all(1h);
  create_many(*s, 10);
  auto removed = std::int64_t{0};
  auto steps = 0;
  for (auto report = storage::prune_report{.next = {}, .done = false}; !report.done; ++steps) {
    report = must(s->prune(report.next, 30min));
    removed += report.jobs;
  }
  BOOST_TEST(removed == 9000);
  BOOST_TEST(steps > 1);
  BOOST_TEST(b.count("jobs") == 10);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(prune_removes_keys_that_have_expired, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  create_many(*s, 5);
  b.expire_keys(120s);
  create(*s, spec_of(1));
  BOOST_TEST(must(s->prune({}, 1h)).dedupe_rows == 4);
  BOOST_TEST(b.count("job_dedupe") == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(prune_goes_through_many_keys_in_bounded_steps, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  constexpr auto old = 20'000;
  create_many(*s, old);
  b.expire_keys(120s);
  create_many(*s, 10, "other");
  auto removed = std::int64_t{0};
  for (auto report = storage::prune_report{.next = {}, .done = false}; !report.done;) {
    report = must(s->prune(report.next, 1h));
    BOOST_TEST(report.dedupe_rows < old / 2);
    removed += report.dedupe_rows;
  }
  BOOST_TEST(removed == old);
  BOOST_TEST(b.count("job_dedupe") == 10);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(prune_passes_once_over_jobs_and_keys, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  // Seven pages of jobs that stay, and fewer steps of keys.
  create_many(*s, 12'500);
  b.expire_keys(120s);
  auto steps = 0;
  for (auto report = storage::prune_report{.next = {}, .done = false}; !report.done && steps < 100; ++steps)
    report = must(s->prune(report.next, 0s));
  BOOST_TEST(b.count("job_dedupe") == 0);
  BOOST_TEST(steps == 7);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

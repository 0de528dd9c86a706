#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(progress)

namespace {

void tell(storage::store& s, std::vector<storage::progress_update> updates) {
  must(s.flush({{}, {}, {}, std::move(updates)}));
}

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(last_progress_is_on_the_job, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node, 1);
  const auto other = running_job(*s, node, 2);
  BOOST_TEST(!read(*s, run.id).progress.has_value());
  tell(*s,
       {{node, run, R"({"percent": 1})"}, {node, other, R"({"n": 7})"}, {node, run, R"({"percent": 2})"}});
  BOOST_TEST(read(*s, run.id).progress.value() == R"({"percent": 2})");
  BOOST_TEST(read(*s, other.id).progress.value() == R"({"n": 7})");
  finish(*s, ended(node, run, event::succeed));
  BOOST_TEST(read(*s, run.id).progress.value() == R"({"percent": 2})");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(progress_of_a_run_that_is_not_the_jobs_is_dropped, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto other = new_node(*s);
  const auto run = running_job(*s, node, 1);
  const auto over = running_job(*s, node, 2);
  finish(*s, ended(node, over, event::succeed));
  tell(*s, {{node, {run.id, 2}, "{}"}, {other, run, "{}"}, {node, over, "{}"}, {node, {999'999, 1}, "{}"}});
  BOOST_TEST(!read(*s, run.id).progress.has_value());
  BOOST_TEST(!read(*s, over.id).progress.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(next_run_starts_without_progress, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node);
  tell(*s, {{node, run, R"({"percent": 80})"}});
  finish(*s, ended(node, run, event::release));
  BOOST_REQUIRE_EQUAL(claim(*s, heads(node)).size(), 1u);
  BOOST_TEST(!read(*s, run.id).progress.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(progress_that_cannot_be_stored_harms_nothing_else, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto first = running_job(*s, node, 1);
  const auto second = running_job(*s, node, 2);
  const auto third = running_job(*s, node, 3);
  const auto result = must(s->flush({{ended(node, third, event::succeed)},
                                     {},
                                     {spec_of(4)},
                                     {{node, first, "no json"}, {node, second, R"({"n": 1})"}}}));
  BOOST_CHECK(result.finishes.at(0) == finish_answer::accepted);
  BOOST_TEST(result.creates.at(0).has_value());
  BOOST_TEST(!read(*s, first.id).progress.has_value());
  BOOST_TEST(read(*s, second.id).progress.value() == R"({"n": 1})");
}

BOOST_AUTO_TEST_CASE(locked_job_is_skipped) {
  const auto b = postgres_backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node, 1);
  const auto free = running_job(*s, node, 2);
  auto other = other_session{b};
  other.exec("begin; select from jobs where id = " + std::to_string(run.id) + " for update");
  tell(*s, {{node, run, "{}"}, {node, free, "{}"}});
  BOOST_TEST(!read(*s, run.id).progress.has_value());
  BOOST_TEST(read(*s, free.id).progress.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

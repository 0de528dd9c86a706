#include "core/lease.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(lease)

namespace {

using namespace std::chrono_literals;
using jobd::lease::judge;
using jobd::lease::suspect;
using suspects = std::vector<suspect>;

const auto start = judge::time_point{} + 1000s;
const auto beat = timestamp{} + 10s;
const auto node_1 = suspect{1, beat};
const auto node_2 = suspect{2, beat};

} // namespace

BOOST_AUTO_TEST_CASE(a_node_is_condemned_after_four_seconds_with_the_same_beat) {
  auto j = judge{};
  BOOST_TEST(j.observe({node_1}, start).empty());
  BOOST_TEST(j.observe({node_1}, start + 2s).empty());
  BOOST_TEST((j.observe({node_1}, start + 4s) == suspects{node_1}));
}

BOOST_AUTO_TEST_CASE(four_seconds_are_needed_to_the_millisecond) {
  auto j = judge{};
  BOOST_TEST(j.observe({node_1}, start).empty());
  BOOST_TEST(j.observe({node_1}, start + 3'999ms).empty());
  BOOST_TEST(j.observe({node_1}, start + 4'000ms).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_node_that_has_beaten_meanwhile_is_judged_anew) {
  auto j = judge{};
  BOOST_TEST(j.observe({node_1}, start).empty());
  const auto later = suspect{1, beat + 1us};
  BOOST_TEST(j.observe({later}, start + 4s).empty());
  BOOST_TEST(j.observe({later}, start + 6s).empty());
  BOOST_TEST((j.observe({later}, start + 8s) == suspects{later}));
}

BOOST_AUTO_TEST_CASE(a_node_that_was_not_overdue_in_between_is_judged_anew) {
  auto j = judge{};
  BOOST_TEST(j.observe({node_1}, start).empty());
  BOOST_TEST(j.observe({}, start + 2s).empty());
  BOOST_TEST(j.observe({node_1}, start + 4s).empty());
  BOOST_TEST(j.observe({node_1}, start + 6s).empty());
  BOOST_TEST(j.observe({node_1}, start + 8s).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_judge_that_was_paused_condemns_nobody_for_what_it_saw_before) {
  auto j = judge{};
  BOOST_TEST(j.observe({node_1}, start).empty());
  BOOST_TEST(j.observe({node_1}, start + 60s).empty());
  BOOST_TEST(j.observe({node_1}, start + 62s).empty());
  BOOST_TEST(j.observe({node_1}, start + 64s).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_gap_of_six_seconds_between_own_beats_is_still_no_pause) {
  auto exact = judge{};
  BOOST_TEST(exact.observe({node_1}, start).empty());
  BOOST_TEST(exact.observe({node_1}, start + 6s).size() == 1U);
  auto over = judge{};
  BOOST_TEST(over.observe({node_1}, start).empty());
  BOOST_TEST(over.observe({node_1}, start + 6'001ms).empty());
}

BOOST_AUTO_TEST_CASE(a_fresh_judge_condemns_nobody_at_first_sight) {
  BOOST_TEST(judge{}.observe({node_1, node_2}, start).empty());
}

BOOST_AUTO_TEST_CASE(each_node_has_its_own_four_seconds) {
  auto j = judge{};
  BOOST_TEST(j.observe({node_1}, start).empty());
  BOOST_TEST(j.observe({node_1, node_2}, start + 2s).empty());
  BOOST_TEST((j.observe({node_1, node_2}, start + 4s) == suspects{node_1}));
  BOOST_TEST((j.observe({node_2}, start + 6s) == suspects{node_2}));
}

BOOST_AUTO_TEST_CASE(a_condemned_node_that_still_stands_is_condemned_again_later) {
  auto j = judge{};
  BOOST_TEST(j.observe({node_1}, start).empty());
  BOOST_TEST(j.observe({node_1}, start + 4s).size() == 1U);
  BOOST_TEST(j.observe({node_1}, start + 6s).empty());
  BOOST_TEST(j.observe({node_1}, start + 8s).empty());
  BOOST_TEST(j.observe({node_1}, start + 10s).size() == 1U);
}

BOOST_AUTO_TEST_CASE(exclusive_jobs_are_stopped_before_others_may_run_them) {
  BOOST_TEST((jobd::lease::exclusive_for < jobd::lease::overdue_after + jobd::lease::condemn_after));
  BOOST_TEST((jobd::lease::beat_every * 2 <= jobd::lease::condemn_after));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

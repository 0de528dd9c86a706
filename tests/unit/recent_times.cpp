#include "core/recent_times.hpp"

#include <boost/test/unit_test.hpp>

#include <numeric>

using namespace jobd;
using namespace std::chrono_literals;

namespace {

std::int64_t total(const duration_counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

times_by_queue read(const std::string& text) {
  auto times = times_by_queue{};
  add_times(times, text);
  return times;
}

} // namespace

BOOST_AUTO_TEST_SUITE(recent_times)

BOOST_AUTO_TEST_CASE(what_was_told_is_read_again) {
  auto told = jobd::recent_times{};
  const auto now = jobd::recent_times::time_point{} + 1h;
  told.picked_up("a", 3ms, now);
  told.picked_up("a", 3ms, now);
  told.ran("a", 2h, now);
  told.ran("b", 0s, now);
  auto read_back = read(told.text(now));
  BOOST_TEST(read_back.size() == 2U);
  BOOST_TEST(read_back["a"].pickup[2] == 2);
  BOOST_TEST(total(read_back["a"].pickup) == 2);
  BOOST_TEST(read_back["a"].run.back() == 1);
  BOOST_TEST(read_back["b"].run[0] == 1);
}

BOOST_AUTO_TEST_CASE(after_five_minutes_it_is_forgotten) {
  auto told = jobd::recent_times{};
  const auto start = jobd::recent_times::time_point{} + 1h;
  told.ran("a", 1s, start);
  told.ran("a", 1s, start + 2min);
  BOOST_TEST(total(read(told.text(start + 4min))["a"].run) == 2);
  BOOST_TEST(total(read(told.text(start + 6min))["a"].run) == 1);
  BOOST_TEST(told.text(start + 8min) == "");
  told.ran("a", 1s, start + 10min);
  BOOST_TEST(total(read(told.text(start + 10min))["a"].run) == 1);
}

BOOST_AUTO_TEST_CASE(text_that_is_none_of_ours_adds_nothing) {
  auto told = jobd::recent_times{};
  told.ran("a", 1s, {});
  const auto good = told.text({});
  for (const auto& text :
       {std::string{"a 1 2 3"}, std::string{"a"}, std::string{"\n\n"}, "x" + good.substr(0, 9),
        good.substr(0, good.size() - 1) + " 1", good.substr(0, good.size() - 2) + "-1"})
    BOOST_TEST(read(text).empty(), text);
  BOOST_TEST(read("bad\n" + good).size() == 1U);
}

BOOST_AUTO_TEST_CASE(percentiles_lie_in_the_bucket_that_holds_them) {
  auto counts = duration_counts{};
  BOOST_TEST(!percentile(counts, 0.5).has_value());
  counts[9] = 90;  // (0.5, 1]
  counts[12] = 10; // (5, 10]
  BOOST_TEST(percentile(counts, 0.45)->count() == 0.75, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(percentile(counts, 0.95)->count() == 7.5, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(percentile(counts, 1)->count() == 10, boost::test_tools::tolerance(1e-9));
  counts.back() = 1'000;
  BOOST_TEST(percentile(counts, 0.99)->count() == 3600);
}

BOOST_AUTO_TEST_SUITE_END()

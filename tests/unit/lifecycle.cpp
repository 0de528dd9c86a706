#include "core/lifecycle.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <set>
#include <string>
#include <utility>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(lifecycle)

namespace {

using jobd::lifecycle::backoff;
using jobd::lifecycle::conclude;
using jobd::lifecycle::conclusion;
using jobd::lifecycle::event;
using jobd::lifecycle::next;

constexpr auto all_statuses = {job_status::created, job_status::running, job_status::success,
                               job_status::failed, job_status::cancelled};
constexpr auto all_events = {event::claim,  event::succeed,    event::fail,   event::retry,  event::release,
                             event::rescue, event::quarantine, event::cancel, event::expire, event::rerun};

claimed_job job_with(int failures, int max_attempts) {
  auto j = claimed_job{};
  j.failures = failures;
  j.max_attempts = max_attempts;
  return j;
}

} // namespace

BOOST_AUTO_TEST_CASE(these_changes_are_allowed_and_no_others) {
  using s = job_status;
  const auto allowed = std::map<std::pair<s, event>, s>{
      {{s::created, event::claim}, s::running},     {{s::running, event::succeed}, s::success},
      {{s::running, event::fail}, s::failed},       {{s::running, event::retry}, s::created},
      {{s::running, event::release}, s::created},   {{s::running, event::rescue}, s::created},
      {{s::running, event::quarantine}, s::failed}, {{s::created, event::cancel}, s::cancelled},
      {{s::running, event::cancel}, s::cancelled},  {{s::created, event::expire}, s::failed},
      {{s::failed, event::rerun}, s::created},      {{s::cancelled, event::rerun}, s::created},
  };
  for (const auto from : all_statuses)
    for (const auto e : all_events) {
      const auto found = allowed.find({from, e});
      const auto to = next(from, e);
      BOOST_TEST(to.has_value() == (found != allowed.end()), to_string(from)
                                                                 << " + " << jobd::lifecycle::to_string(e));
      BOOST_TEST((!to || *to == found->second), to_string(from) << " + " << jobd::lifecycle::to_string(e));
    }
}

BOOST_AUTO_TEST_CASE(a_final_status_is_left_only_if_a_client_wants_another_run) {
  for (const auto from : all_statuses)
    for (const auto e : all_events)
      BOOST_TEST((!is_final(from) || !next(from, e) || e == event::rerun));
  // What has succeeded stays so, whatever anyone wants.
  for (const auto e : all_events)
    BOOST_TEST(!next(job_status::success, e));
}

BOOST_AUTO_TEST_CASE(these_are_all_events) {
  const auto last = static_cast<std::uint8_t>(all_events.size()) - 1;
  for (const auto e : all_events)
    BOOST_TEST(static_cast<std::uint8_t>(e) <= last);
  BOOST_TEST(jobd::lifecycle::to_string(static_cast<event>(last + 1)) == "unknown");
}

BOOST_AUTO_TEST_CASE(every_event_has_a_name_of_its_own) {
  auto names = std::set<std::string_view>{};
  for (const auto e : all_events)
    names.insert(jobd::lifecycle::to_string(e));
  BOOST_TEST(names.size() == all_events.size());
  BOOST_TEST(!names.contains("unknown"));
}

BOOST_AUTO_TEST_CASE(success_and_release_are_what_they_are) {
  BOOST_TEST((conclude(job_with(0, 1), outcome::succeeded("1"), 0.5) == conclusion{event::succeed, {}}));
  BOOST_TEST((conclude(job_with(4, 5), outcome::succeeded(), 0.5) == conclusion{event::succeed, {}}));
  BOOST_TEST((conclude(job_with(0, 1), outcome::given_back(), 0.5) == conclusion{event::release, {}}));
  BOOST_TEST((conclude(job_with(4, 5), outcome::given_back(), 0.5) == conclusion{event::release, {}}));
}

BOOST_AUTO_TEST_CASE(a_failure_is_retried_while_attempts_are_left) {
  const auto failure = outcome::failed("why");
  BOOST_TEST((conclude(job_with(0, 1), failure, 0.5) == conclusion{event::fail, {}}));
  BOOST_TEST((conclude(job_with(0, 2), failure, 0.5) == conclusion{event::retry, seconds{1}}));
  BOOST_TEST((conclude(job_with(1, 2), failure, 0.5) == conclusion{event::fail, {}}));
  BOOST_TEST((conclude(job_with(1, 3), failure, 0.5) == conclusion{event::retry, seconds{2}}));
  BOOST_TEST((conclude(job_with(7, 3), failure, 0.5) == conclusion{event::fail, {}}));
  BOOST_TEST((conclude(job_with(98, 100), failure, 0.5) == conclusion{event::retry, seconds{3600}}));
}

BOOST_AUTO_TEST_CASE(the_backoff_doubles_up_to_an_hour) {
  BOOST_TEST(backoff(1, 0.5).count() == 1.0);
  BOOST_TEST(backoff(2, 0.5).count() == 2.0);
  BOOST_TEST(backoff(11, 0.5).count() == 1024.0);
  BOOST_TEST(backoff(12, 0.5).count() == 2048.0);
  BOOST_TEST(backoff(13, 0.5).count() == 3600.0);
  BOOST_TEST(backoff(2'000'000'000, 0.5).count() == 3600.0);
}

BOOST_AUTO_TEST_CASE(jitter_moves_the_backoff_by_a_quarter_at_most) {
  for (const auto failures : {-1, 0, 1, 5, 13, 100})
    for (const auto jitter : {0.0, 0.3, 0.999'999}) {
      const auto plain = backoff(failures, 0.5).count();
      const auto wait = backoff(failures, jitter).count();
      BOOST_TEST((wait >= 0.75 * plain && wait < 1.25 * plain));
    }
  BOOST_TEST(backoff(1, 0.0).count() == 0.75);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

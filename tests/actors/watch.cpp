#include "actors/watch.hpp"

#include "tests/actors/fakes.hpp"
#include "tests/actors/fixture.hpp"

namespace jobd::actors {
namespace {

struct test_reader : event_reader {
  bool deliver(const std::string& id, const job_event& e) override {
    ids.push_back(id);
    events.push_back(e);
    return !slow;
  }
  void end(const error& why) override { ended = why; }
  bool alive() const override { return !ended && !slow; }

  std::vector<std::string> ids;
  job_events events;
  std::optional<error> ended;
  bool slow = false;
};

struct watch_fixture : actor_fixture {
  neighbours around;
  watch_actor watching = keep(sys.spawn(watch, keep(sys.spawn(neighbour_storage, &around)),
                                        keep(sys.spawn(neighbour_queue, &around))));
  int place = 0;

  watch_fixture() { hears(true); }
  ~watch_fixture() {
    watching = nullptr;
    end_actors();
  }

  void hears(bool everything) {
    self->send(watching, atom::heard_v, everything);
    run();
  }
  void has(job_id id, job_status status, attempt_no attempt = 1) {
    auto& j = around.jobs[id];
    j.id = id;
    j.type = "mail";
    j.queue = "default";
    j.status = status;
    j.attempt = attempt;
  }
  queue::message message_of(job_id id, job_status status, attempt_no attempt = 1,
                            const std::string& type = "mail") {
    return {"1-" + std::to_string(++place), to_text({id, 0, type, "default", status, attempt, {}})};
  }
  /// The job changes, and everyone is told.
  void becomes(job_id id, job_status status, attempt_no attempt = 1) {
    has(id, status, attempt);
    self->send(watching, atom::heard_v, messages{message_of(id, status, attempt)});
    run();
  }
  std::shared_ptr<test_reader> read(std::optional<job_id> id, std::optional<std::string> type = {},
                                    const std::string& after = {}) {
    auto r = std::make_shared<test_reader>();
    self->send(watching, atom::watch_v, event_subscription{id, type, {}, after, r});
    run();
    return r;
  }
  static std::vector<job_status> statuses(const test_reader& r) {
    auto all = std::vector<job_status>{};
    for (const auto& e : r.events)
      all.push_back(e.status);
    return all;
  }
  pending<job> wait(job_id id, std::chrono::milliseconds time) {
    return start<job>(watching, atom::await_v, id, time);
  }
};

using list = std::vector<job_status>;
using enum job_status;

} // namespace

BOOST_FIXTURE_TEST_SUITE(watch_suite, watch_fixture)

BOOST_AUTO_TEST_CASE(a_job_that_is_final_is_answered_at_once) {
  has(1, success);
  const auto answer = wait(1, 30s);
  BOOST_REQUIRE(answer->has_value());
  BOOST_TEST(((*answer)->value().status == success));
}

BOOST_AUTO_TEST_CASE(a_job_that_is_not_there_is_told_at_once) {
  const auto answer = wait(1, 30s);
  BOOST_REQUIRE(answer->has_value());
  BOOST_TEST(((*answer)->error().code == ec::not_found));
}

BOOST_AUTO_TEST_CASE(a_waiter_is_answered_when_the_job_becomes_final) {
  has(1, running);
  const auto answer = wait(1, 30s);
  BOOST_TEST(!answer->has_value());
  becomes(1, success);
  BOOST_REQUIRE(answer->has_value());
  BOOST_TEST(((*answer)->value().status == success));
}

BOOST_AUTO_TEST_CASE(when_the_time_is_over_the_job_is_told_as_it_is) {
  has(1, running);
  const auto answer = wait(1, 1s);
  advance(900ms);
  BOOST_TEST(!answer->has_value());
  has(1, created);
  advance(200ms);
  BOOST_REQUIRE(answer->has_value());
  BOOST_TEST(((*answer)->value().status == created));
}

BOOST_AUTO_TEST_CASE(hundreds_of_waiters_cost_one_query_a_look) {
  for (auto id = job_id{1}; id <= 300; ++id)
    has(id, running);
  auto answers = std::vector<pending<job>>{};
  for (auto id = job_id{1}; id <= 300; ++id)
    answers.push_back(wait(id, 60s));
  hears(false);
  const auto before = around.look_ups;
  advance(2'000ms);
  BOOST_TEST(around.look_ups - before <= 5);
  BOOST_TEST(around.look_ups - before >= 3);
  BOOST_TEST(around.attended == 1);
}

BOOST_AUTO_TEST_CASE(without_events_a_waiter_is_answered_by_looking) {
  hears(false);
  around.queue_away = true;
  has(1, running);
  const auto answer = wait(1, 30s);
  has(1, failed);
  advance(600ms);
  BOOST_REQUIRE(answer->has_value());
  BOOST_TEST(((*answer)->value().status == failed));
}

BOOST_AUTO_TEST_CASE(what_happened_while_nothing_was_heard_is_looked_up) {
  has(1, running);
  const auto answer = wait(1, 30s);
  around.jobs[1].status = success;
  hears(true);
  BOOST_TEST(answer->has_value());
}

BOOST_AUTO_TEST_CASE(a_store_that_is_away_is_asked_again_until_the_time_is_over) {
  around.store_away = true;
  const auto answer = wait(1, 2s);
  advance(1'900ms);
  BOOST_TEST(!answer->has_value());
  BOOST_TEST(around.look_ups >= 3);
  advance(700ms);
  BOOST_REQUIRE(answer->has_value());
  BOOST_TEST(((*answer)->error().code == ec::store_away));
}

BOOST_AUTO_TEST_CASE(nobody_watching_costs_nothing) {
  has(1, success);
  wait(1, 1s);
  advance(1'000ms);
  const auto looks = around.look_ups;
  advance(120'000ms);
  BOOST_TEST(around.look_ups == looks);
  BOOST_TEST(around.attended == 1);
}

BOOST_AUTO_TEST_CASE(attending_goes_on_while_anyone_watches) {
  read(std::nullopt);
  advance(130'000ms);
  BOOST_TEST(around.attended >= 3);
}

BOOST_AUTO_TEST_CASE(a_reader_of_a_job_gets_its_state_and_then_what_happens_to_its_end) {
  has(1, created, 0);
  const auto r = read(1);
  becomes(1, running);
  becomes(1, success);
  BOOST_TEST((statuses(*r) == list{created, running, success}));
  BOOST_REQUIRE(r->ended.has_value());
  BOOST_TEST((r->ended->code == ec::none));
  becomes(1, created);
  BOOST_TEST(r->events.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_reader_of_a_job_that_is_not_there_is_told) {
  const auto r = read(1);
  BOOST_REQUIRE(r->ended.has_value());
  BOOST_TEST((r->ended->code == ec::not_found));
}

BOOST_AUTO_TEST_CASE(late_news_of_an_earlier_state_are_left_out) {
  has(1, running, 2);
  const auto r = read(1);
  self->send(watching, atom::heard_v,
             messages{message_of(1, running, 1), message_of(1, created, 1), message_of(1, running, 2)});
  run();
  BOOST_TEST((statuses(*r) == list{running}));
}

BOOST_AUTO_TEST_CASE(without_events_a_reader_of_a_job_hears_by_looking) {
  hears(false);
  has(1, running);
  const auto r = read(1);
  around.jobs[1].progress = R"({"percent":50})";
  advance(600ms);
  has(1, success);
  advance(600ms);
  BOOST_TEST((statuses(*r) == list{running, running, success}));
  BOOST_TEST(r->events[1].progress.value_or("") == R"({"percent":50})");
  BOOST_TEST(r->ended.has_value());
}

BOOST_AUTO_TEST_CASE(a_reader_of_all_jobs_hears_those_of_its_type) {
  const auto all = read(std::nullopt);
  const auto mails = read(std::nullopt, "mail");
  self->send(watching, atom::heard_v, messages{message_of(1, running), message_of(2, running, 1, "other")});
  run();
  BOOST_TEST(all->events.size() == 2U);
  BOOST_REQUIRE(mails->events.size() == 1U);
  BOOST_TEST(mails->events[0].id == 1);
  BOOST_TEST(all->ids == (std::vector<std::string>{"1-1", "1-2"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_reader_that_comes_back_goes_on_after_what_it_has) {
  for (auto id = job_id{1}; id <= 3; ++id)
    around.kept.push_back(message_of(id, running));
  const auto r = read(std::nullopt, {}, "1-1");
  BOOST_TEST(r->ids == (std::vector<std::string>{"1-2", "1-3"}), boost::test_tools::per_element());
  becomes(4, running);
  BOOST_TEST(r->ids.back() == "1-4");
}

BOOST_AUTO_TEST_CASE(a_slow_reader_gets_no_more) {
  const auto r = read(std::nullopt);
  r->slow = true;
  becomes(1, running);
  becomes(2, running);
  BOOST_TEST(r->events.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_message_that_is_no_event_is_skipped) {
  const auto r = read(std::nullopt);
  self->send(watching, atom::heard_v, messages{{"1-1", "nonsense"}, {"1-2", ""}, message_of(1, running)});
  run();
  BOOST_TEST(r->events.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::actors

#include "actors/queue.hpp"

#include "actors/fetcher.hpp"
#include "tests/actors/fixture.hpp"

namespace jobd::actors {
namespace {

struct queue_log {
  bool away = false;
  bool attended = true;
  std::vector<std::size_t> pushes;
  std::vector<std::vector<std::string>> events;
  std::vector<std::vector<std::string>> cancels;
};

class fake_queue : public queue::job_queue {
public:
  explicit fake_queue(queue_log* log) : log_(log) {}

  expected<bool> push(std::span<const hint> more) override {
    log_->pushes.push_back(more.size());
    if (log_->away)
      return fail(ec::queue_away);
    return log_->attended;
  }
  expected<hints> pop(std::span<const std::string>, int, std::chrono::milliseconds) override {
    if (log_->away)
      return fail(ec::queue_away);
    return hints{{1, "default", 5}};
  }
  expected<void> publish(queue::stream to, std::span<const std::string> texts) override {
    (to == queue::stream::events ? log_->events : log_->cancels).push_back({texts.begin(), texts.end()});
    if (log_->away)
      return fail(ec::queue_away);
    return {};
  }
  expected<void> attend(std::chrono::milliseconds) override { return {}; }
  expected<messages> read(queue::stream, const std::string&, std::chrono::milliseconds) override {
    return messages{};
  }
  expected<std::string> newest(queue::stream) override { return "0-0"; }
  expected<std::int64_t> size(const std::string&) override { return 3; }

private:
  queue_log* log_;
};

struct queue_fixture : actor_fixture {
  queue_log log;
  ~queue_fixture() { end_actors(); }

  queue_factory make = [this] { return std::make_unique<fake_queue>(&log); };
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(queue_suite, queue_fixture)

BOOST_AUTO_TEST_CASE(hints_that_have_arrived_are_written_in_one_go) {
  const auto q = keep(sys.spawn(actors::queue, make));
  for (auto i = 1; i <= 10; ++i)
    self->send(q, atom::push_v, hints{{i, "default", 5}});
  run();
  BOOST_REQUIRE(log.pushes.size() == 1u);
  BOOST_TEST(log.pushes[0] == 10u);
}

BOOST_AUTO_TEST_CASE(while_the_queue_is_away_hints_are_dropped_without_asking_it_each_time) {
  const auto q = keep(sys.spawn(actors::queue, make));
  log.away = true;
  for (auto i = 0; i < 20; ++i) {
    self->send(q, atom::push_v, hints{{i, "default", 5}});
    advance(50ms);
  }
  BOOST_TEST(log.pushes.size() <= 3u);
  log.away = false;
  advance(500ms);
  self->send(q, atom::push_v, hints{{1, "default", 5}});
  run();
  BOOST_TEST(log.pushes.back() == 1u);
  BOOST_TEST(ask<std::int64_t>(q, atom::size_v, std::string{"default"})->value() == 3);
}

BOOST_AUTO_TEST_CASE(the_fetcher_hands_on_what_it_popped_and_that_the_queue_is_away) {
  const auto f = keep(sys.spawn(fetcher, make));
  const auto from = queue_names{"default"};
  BOOST_TEST(ask<hints>(f, atom::pop_v, 5, from)->value().size() == 1u);
  log.away = true;
  BOOST_TEST((ask<hints>(f, atom::pop_v, 5, from)->error().code == ec::queue_away));
}

BOOST_AUTO_TEST_CASE(news_that_arrive_together_are_published_together) {
  const auto q = keep(sys.spawn(queue, make));
  self->send(q, atom::publish_v, job_events{{1, 7, "mail", "default", job_status::running, 1, {}}});
  self->send(q, atom::publish_v,
             job_events{{1, 7, "mail", "default", job_status::running, 1, R"({"percent":5})"}});
  self->send(q, atom::cancel_v, run_keys{{3, 2}});
  run();
  BOOST_REQUIRE(log.events.size() == 1U);
  BOOST_TEST(log.events[0]
                 == (std::vector<std::string>{"1 7 running 1 mail default",
                                              R"(1 7 running 1 mail default {"percent":5})"}),
             boost::test_tools::per_element());
  BOOST_REQUIRE(log.cancels.size() == 1U);
  BOOST_TEST(log.cancels[0] == (std::vector<std::string>{"3 2"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(news_are_published_only_if_somebody_attends_but_cancels_always) {
  log.attended = false;
  const auto q = keep(sys.spawn(queue, make));
  self->send(q, atom::publish_v, job_events{{1, 7, "mail", "default", job_status::running, 1, {}}});
  self->send(q, atom::cancel_v, run_keys{{3, 2}});
  run();
  BOOST_TEST(log.events.empty());
  BOOST_TEST(log.cancels.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::actors

#include "execution/native.hpp"

#include "core/json_text.hpp"
#include "execution/executor.hpp"
#include "execution/registry.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

using namespace jobd;
using namespace jobd::execution;
using namespace std::chrono_literals;

namespace {

constexpr auto limit = 30s;

/// A door that threads wait at until it is opened.
class door {
public:
  void open() {
    const std::lock_guard lock(guard_);
    open_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(guard_);
    return changed_.wait_for(lock, limit, [&] { return open_; });
  }

private:
  std::mutex guard_;
  std::condition_variable changed_;
  bool open_ = false;
};

/// The outcomes that `done` was called with, and the progress that was told before.
struct outcomes {
  std::mutex guard;
  std::condition_variable changed;
  std::vector<outcome> all;
  std::vector<std::string> progress;

  executor::callbacks callbacks() {
    return {[this](outcome o) {
              const std::lock_guard lock(guard);
              all.push_back(std::move(o));
              changed.notify_all();
            },
            [this](std::string json) {
              const std::lock_guard lock(guard);
              progress.push_back(std::move(json));
              changed.notify_all();
            }};
  }
  bool reach(std::size_t count) {
    std::unique_lock lock(guard);
    return changed.wait_for(lock, limit, [&] { return all.size() >= count; });
  }
};

struct fixture {
  outcomes seen;
  std::unique_ptr<native_executor> executor = std::make_unique<native_executor>();
  claimed_job job;
  ticket last = 0;

  ticket start(native_function f) {
    executor->start(++last, job, std::make_shared<const native_function>(std::move(f)), seen.callbacks());
    return last;
  }
  outcome result() {
    BOOST_REQUIRE(seen.reach(last));
    const std::lock_guard lock(seen.guard);
    return seen.all.back();
  }
  outcome run(native_function f) {
    start(std::move(f));
    return result();
  }

  ~fixture() {
    executor.reset();
    BOOST_TEST(seen.all.size() == last); // each was reported once, and none twice
  }
};

outcome wait_for_stop(std::stop_token stop) {
  door stopped;
  const std::stop_callback open(stop, [&] { stopped.open(); });
  return stopped.wait() ? outcome::failed("stopped") : outcome::failed("was never asked to stop");
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(native, fixture)

BOOST_AUTO_TEST_CASE(function_gets_the_job_and_gives_the_outcome) {
  job.object_id = 41;
  const auto o = run([](const claimed_job& j, std::stop_token) {
    return outcome::succeeded(std::to_string(j.object_id + 1), "fine");
  });
  BOOST_CHECK(o == outcome::succeeded("42", "fine"));
}

BOOST_AUTO_TEST_CASE(exception_is_a_failure_with_its_text) {
  BOOST_CHECK(run([](auto&&...) -> outcome { throw std::runtime_error("no luck"); })
              == outcome::failed("no luck"));
  BOOST_CHECK(run([](auto&&...) -> outcome { throw 7; }).what == outcome::kind::failure);
  BOOST_CHECK(run([](auto&&...) { return outcome::succeeded("1"); }) == outcome::succeeded("1"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_stored_is_not_handed_on) {
  BOOST_TEST(run([](auto&&...) { return outcome::failed(std::string("a\0b\xFF", 4)); }).message
             == "a\xEF\xBF\xBD"
                "b\xEF\xBF\xBD");
  BOOST_TEST(run([](auto&&...) { return outcome::failed(std::string(100'000, 'x')); }).message.size()
             == limits::message_bytes);
  const auto o = run([](auto&&...) { return outcome::succeeded("{no json"); });
  BOOST_CHECK(o.what == outcome::kind::failure);
  BOOST_TEST(o.message.starts_with("the result is not valid JSON"));
  BOOST_CHECK(run([](auto&&...) { return outcome::succeeded("\"" + std::string(2 << 20, 'x') + "\""); })
              == outcome::failed("the result is over 1 MiB"));
}

BOOST_AUTO_TEST_CASE(progress_is_told_as_it_grows) {
  run([](const claimed_job&, run_context& context) {
    context.progress(12.5);
    context.log("began");
    context.progress(100.0001, "almost");
    return outcome::succeeded();
  });
  const std::vector<std::string> want{R"({"percent":12.5})", R"({"percent":12.5,"log":["began"]})",
                                      R"({"percent":100,"message":"almost","log":["began"]})"};
  BOOST_TEST(seen.progress == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(progress_that_no_one_asked_for_is_no_harm) {
  const auto f = std::make_shared<const native_function>([](const claimed_job&, run_context& context) {
    context.progress(1);
    return outcome::succeeded();
  });
  executor->start(++last, job, f, {seen.callbacks().done});
  BOOST_CHECK(result() == outcome::succeeded());
}

BOOST_AUTO_TEST_CASE(context_knows_when_to_stop) {
  const auto t = start([](const claimed_job&, run_context& c) { return wait_for_stop(c.stop_token()); });
  executor->stop(t, limit);
  BOOST_CHECK(result() == outcome::failed("stopped"));
}

BOOST_AUTO_TEST_CASE(nothing_is_told_after_a_function_was_given_up) {
  const auto way_out = std::make_shared<door>();
  const auto ended = std::make_shared<door>();
  const auto t = start([=](const claimed_job&, run_context& context) {
    context.progress(1);
    way_out->wait();
    context.progress(2);
    ended->open();
    return outcome::succeeded();
  });
  executor->stop(t, 0ms);
  result();
  way_out->open();
  BOOST_TEST(ended->wait());
  BOOST_TEST(seen.progress.size() <= 1u); // none if it was given up before it began
  for (const auto& told : seen.progress)
    BOOST_TEST(told == R"({"percent":1})");
}

BOOST_AUTO_TEST_CASE(threads_of_a_function_may_all_tell) {
  run([](const claimed_job&, run_context& context) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int n = 0; n < 100; ++n)
          context.log("x");
      });
    threads.clear();
    context.progress(100);
    return outcome::succeeded();
  });
  BOOST_REQUIRE(seen.progress.size() == 401u);
  BOOST_TEST(seen.progress.back().starts_with(R"({"percent":100,"log":["x","x",)"));
}

BOOST_AUTO_TEST_CASE(idle_thread_is_used_again) {
  std::mutex guard;
  std::set<std::thread::id> threads;
  for (int i = 0; i < 1000; ++i)
    run([&](auto&&...) {
      const std::lock_guard lock(guard);
      threads.insert(std::this_thread::get_id());
      return outcome::succeeded();
    });
  BOOST_TEST(threads.size() == 1u);
}

BOOST_AUTO_TEST_CASE(jobs_that_wait_for_each_other_all_run) {
  std::atomic<int> arrived = 0;
  door all_here;
  for (int i = 0; i < 50; ++i)
    start([&](auto&&...) {
      if (++arrived == 50)
        all_here.open();
      return all_here.wait() ? outcome::succeeded() : outcome::failed("was alone");
    });
  BOOST_REQUIRE(seen.reach(50));
  for (const auto& o : seen.all)
    BOOST_CHECK(o == outcome::succeeded());
}

BOOST_AUTO_TEST_CASE(stop_fires_the_token) {
  const auto t = start([](const claimed_job&, std::stop_token stop) { return wait_for_stop(stop); });
  executor->stop(t, limit);
  BOOST_CHECK(result() == outcome::failed("stopped"));
}

BOOST_AUTO_TEST_CASE(stop_without_grace_leaves_time_to_obey) {
  const auto t = start([](const claimed_job&, std::stop_token stop) { return wait_for_stop(stop); });
  executor->stop(t, 0ms);
  BOOST_CHECK(result() == outcome::failed("stopped"));
}

BOOST_AUTO_TEST_CASE(function_that_ignores_its_token_is_given_up) {
  const auto way_out = std::make_shared<door>();
  const auto ended = std::make_shared<door>();
  const auto t = start([=](auto&&...) {
    way_out->wait();
    ended->open();
    return outcome::succeeded("\"too late\"");
  });
  const auto asked = std::chrono::steady_clock::now();
  executor->stop(t, 100ms);
  BOOST_TEST(result().message == "did not stop when asked, within 100 ms");
  BOOST_TEST((std::chrono::steady_clock::now() - asked >= 100ms));
  BOOST_TEST((std::chrono::steady_clock::now() - asked < 100ms + 1s));
  way_out->open();
  BOOST_TEST(ended->wait());
  // Its late outcome is dropped: the fixture counts.
}

BOOST_AUTO_TEST_CASE(second_stop_shortens_the_grace) {
  const auto way_out = std::make_shared<door>();
  const auto t = start([=](auto&&...) { return way_out->wait(), outcome::succeeded(); });
  const auto asked = std::chrono::steady_clock::now();
  executor->stop(t, 1h);
  executor->stop(t, 50ms);
  executor->stop(t, 1h);
  BOOST_TEST(result().message == "did not stop when asked, within 50 ms");
  BOOST_TEST((std::chrono::steady_clock::now() - asked < 50ms + 1s));
  way_out->open();
}

BOOST_AUTO_TEST_CASE(stop_of_a_run_that_is_over_changes_nothing) {
  run([](auto&&...) { return outcome::succeeded(); });
  executor->stop(last, 0ms);
  executor->stop(12'345, 0ms);
  BOOST_CHECK(run([](auto&&...) { return outcome::succeeded("1"); }) == outcome::succeeded("1"));
}

BOOST_AUTO_TEST_CASE(destruction_stops_and_releases_what_runs) {
  for (int i = 0; i < 10; ++i)
    start([](const claimed_job&, std::stop_token stop) { return wait_for_stop(stop); });
  executor.reset();
  BOOST_TEST(seen.all.size() == 10u);
  for (const auto& o : seen.all)
    BOOST_CHECK(o == outcome::given_back());
}

BOOST_AUTO_TEST_CASE(destruction_does_not_wait_for_what_ignores_its_token) {
  const auto begun = std::make_shared<door>();
  const auto way_out = std::make_shared<door>();
  const auto ended = std::make_shared<door>();
  start([=](auto&&...) {
    begun->open();
    way_out->wait();
    ended->open();
    return outcome::succeeded();
  });
  BOOST_REQUIRE(begun->wait());
  const auto begin = std::chrono::steady_clock::now();
  executor.reset();
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 2s));
  BOOST_TEST(seen.all.size() == 1u);
  BOOST_CHECK(seen.all[0] == outcome::given_back());
  way_out->open();
  BOOST_TEST(ended->wait());
}

BOOST_AUTO_TEST_CASE(done_may_start_the_next_run) {
  last = 2;
  const auto nothing =
      std::make_shared<const native_function>([](auto&&...) { return outcome::succeeded(); });
  executor->start(1, job, nothing, {[&](outcome o) {
                    seen.callbacks().done(std::move(o));
                    executor->start(2, job, nothing, seen.callbacks());
                  }});
  BOOST_TEST(seen.reach(2));
}

BOOST_AUTO_TEST_SUITE_END()

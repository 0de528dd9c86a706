#include "tests/integration/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <future>

using namespace jobd::test;
using namespace std::chrono_literals;

namespace {

std::string object(int id) {
  return R"({"object_id": )" + std::to_string(id) + "}";
}

/// Clients that wait for the answer to one submission each.
class pending_posts {
public:
  pending_posts(const std::string& url, int n) : answers_(static_cast<std::size_t>(n)) {
    done_ = std::async(std::launch::async, [this, url, n] {
      in_parallel(n, n, [&](http_client& client, int i) {
        answers_[static_cast<std::size_t>(i)] = client.post(url, object(i));
      });
    });
  }

  /// Waits until all have an answer.
  [[nodiscard]] const std::vector<http_answer>& answers() {
    if (done_.valid())
      done_.get();
    return answers_;
  }
  [[nodiscard]] std::ptrdiff_t with(int status) {
    return std::ranges::count(answers(), status, &http_answer::status);
  }

private:
  std::vector<http_answer> answers_;
  std::future<void> done_;
};

struct shutdown_cluster : cluster {
  /// Waits until the API has asked the database, which does not answer.
  [[nodiscard]] bool is_stuck() {
    return becomes("select count(*) > 0 from pg_stat_activity where application_name = 'jobd'"
                   " and wait_event_type = 'Lock'",
                   "t");
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(shutdown_api, shutdown_cluster)

BOOST_AUTO_TEST_CASE(idle_api_ends_at_once_with_0) {
  BOOST_TEST(post_job(object(1)).status == 201);
  // The client's connection is still open.
  const auto before = steady::now();
  BOOST_TEST(api().terminate().value_or(-1) == 0);
  BOOST_TEST((steady::now() - before < 3s));
}

BOOST_AUTO_TEST_CASE(sigint_is_as_good) {
  (void)api();
  api().signal(SIGINT);
  BOOST_TEST(api().exit_code(3s).value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(node_leaves_its_row) {
  (void)api();
  BOOST_TEST(becomes("select count(*) from nodes", "1"));
  BOOST_TEST(api().terminate().value_or(-1) == 0);
  BOOST_TEST(count("nodes") == 0);
}

BOOST_AUTO_TEST_CASE(pending_requests_are_answered_before_the_end) {
  const auto url = api().url("/v1/jobs");
  BOOST_TEST(post_job(object(1000)).status == 201);
  const auto locked = lock_jobs_for(1.5s);
  auto posts = pending_posts{url, 20};
  BOOST_TEST(is_stuck());
  api().signal(SIGTERM);
  BOOST_TEST(api().says("The API answers what is pending and ends."));
  BOOST_TEST(posts.with(201) == 20);
  BOOST_TEST(api().exit_code().value_or(-1) == 0);
  BOOST_TEST(count("jobs") == 21);
}

BOOST_AUTO_TEST_CASE(nobody_is_let_in_any_more) {
  const auto url = api().url("/v1/jobs");
  BOOST_TEST(post_job(object(1000)).status == 201);
  const auto locked = lock_jobs_for(2s);
  auto posts = pending_posts{url, 1};
  BOOST_TEST(is_stuck());
  api().signal(SIGTERM);
  BOOST_TEST(api().says("The API answers what is pending and ends."));
  auto newcomer = http_client{};
  auto answer = http_answer{};
  BOOST_TEST(eventually([&] { return (answer = newcomer.get(url + "/1")).status == 0; }, 1s));
  // A client that is there already is told to come back, elsewhere.
  const auto known = client().get(url + "/1");
  BOOST_TEST((known.status == 503 || known.status == 0), known.status << known.body);
  BOOST_TEST(posts.with(201) == 1);
  BOOST_TEST(api().exit_code().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(end_comes_within_the_grace_and_5_s_when_the_database_hangs) {
  const auto url = start_api({{"JOB_SHUTDOWN_GRACE", "1"}}).url("/v1/jobs");
  BOOST_TEST(post_job(object(1000)).status == 201);
  postgres().pause();
  auto posts = pending_posts{url, 8};
  // Nobody can be asked whether they have arrived; one that is refused has come after them or is one of them.
  api().signal(SIGTERM);
  const auto before = steady::now();
  BOOST_TEST(api().exit_code(20s).value_or(-1) == 0);
  BOOST_TEST((steady::now() - before < 6s));
  for (const auto& answer : posts.answers())
    BOOST_TEST((answer.status == 503 || answer.status == 0), answer.status << answer.body);
}

BOOST_AUTO_TEST_CASE(pending_requests_get_503_when_the_grace_is_over) {
  const auto url = start_api({{"JOB_SHUTDOWN_GRACE", "0.5"}}).url("/v1/jobs");
  BOOST_TEST(post_job(object(1000)).status == 201);
  const auto locked = lock_jobs_for(8s);
  auto posts = pending_posts{url, 20};
  BOOST_TEST(is_stuck());
  const auto before = steady::now();
  BOOST_TEST(api().terminate(20s).value_or(-1) == 0);
  BOOST_TEST((steady::now() - before < 5500ms));
  for (const auto& answer : posts.answers()) {
    BOOST_TEST(answer.status == 503, answer.status << answer.error);
    BOOST_TEST(!answer.header("retry-after").empty());
  }
}

BOOST_AUTO_TEST_CASE(end_comes_within_the_grace_and_5_s_when_redis_hangs) {
  start_api({{"JOB_SHUTDOWN_GRACE", "1"}});
  redis().pause();
  BOOST_TEST(post_job(object(1)).status == 201);
  const auto before = steady::now();
  BOOST_TEST(api().terminate(20s).value_or(-1) == 0);
  BOOST_TEST((steady::now() - before < 6s));
}

BOOST_AUTO_TEST_CASE(end_comes_when_the_database_is_away) {
  start_api({{"JOB_SHUTDOWN_GRACE", "1"}});
  postgres().stop();
  const auto before = steady::now();
  BOOST_TEST(api().terminate(20s).value_or(-1) == 0);
  BOOST_TEST((steady::now() - before < 6s));
}

BOOST_AUTO_TEST_CASE(second_signal_ends_it_at_once) {
  const auto url = api().url("/v1/jobs");
  BOOST_TEST(post_job(object(1000)).status == 201);
  const auto locked = lock_jobs_for(3s);
  auto posts = pending_posts{url, 1};
  BOOST_TEST(is_stuck());
  api().signal(SIGTERM);
  BOOST_TEST(api().says("The API answers what is pending and ends."));
  const auto before = steady::now();
  api().signal(SIGTERM);
  BOOST_TEST(api().exit_code(2s).has_value());
  BOOST_TEST((steady::now() - before < 2s));
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/integration/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <list>

using namespace jobd::test;
using namespace std::chrono_literals;

namespace {

std::string object(int id) {
  return R"({"object_id": )" + std::to_string(id) + "}";
}

/// Submissions on connections of their own. When it is made, the API has read them all: its one HTTP thread
/// takes what comes in turn, and it has answered something that came after them.
class pending_posts {
public:
  pending_posts(cluster& c, int n) {
    for (auto i = 0; i < n; ++i) {
      const auto body = object(i);
      connections_.emplace_back(c.api().port())
          .send("POST /v1/jobs HTTP/1.1\r\nHost: jobd\r\nConnection: close\r\nContent-Type: "
                "application/json\r\n"
                "Content-Length: "
                + std::to_string(body.size()) + "\r\n\r\n" + body);
    }
    auto newcomer = http_client{};
    BOOST_TEST_REQUIRE(newcomer.get(c.api().url("/healthz")).status == 200);
  }

  /// Waits for all answers, each to the end of its connection.
  [[nodiscard]] std::vector<std::string> answers() {
    auto all = std::vector<std::string>{};
    for (auto& c : connections_)
      all.push_back(c.read_until(""));
    return all;
  }
  [[nodiscard]] std::ptrdiff_t with(const std::string& status) {
    const auto is_so = [&](const std::string& a) { return a.starts_with("HTTP/1.1 " + status); };
    const auto all = answers();
    return std::ranges::count_if(all, is_so);
  }

private:
  std::list<raw_connection> connections_;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(shutdown_api, cluster)

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
  BOOST_TEST(post_job(object(1000)).status == 201);
  const auto locked = lock_jobs_for(1.5s);
  auto posts = pending_posts{*this, 20};
  api().signal(SIGTERM);
  BOOST_TEST(api().says("The API answers what is pending and ends."));
  BOOST_TEST(posts.with("201") == 20);
  BOOST_TEST(api().exit_code().value_or(-1) == 0);
  BOOST_TEST(count("jobs") == 21);
}

BOOST_AUTO_TEST_CASE(nobody_is_let_in_any_more) {
  const auto known = api().url("/v1/jobs/1");
  BOOST_TEST(post_job(object(1000)).status == 201);
  const auto locked = lock_jobs_for(3s);
  auto posts = pending_posts{*this, 1};
  api().signal(SIGTERM);
  BOOST_TEST(api().says("The API answers what is pending and ends."));
  auto newcomer = http_client{};
  BOOST_TEST(eventually([&] { return newcomer.get(api().url("/healthz")).status == 0; }, 2s));
  // A client that is there already is told to come back, elsewhere.
  const auto answer = client().get(known);
  BOOST_TEST((answer.status == 503 || answer.status == 0), answer.status << answer.body);
  BOOST_TEST(api().running());
  BOOST_TEST(posts.with("201") == 1);
  BOOST_TEST(api().exit_code().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(end_comes_within_the_grace_and_5_s_when_the_database_hangs) {
  start_api({{"JOB_SHUTDOWN_GRACE", "1"}});
  BOOST_TEST(post_job(object(1000)).status == 201);
  postgres().pause();
  auto posts = pending_posts{*this, 8};
  const auto before = steady::now();
  BOOST_TEST(api().terminate(20s).value_or(-1) == 0);
  BOOST_TEST((steady::now() - before < 6s));
  BOOST_TEST(posts.with("503") == 8);
}

BOOST_AUTO_TEST_CASE(pending_requests_get_503_when_the_grace_is_over) {
  start_api({{"JOB_SHUTDOWN_GRACE", "0.5"}});
  BOOST_TEST(post_job(object(1000)).status == 201);
  const auto locked = lock_jobs_for(7s);
  auto posts = pending_posts{*this, 20};
  const auto before = steady::now();
  BOOST_TEST(api().terminate(20s).value_or(-1) == 0);
  BOOST_TEST((steady::now() - before < 5500ms));
  for (const auto& answer : posts.answers()) {
    BOOST_TEST(answer.starts_with("HTTP/1.1 503"), answer);
    BOOST_TEST(answer.find("Retry-After: ") != std::string::npos, answer);
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
  BOOST_TEST(post_job(object(1000)).status == 201);
  const auto locked = lock_jobs_for(3s);
  auto posts = pending_posts{*this, 1};
  api().signal(SIGTERM);
  BOOST_TEST(api().says("The API answers what is pending and ends."));
  const auto before = steady::now();
  api().signal(SIGTERM);
  BOOST_TEST(api().exit_code(2s).has_value());
  BOOST_TEST((steady::now() - before < 2s));
}

BOOST_AUTO_TEST_SUITE_END()

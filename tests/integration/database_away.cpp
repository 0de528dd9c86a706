#include "tests/integration/cluster.hpp"

#include <boost/test/unit_test.hpp>
#include <tao/json.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>

using namespace jobd::test;

namespace {

using how = postgres_server::how;

std::string object(int id) {
  return R"({"object_id": )" + std::to_string(id) + "}";
}

/// Clients that post one new object after the other until they are told to stop, and all their answers.
class steady_posting {
public:
  explicit steady_posting(std::string url) : url_(std::move(url)) {
    thread_ = std::async(std::launch::async,
                         [this] { in_parallel(4, 4, [this](auto& client, int) { post(client); }); });
  }
  ~steady_posting() { stop(); }

  void stop() {
    stop_ = true;
    if (thread_.valid())
      thread_.get();
  }

  /// How many answers came so far.
  [[nodiscard]] std::size_t count() {
    const auto lock = std::lock_guard{mutex_};
    return answers_.size();
  }
  /// The object and what it was answered with. After `stop`.
  [[nodiscard]] const std::vector<std::pair<int, submission>>& answers() const { return answers_; }

private:
  void post(http_client& client) {
    while (!stop_) {
      const auto id = next_++;
      auto answer = understood(client.post(url_, object(id)));
      const auto lock = std::lock_guard{mutex_};
      answers_.emplace_back(id, std::move(answer));
    }
  }

  std::string url_;
  std::atomic<bool> stop_{false};
  std::atomic<int> next_{1};
  std::mutex mutex_;
  std::vector<std::pair<int, submission>> answers_;
  std::future<void> thread_;
};

struct away_cluster : cluster {
  static void expect_503(const http_answer& answer) {
    BOOST_TEST(answer.status == 503, "status " << answer.status << ": " << answer.body << answer.error);
    BOOST_TEST(answer.header("content-type") == "application/problem+json");
    const auto retry_after = answer.header("retry-after");
    BOOST_TEST((!retry_after.empty() && std::stoi(retry_after) > 0), "Retry-After: " << retry_after);
  }

  static std::string problem_type(const http_answer& answer) {
    return tao::json::from_string(answer.body).at("type").get_string();
  }

  /// What was accepted is there, once, with the id that was answered.
  void expect_a_row_for_each(const steady_posting& posting) {
    auto accepted = std::size_t{0};
    auto wrong = 0;
    auto rows = std::map<std::string, std::string>{};
    for (auto& row : sql("select id, object_id from jobs"))
      rows.emplace(row.at(0), row.at(1));
    for (const auto& [object, answer] : posting.answers()) {
      const auto found = rows.find(std::to_string(answer.id));
      accepted += answer.id != 0;
      wrong += answer.id != 0 && (found == rows.end() || found->second != std::to_string(object));
    }
    BOOST_TEST(wrong == 0);
    BOOST_TEST(accepted > 0);
    BOOST_TEST(count("(select object_id from jobs group by 1 having count(*) > 1) as twice") == 0);
  }

  void stop_and_start(how way) {
    const auto id = new_job(object(1));
    postgres().stop(way);
    const auto before = steady::now();
    const auto refused = post_job(object(2));
    expect_503(refused.answer);
    expect_503(client().get(api().url("/v1/jobs/" + std::to_string(id))));
    BOOST_TEST((steady::now() - before < std::chrono::seconds{10}));
    BOOST_TEST(problem_type(refused.answer) == "urn:jobd:problem:store-away");

    postgres().start();
    expect_service(3);
    BOOST_TEST(count("jobs where object_id = 2") == 0);
    BOOST_TEST(get_job(id).at("object_id").as<int>() == 1);
  }

  void restart_under_load(how way) {
    auto posting = steady_posting{api().url("/v1/jobs")};
    BOOST_TEST_REQUIRE(eventually([&] { return posting.count() > 200; }));
    const auto before = steady::now();
    postgres().stop(way);
    postgres().start();
    const auto away = steady::now() - before;
    const auto then = posting.count();
    BOOST_TEST(eventually([&] { return posting.count() > then + 200; }));
    posting.stop();
    expect_a_row_for_each(posting);
    // A machine under load may take longer for it than what is hidden from clients.
    if (away < std::chrono::seconds{2})
      expect_no_refusal(posting);
  }

  static void expect_no_refusal(const steady_posting& posting) {
    for (const auto& [object, answer] : posting.answers())
      BOOST_TEST(answer.id != 0, "object " << object << " got " << answer.status << answer.answer.error << ' '
                                           << answer.answer.body);
  }

  /// The API takes jobs and shows them.
  void expect_service(int object_id, std::chrono::milliseconds limit = std::chrono::seconds{5}) {
    auto last = submission{};
    BOOST_TEST(eventually([&] { return (last = post_job(object(object_id))).id != 0; }, limit,
                          std::chrono::milliseconds{50}),
               "no service: " << last.status << ' ' << last.answer.body);
    if (last.id != 0)
      BOOST_TEST(get_job(last.id).at("object_id").as<int>() == object_id);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(database_away, away_cluster)

BOOST_AUTO_TEST_CASE(requests_get_503_and_service_comes_back_by_itself) {
  stop_and_start(how::fast);
}

BOOST_AUTO_TEST_CASE(requests_get_503_after_a_crash_too_and_service_comes_back) {
  stop_and_start(how::immediate);
}

BOOST_AUTO_TEST_CASE(requests_are_refused_at_once_when_it_is_known_to_be_away) {
  new_job(object(1));
  postgres().stop();
  expect_503(post_job(object(2)).answer);
  const auto before = steady::now();
  expect_503(post_job(object(3)).answer);
  BOOST_TEST((steady::now() - before < std::chrono::seconds{1}));
}

BOOST_AUTO_TEST_CASE(input_is_checked_also_while_it_is_away) {
  (void)api();
  postgres().stop();
  BOOST_TEST(post_job(R"({"object_id": "x"})").status == 400);
}

BOOST_AUTO_TEST_CASE(server_that_hangs_gets_503_in_time_and_service_comes_back) {
  const auto jobs = api().url("/v1/jobs");
  auto& other = start_api({{"JOB_DEDUPE_WINDOW", "0"}, {"DATABASE_CONNECTIONS", "1"}});
  const auto without_window = other.url("/v1/jobs");
  const auto id = new_job(object(1));
  // So that its statements are prepared, and the next one is the write itself.
  BOOST_TEST(post_job(other, object(5)).status == 201);
  auto created = submission{};
  auto uncertain = submission{};
  auto found = http_answer{};
  postgres().pause();
  const auto before = steady::now();
  in_parallel(3, 3, [&](http_client& client, int n) {
    if (n == 0)
      created = understood(client.post(jobs, object(2)));
    else if (n == 1)
      uncertain = understood(client.post(without_window, object(3)));
    else
      found = client.get(jobs + "/" + std::to_string(id));
  });
  BOOST_TEST((steady::now() - before < std::chrono::seconds{20}));
  postgres().resume();
  expect_503(created.answer);
  expect_503(found);
  // It was sent to the database, and no answer came.
  expect_503(uncertain.answer);
  BOOST_TEST(problem_type(uncertain.answer) == "urn:jobd:problem:store-uncertain");
  BOOST_TEST(uncertain.answer.body.find("may exist") != std::string::npos);

  expect_service(4);
  // Whatever became of it, a client that tries again has one job.
  expect_service(2);
  BOOST_TEST(count("jobs where object_id = 2") == 1);
}

BOOST_AUTO_TEST_CASE(answer_says_that_the_job_may_exist_when_nobody_came_back_to_ask) {
  // One connection, and its statements are prepared by the first job: the next one is the write itself, which
  // PostgreSQL shows the beginning of.
  start_api({{"DATABASE_CONNECTIONS", "1"}});
  new_job(object(1));
  const auto locked = lock_jobs_for(std::chrono::seconds{20});
  auto pending = std::async(std::launch::async,
                            [url = api().url("/v1/jobs")] { return http_client{}.post(url, object(2)); });
  BOOST_TEST_REQUIRE(becomes("select count(*) from pg_stat_activity where application_name = 'jobd'"
                             " and wait_event_type = 'Lock' and query like '%into job_dedupe%'",
                             "1"));
  postgres().stop(how::immediate);
  const auto answer = pending.get();
  expect_503(answer);
  BOOST_TEST(problem_type(answer) == "urn:jobd:problem:store-uncertain");
}

BOOST_AUTO_TEST_CASE(more_pending_requests_than_allowed_are_refused_at_once) {
  const auto url = start_api({{"HTTP_PENDING", "4"}}).url("/v1/jobs");
  const auto locked = lock_jobs_for(std::chrono::seconds{2});
  auto answers = std::vector<http_answer>(20);
  in_parallel(20, 20, [&](http_client& client, int n) {
    answers[static_cast<std::size_t>(n)] = client.post(url, object(n));
  });
  BOOST_TEST(std::ranges::count(answers, 201, &http_answer::status) == 4);
  for (const auto& answer : answers)
    if (answer.status != 201) {
      expect_503(answer);
      BOOST_TEST(problem_type(answer) == "urn:jobd:problem:overloaded");
    }
  BOOST_TEST(count("jobs") == 4);
}

BOOST_AUTO_TEST_CASE(short_restart_under_load_costs_no_request) {
  restart_under_load(how::fast);
}

BOOST_AUTO_TEST_CASE(short_crash_under_load_costs_no_request) {
  restart_under_load(how::immediate);
}

BOOST_AUTO_TEST_CASE(crash_under_load_loses_nothing_that_was_accepted) {
  auto posting = steady_posting{api().url("/v1/jobs")};
  BOOST_TEST_REQUIRE(eventually([&] { return posting.count() > 200; }));
  postgres().kill9();
  postgres().start();
  const auto then = posting.count();
  BOOST_TEST(eventually([&] { return posting.count() > then + 200; }));
  posting.stop();
  expect_a_row_for_each(posting);
  for (const auto& [object, answer] : posting.answers())
    if (answer.id == 0)
      expect_503(answer.answer);
}

BOOST_AUTO_TEST_CASE(connections_that_are_ended_are_replaced) {
  auto posting = steady_posting{api().url("/v1/jobs")};
  BOOST_TEST_REQUIRE(eventually([&] { return posting.count() > 50; }));
  for (auto round = 0; round < 5; ++round) {
    sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'jobd'");
    const auto then = posting.count();
    BOOST_TEST(eventually([&] { return posting.count() > then + 50; }));
  }
  posting.stop();
  expect_a_row_for_each(posting);
  expect_no_refusal(posting);
}

BOOST_AUTO_TEST_CASE(api_that_comes_up_meanwhile_waits_and_serves) {
  postgres().stop();
  auto& waiting = start({"api"});
  BOOST_TEST(waiting.says("The process waits for the database."));
  postgres().start();
  BOOST_TEST(post_job(waiting, object(1)).status == 201);
}

BOOST_AUTO_TEST_SUITE_END()

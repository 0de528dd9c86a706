#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

BOOST_AUTO_TEST_SUITE(events)

TEST_ON_EACH_GROUND(a_jobs_stream_tells_what_happens_to_its_end) {
  const auto id = s.submit({{"type", "wait"}});
  BOOST_TEST(s.reaches(id, "running"));
  event_stream stream{s.node(1), "/v1/jobs/" + std::to_string(id) + "/events"};
  BOOST_TEST(stream.head().find("200") != std::string::npos);
  BOOST_TEST(stream.head().find("text/event-stream") != std::string::npos, stream.head());
  const auto first = stream.next();
  BOOST_TEST_REQUIRE(first.has_value());
  BOOST_TEST(first->name == "status");
  BOOST_TEST(first->data.as<std::string>("status") == "running");
  BOOST_TEST(first->data.as<std::int64_t>("job_id") == id);
  s.go();
  const auto last = stream.next();
  BOOST_TEST_REQUIRE(last.has_value());
  BOOST_TEST(last->data.as<std::string>("status") == "success");
  BOOST_TEST(stream.ends());
}

TEST_ON_EACH_GROUND(progress_is_seen_in_the_stream) {
  const auto id = s.submit({{"type", "report"}, {"delay", 0.5}});
  event_stream stream{s.node(1), "/v1/jobs/" + std::to_string(id) + "/events"};
  auto seen = std::vector<std::string>{};
  for (auto e = stream.next(); e; e = stream.next()) {
    seen.push_back(e->name == "progress" ? "progress" : e->data.as<std::string>("status"));
    if (e->name == "progress") {
      BOOST_TEST(e->data.at("progress").as<int>("percent") == 50);
      s.go();
    }
  }
  BOOST_TEST(seen == (std::vector<std::string>{"created", "running", "progress", "success"}),
             boost::test_tools::per_element());
}

TEST_ON_EACH_GROUND(a_stream_of_a_job_that_is_not_there_is_404) {
  event_stream stream{s.node(), "/v1/jobs/999/events"};
  BOOST_TEST(stream.head().find("404") != std::string::npos, stream.head());
}

TEST_ON_EACH_GROUND(the_stream_of_all_jobs_is_filtered_by_type) {
  event_stream echoes{s.node(1), "/v1/events?type=echo"};
  BOOST_TEST(echoes.head().find("200") != std::string::npos, echoes.head());
  // Events flow once the node has made itself heard: until then nothing is promised.
  auto heard = std::optional<event_stream::event>{};
  for (auto tries = 0; tries < 50 && !heard; ++tries) {
    s.submit({{"type", "fail"}});
    s.submit({{"type", "echo"}});
    heard = echoes.next(500ms);
  }
  BOOST_TEST_REQUIRE(heard.has_value());
  for (auto n = 0; n < 3 && heard; ++n, heard = echoes.next(500ms)) {
    BOOST_TEST(heard->data.as<std::string>("type") == "echo");
    BOOST_TEST(!heard->id.empty());
  }
}

TEST_ON_EACH_GROUND(a_reader_that_comes_back_misses_nothing) {
  auto last = std::string{};
  {
    event_stream first{s.node(), "/v1/events?type=echo"};
    for (auto tries = 0; tries < 50 && last.empty(); ++tries) {
      s.submit({{"type", "echo"}});
      if (const auto e = first.next(500ms))
        last = e->id;
    }
  }
  BOOST_TEST_REQUIRE(!last.empty());
  const auto missed = s.submit({{"type", "echo"}});
  BOOST_TEST(s.reaches(missed, "success"));
  // By the other node.
  event_stream again{s.node(1), "/v1/events?type=echo", "Last-Event-ID: " + last + "\r\n"};
  auto statuses = std::vector<std::string>{};
  for (auto e = again.next(); e && statuses.size() < 3; e = again.next(2s))
    if (e->data.as<std::int64_t>("job_id") == missed)
      statuses.push_back(e->data.as<std::string>("status"));
  BOOST_TEST(statuses == (std::vector<std::string>{"created", "running", "success"}),
             boost::test_tools::per_element());
}

TEST_ON_EACH_GROUND(a_jobs_stream_works_without_redis) {
  const auto id = s.submit({{"type", "wait"}});
  BOOST_TEST(s.reaches(id, "running"));
  if (!s.lose_redis())
    return;
  event_stream stream{s.node(1), "/v1/jobs/" + std::to_string(id) + "/events"};
  BOOST_TEST(stream.next().has_value());
  s.go();
  const auto last = stream.next();
  BOOST_TEST_REQUIRE(last.has_value());
  BOOST_TEST(last->data.as<std::string>("status") == "success");
  BOOST_TEST(stream.ends());
}

BOOST_AUTO_TEST_SUITE_END()

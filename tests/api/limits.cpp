#include "tests/api/service.hpp"

#include <tao/json.hpp>

/// Limits that a job brings along, `expires_in` and `object_limit`, and that of the requests that may wait.

using namespace jobd::test;

namespace {

/// Sends as many submissions at once; how many were accepted. The others must have been refused as overload
/// is.
int flood(service& s, int requests, int first_object) {
  auto all = std::vector<std::unique_ptr<raw_connection>>{};
  for (auto i = 0; i < requests; ++i)
    all.push_back(std::make_unique<raw_connection>(s.node().port()));
  for (auto object = first_object; auto& raw : all) {
    const auto body = "{\"object_id\": " + std::to_string(object++) + "}";
    raw->send("POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
              + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  auto accepted = 0;
  for (auto& raw : all) {
    const auto text = raw->read_until("}");
    if (text.starts_with("HTTP/1.1 201 ")) {
      ++accepted;
      continue;
    }
    BOOST_TEST(text.starts_with("HTTP/1.1 503 "), text);
    BOOST_TEST(text.find("Retry-After: 1\r\n") != std::string::npos, text);
    BOOST_TEST(text.find("urn:jobd:problem:overloaded") != std::string::npos, text);
  }
  return accepted;
}

} // namespace

BOOST_AUTO_TEST_SUITE(limits)

TEST_ON_EACH_GROUND(a_request_beyond_those_that_may_wait_gets_503, settings{{"HTTP_PENDING", "1"}}) {
  auto sent = 0;
  auto accepted = 0;
  BOOST_TEST(eventually([&] {
    accepted += flood(s, 50, sent);
    sent += 50;
    return accepted < sent;
  }));
  BOOST_TEST(accepted > 0);
  // There is room again, a moment after the last answer, and what was refused is not there.
  auto all = answer{};
  BOOST_TEST(eventually([&] { return (all = s.get("/v1/jobs?limit=1000")).status == 200; }));
  BOOST_TEST(std::ssize(all.body.at("jobs").get_array()) == accepted);
  BOOST_TEST(eventually([&] { return s.post("/v1/jobs", {{"object_id", sent}}).status == 201; }));
}

TEST_ON_EACH_GROUND(a_job_that_was_not_started_in_time_fails) {
  const auto id = s.submit({{"type", "nobody"}, {"expires_in", 0.5}});
  BOOST_TEST(s.reaches(id, "failed"));
  const auto got = s.get("/v1/jobs/" + std::to_string(id));
  BOOST_TEST(got.text("message") == "expired");
  BOOST_TEST(got.number("attempt") == 0);
}

TEST_ON_EACH_GROUND(a_job_that_was_started_in_time_does_not_expire) {
  const auto id = s.submit({{"type", "wait"}, {"expires_in", 3}});
  BOOST_TEST(s.reaches(id, "running"));
  BOOST_TEST(eventually([&] {
    return s.status(s.submit({{"type", "nobody"}, {"expires_in", 4}})) == "created";
  }));
  const auto later = s.submit({{"type", "nobody"}, {"expires_in", 3.5}});
  BOOST_TEST(s.reaches(later, "failed"));
  BOOST_TEST(s.status(id) == "running");
  s.go();
  BOOST_TEST(s.reaches(id, "success"));
}

// With dedupe there would be one job.
TEST_ON_EACH_GROUND(jobs_of_one_object_run_one_after_the_other, settings{{"JOB_DEDUPE_WINDOW", "0"}}) {
  auto ids = std::vector<std::int64_t>{};
  for (auto i = 0; i < 4; ++i)
    ids.push_back(s.submit({{"type", "wait"}, {"object_id", 7}, {"object_limit", 1}}));
  const auto free = s.submit({{"type", "wait"}, {"object_id", 8}, {"object_limit", 1}});
  BOOST_TEST(s.reaches(free, "running"));
  const auto running = [&] {
    return std::ranges::count_if(ids, [&](auto id) { return s.status(id) == "running"; });
  };
  BOOST_TEST(eventually([&] { return running() == 1; }));
  for (auto look = 0; look < 10; ++look)
    BOOST_TEST(running() == 1);
  const auto why = s.get("/v1/jobs/" + std::to_string(ids.back()) + "/explain");
  BOOST_TEST(why.raw.body.find("object_busy") != std::string::npos, why.raw.body);
  s.go();
  const auto start = steady::now();
  for (const auto id : ids)
    BOOST_TEST(s.reaches(id, "success"));
  BOOST_TEST((steady::now() - start < 15s));
  // One began when the other had ended, in whatever order.
  auto times = std::vector<std::pair<std::string, std::string>>{};
  for (const auto id : ids) {
    const auto got = s.get("/v1/jobs/" + std::to_string(id));
    times.emplace_back(got.text("start_time"), got.text("end_time"));
  }
  std::ranges::sort(times);
  for (auto i = std::size_t{1}; i < times.size(); ++i)
    BOOST_TEST(times[i].first >= times[i - 1].second);
}

TEST_ON_EACH_GROUND(wrong_limits_are_named) {
  for (const auto& [field, value] : std::map<std::string, json>{{"expires_in", 0}, {"object_limit", 2}}) {
    const auto got = s.post("/v1/jobs", json{{"object_id", 1}, {field, value}});
    BOOST_TEST(got.status == 400);
    BOOST_TEST(got.text("field") == field, got.raw.body);
  }
}

BOOST_AUTO_TEST_SUITE_END()

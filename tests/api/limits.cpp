#include "tests/api/service.hpp"

#include <tao/json.hpp>

/// Limits that a job brings along: `expires_in` and `object_limit`.

using namespace jobd::test;

BOOST_AUTO_TEST_SUITE(limits)

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
  // One began when the other had ended.
  auto ends = std::string{};
  for (const auto id : ids) {
    const auto got = s.get("/v1/jobs/" + std::to_string(id));
    BOOST_TEST(got.text("start_time") >= ends);
    ends = got.text("end_time");
  }
}

TEST_ON_EACH_GROUND(wrong_limits_are_named) {
  for (const auto& [field, value] : std::map<std::string, json>{{"expires_in", 0}, {"object_limit", 2}}) {
    const auto got = s.post("/v1/jobs", json{{"object_id", 1}, {field, value}});
    BOOST_TEST(got.status == 400);
    BOOST_TEST(got.text("field") == field, got.raw.body);
  }
}

BOOST_AUTO_TEST_SUITE_END()

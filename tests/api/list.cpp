#include "tests/api/service.hpp"

#include <tao/json.hpp>

#include <set>

using namespace jobd::test;

namespace {

std::vector<std::int64_t> ids(const answer& page) {
  BOOST_TEST_REQUIRE(page.status == 200, page.raw.body);
  auto all = std::vector<std::int64_t>{};
  for (const auto& j : page.body.at("jobs").get_array())
    all.push_back(j.as<std::int64_t>("id"));
  return all;
}

using list_of_ids = std::vector<std::int64_t>;

} // namespace

BOOST_AUTO_TEST_SUITE(list)

TEST_ON_EACH_GROUND(pages_hold_every_job_once_the_newest_first) {
  auto all = list_of_ids{};
  for (auto i = 0; i < 7; ++i)
    all.insert(all.begin(), s.submit({{"type", "nobody"}}));
  auto seen = list_of_ids{};
  auto path = std::string{"/v1/jobs?limit=3"};
  for (auto pages = 0; pages < 10; ++pages) {
    const auto page = s.get(path);
    for (const auto id : ids(page))
      seen.push_back(id);
    if (page.body.at("next_cursor").is_null())
      break;
    path = "/v1/jobs?limit=3&cursor=" + page.text("next_cursor");
  }
  BOOST_TEST(seen == all, boost::test_tools::per_element());
}

TEST_ON_EACH_GROUND(filters_choose_jobs) {
  const auto failed = s.submit({{"type", "fail"}, {"object_id", 100}});
  const auto done = s.submit({{"type", "echo"}, {"object_id", 100}});
  const auto other = s.submit({{"type", "nobody"}, {"queue", "other"}, {"object_id", 7}});
  BOOST_TEST(s.reaches(failed, "failed"));
  BOOST_TEST(s.reaches(done, "success"));
  const auto chosen = [&](const std::string& query) { return ids(s.get("/v1/jobs?" + query)); };
  BOOST_TEST(chosen("status=failed") == list_of_ids{failed}, boost::test_tools::per_element());
  BOOST_TEST(chosen("status=success") == list_of_ids{done}, boost::test_tools::per_element());
  BOOST_TEST(chosen("status=created") == list_of_ids{other}, boost::test_tools::per_element());
  BOOST_TEST(chosen("type=echo") == list_of_ids{done}, boost::test_tools::per_element());
  BOOST_TEST(chosen("queue=other") == list_of_ids{other}, boost::test_tools::per_element());
  BOOST_TEST(chosen("object_id=100") == (list_of_ids{done, failed}), boost::test_tools::per_element());
  BOOST_TEST(chosen("object_id=100&type=fail") == list_of_ids{failed}, boost::test_tools::per_element());
  BOOST_TEST(chosen("object_id=8").empty());
  BOOST_TEST(chosen("created_after=2020-01-01T00:00:00Z").size() == 3U);
  BOOST_TEST(chosen("created_after=2100-01-01T00:00:00Z").empty());
}

TEST_ON_EACH_GROUND(wrong_parameters_are_named) {
  for (const auto& [query, field] :
       std::map<std::string, std::string>{{"status=done", "status"},
                                          {"limit=0", "limit"},
                                          {"limit=1001", "limit"},
                                          {"limit=x", "limit"},
                                          {"object_id=x", "object_id"},
                                          {"created_after=yesterday", "created_after"},
                                          {"cursor=nonsense", "cursor"},
                                          {"type=a%20b", "type"},
                                          {"colour=red", "colour"}}) {
    const auto got = s.get("/v1/jobs?" + query);
    BOOST_TEST(got.status == 400, query);
    BOOST_TEST(got.text("field") == field, got.raw.body);
  }
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

namespace {

/// The queue as the list tells of it; null if it does not.
json listed(service& s, const std::string& name) {
  const auto got = s.get("/v1/queues", 1);
  BOOST_TEST_REQUIRE(got.status == 200, got.raw.body);
  for (const auto& q : got.body.at("queues").get_array())
    if (q.as<std::string>("name") == name)
      return q;
  return tao::json::null;
}

} // namespace

BOOST_AUTO_TEST_SUITE(queues)

TEST_ON_EACH_GROUND(jobs_of_a_paused_queue_wait_until_it_is_resumed) {
  const auto running = s.submit({{"type", "wait"}});
  BOOST_TEST(s.reaches(running, "running"));
  const auto paused = s.post("/v1/queues/default/pause");
  BOOST_TEST_REQUIRE(paused.status == 200, paused.raw.body);
  BOOST_TEST(paused.body.as<bool>("paused"));
  BOOST_TEST(listed(s, "default").as<bool>("paused"));

  const auto waiting = s.submit({{"type", "echo"}});
  s.go();
  BOOST_TEST(s.reaches(running, "success"));
  const auto why = s.get("/v1/jobs/" + std::to_string(waiting) + "/explain");
  BOOST_TEST(why.body.at("reasons").get_array().at(0).as<std::string>("code") == "paused", why.raw.body);
  BOOST_TEST(s.status(waiting) == "created");

  BOOST_TEST(!s.post("/v1/queues/default/resume").body.as<bool>("paused"));
  BOOST_TEST(s.reaches(waiting, "success"));
  BOOST_TEST(!listed(s, "default").as<bool>("paused"));
}

TEST_ON_EACH_GROUND(queues_are_listed_with_their_workers) {
  BOOST_TEST(eventually([&] { return listed(s, "default").is_object(); }));
  BOOST_TEST(listed(s, "default").as<int>("workers") == 1);
  BOOST_TEST(listed(s, "unserved").is_null());
  s.submit({{"queue", "unserved"}});
  BOOST_TEST_REQUIRE(listed(s, "unserved").is_object());
  BOOST_TEST(listed(s, "unserved").as<int>("workers") == 0);
}

TEST_ON_EACH_GROUND(what_is_no_queue_is_refused) {
  BOOST_TEST(s.post("/v1/queues/a%20b/pause").status == 404);
  BOOST_TEST(s.get("/v1/queues/default/pause").status == 405);
  BOOST_TEST(s.post("/v1/queues/default/pause", json{{"for", 5}}).status == 400);
}

BOOST_AUTO_TEST_SUITE_END()

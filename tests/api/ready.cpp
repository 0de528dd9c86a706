#include "tests/api/service.hpp"

#include <tao/json.hpp>

using namespace jobd::test;

BOOST_AUTO_TEST_SUITE(ready)

TEST_ON_EACH_GROUND(a_node_that_serves_is_ready) {
  s.submit({{"type", "nobody"}});
  const auto got = s.get("/readyz");
  BOOST_TEST(got.status == 200);
  BOOST_TEST(got.raw.body == R"({"ready":true,"database":true,"progress":true,"reasons":[]})");
}

BOOST_AUTO_TEST_CASE(without_the_database_it_is_not_ready_until_it_is_back) {
  on_servers s;
  BOOST_TEST(s.get("/readyz").status == 200);
  s.postgres().stop();
  BOOST_TEST(eventually([&] { return s.get("/readyz").status == 503; }));
  const auto got = s.get("/readyz");
  BOOST_TEST(got.body.at("database").as<bool>() == false);
  BOOST_TEST(got.body.at("reasons").at(0).as<std::string>("code") == "database_away");
  BOOST_TEST(s.get("/healthz").status == 200);
  s.postgres().start();
  BOOST_TEST(eventually([&] { return s.get("/readyz").status == 200; }, 20s));
}

BOOST_AUTO_TEST_SUITE_END()

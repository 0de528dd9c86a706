#include "http/bridge.hpp"

#include "tests/support/server_process.hpp"
#include "tests/unit/http_world.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace jobd::test {
namespace {

/// Counts answers by their status.
class counting_channel final : public http::channel {
public:
  counting_channel(std::atomic<int>& created, std::atomic<int>& others)
      : created_(created), others_(others) {}

  void answer(http::reply r) override { ++(r.status == 201 ? created_ : others_); }
  void open(http::reply) override { ++others_; }
  void write(std::string) override {}
  void close() override {}
  void abort() override {}
  [[nodiscard]] backlog waiting() const override { return {}; }
  [[nodiscard]] bool broken() const override { return false; }

private:
  std::atomic<int>& created_;
  std::atomic<int>& others_;
};

struct bridge_fixture : http_world {
  std::atomic<int> created{0}, others{0}, woken{0};
  http::bridge tested{system, parts, {}, [this] { ++woken; }};

  void submit(int n, const std::string& body) {
    for (auto i = 0; i < n; ++i)
      tested.handle({.method = "POST",
                     .target = "/v1/jobs",
                     .content_type = "application/json",
                     .body = body,
                     .body_bytes = body.size()},
                    http::responder{std::make_unique<counting_channel>(created, others)});
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(bridge, bridge_fixture)

BOOST_AUTO_TEST_CASE(requests_that_come_at_a_time_wake_once_and_are_asked_by_few_messages) {
  submit(250, R"({"object_id": 1})");
  BOOST_TEST(woken == 1);
  BOOST_TEST(fake->creates == 0);
  tested.flush();
  BOOST_TEST(eventually([&] { return created == 250; }));
  BOOST_TEST(others == 0);
  BOOST_TEST(fake->create_messages == 3);
  submit(1, R"({"object_id": 1})");
  BOOST_TEST(woken == 2);
}

BOOST_AUTO_TEST_CASE(a_message_holds_so_much_text) {
  submit(5, R"({"object_id": 1, "payload": ")" + std::string(actors::request_bytes / 2, 'x') + "\"}");
  tested.flush();
  BOOST_TEST(eventually([&] { return created == 5; }));
  BOOST_TEST(fake->create_messages == 3);
}

BOOST_AUTO_TEST_CASE(what_was_not_asked_yet_is_answered_when_it_stops) {
  submit(3, R"({"object_id": 1, "type": "hold"})");
  tested.stop();
  BOOST_TEST(eventually([&] { return others == 3; }));
  BOOST_TEST(created == 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test

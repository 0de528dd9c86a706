#include "tests/support/certificate.hpp"
#include "tests/support/server_process.hpp"
#include "tests/unit/http_world.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

/// Clients that send or take less than they could.

using namespace jobd;
using namespace std::chrono_literals;
using test::contains;
using test::raw_connection;

namespace {

using steady = std::chrono::steady_clock;

const auto body = std::string{R"({"object_id": 1})"};

std::string head_of(std::size_t bytes, const std::string& path = "/v1/jobs") {
  return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
         + std::to_string(bytes) + "\r\n\r\n";
}

/// RESTinio looks at its own limits once a second.
http::server_options in_a_hurry() {
  auto options = test::any_port();
  options.head_within = 200ms;
  options.request_within = 1'000ms;
  options.answer_taken_within = 500ms;
  return options;
}

http::server_options with_room_for(std::size_t bytes) {
  auto options = test::any_port();
  options.max_receiving_bytes = bytes;
  return options;
}

struct tls_world {
  explicit tls_world(http::server_options options)
      : made(test::make_certificate(folder.path(), "server")), w([&] {
          options.tls = http::load_tls({made.file, made.key}).value();
          return options;
        }()) {}
  test::temp_folder folder{"jobd-slow"};
  test::certificate made;
  test::http_world w;
};

} // namespace

BOOST_AUTO_TEST_SUITE(slow_clients)

BOOST_AUTO_TEST_CASE(a_head_that_does_not_come_in_time_is_408) {
  auto w = test::http_world{in_a_hurry()};
  for (const auto* start : {"G", "GET / HTTP/1.1\r\nHost: x\r\n", "\r\n"}) {
    auto raw = raw_connection{w.server->port()};
    raw.send(start);
    BOOST_TEST(raw.read_until("").starts_with("HTTP/1.1 408 "), start);
    BOOST_TEST(raw.closed());
  }
}

BOOST_AUTO_TEST_CASE(a_head_that_drips_has_the_same_time) {
  auto w = test::http_world{in_a_hurry()};
  auto raw = raw_connection{w.server->port()};
  raw.send("GET / HTTP/1.1\r\nX: ");
  const auto start = steady::now();
  auto text = std::string{};
  while (!contains(text, "HTTP/1.1 408 ") && steady::now() - start < 10s) {
    raw.send("x");
    text += raw.read_until("\n", 20ms);
  }
  BOOST_TEST(contains(text, "HTTP/1.1 408 "));
  BOOST_TEST((steady::now() - start < 2s));
}

BOOST_AUTO_TEST_CASE(a_head_has_its_time_anew_with_each_request) {
  auto w = test::http_world{in_a_hurry()};
  auto raw = raw_connection{w.server->port()};
  const auto start = steady::now();
  for (auto i = 0; i < 4; ++i) {
    raw.send("GET /healthz HTTP/1.1\r\n");
    raw.read_until("never", 100ms);
    raw.send("Host: x\r\n\r\n");
    BOOST_TEST(raw.read_until("}").starts_with("HTTP/1.1 200 "));
  }
  BOOST_TEST((steady::now() - start > 200ms));
}

BOOST_AUTO_TEST_CASE(a_body_that_does_not_come_in_time_is_closed) {
  auto w = test::http_world{in_a_hurry()};
  auto raw = raw_connection{w.server->port()};
  raw.send(head_of(body.size()) + body.substr(1));
  BOOST_TEST(raw.read_until("") == "");
  BOOST_TEST(raw.closed());
  BOOST_TEST(w.fake->creates == 0);
}

BOOST_AUTO_TEST_CASE(a_connection_without_a_request_is_closed) {
  auto w = test::http_world{in_a_hurry()};
  auto fresh = raw_connection{w.server->port()};
  auto used = raw_connection{w.server->port()};
  used.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST(used.read_until("}").starts_with("HTTP/1.1 200 "));
  for (auto* raw : {&fresh, &used}) {
    BOOST_TEST(raw->read_until("") == "");
    BOOST_TEST(raw->closed());
  }
}

BOOST_AUTO_TEST_CASE(a_start_of_tls_has_the_time_of_a_head) {
  auto options = in_a_hurry();
  options.request_within = 60s;
  auto world = tls_world{options};
  auto& [folder, made, w] = world;
  for (const auto* start : {"", "\x16\x03\x01\x02\x01\x01"}) {
    auto raw = raw_connection{w.server->port()};
    raw.send(start);
    BOOST_TEST(raw.read_until("") == "");
    BOOST_TEST(raw.closed());
  }
  const auto half_a_head = test::send_over_tls(w.server->port(), made.file, "GET / HTTP/1.1\r\n");
  BOOST_TEST(half_a_head.text.starts_with("HTTP/1.1 408 "));
  BOOST_TEST(half_a_head.ended);
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_take_its_answers_is_closed) {
  auto w = test::http_world{in_a_hurry()};
  auto raw = raw_connection{w.server->port()};
  auto many = std::string{};
  for (auto i = 0; i < 1'000; ++i)
    many += "GET /v1/jobs/7 HTTP/1.1\r\nHost: x\r\n\r\n";
  // It ends when the server closes, for what nobody takes fills all buffers.
  auto sent = std::async(std::launch::async, [&] {
    while (raw.send(many)) {
    }
  });
  BOOST_TEST((sent.wait_for(30s) == std::future_status::ready));
  BOOST_TEST(w.client.get(w.url("/v1/jobs/7")).status == 200);
}

BOOST_AUTO_TEST_CASE(a_client_of_tls_that_does_not_take_its_answers_is_closed) {
  auto world = tls_world{in_a_hurry()};
  auto& [folder, made, w] = world;
  auto many = std::string{};
  for (auto i = 0; i < 300'000; ++i)
    many += "GET /v1/jobs/7 HTTP/1.1\r\nHost: x\r\n\r\n";
  const auto start = steady::now();
  const auto got = test::send_over_tls(w.server->port(), made.file, many, 30s);
  BOOST_TEST(got.error != "");
  BOOST_TEST((steady::now() - start < 30s));
  const auto other = w.client.call({.url = "https" + w.url("/v1/jobs/7").substr(4), .authority = made.file});
  BOOST_TEST(other.status == 200);
}

BOOST_AUTO_TEST_CASE(bodies_that_are_being_received_are_bounded) {
  constexpr auto size = std::size_t{300'000};
  auto w = test::http_world{with_room_for(1'000'000)};
  auto open = std::vector<std::unique_ptr<raw_connection>>{};
  for (auto i = 0; i < 8; ++i) {
    open.push_back(std::make_unique<raw_connection>(w.server->port()));
    open.back()->send(head_of(size + 1) + std::string(size, ' '));
  }
  // There is room for three; two that find none at the same moment may both be refused.
  BOOST_TEST(test::eventually([&] {
    std::erase_if(open, [](const auto& raw) {
      const auto text = raw->read_until("}", 10ms);
      return text.starts_with("HTTP/1.1 503 ") && contains(text, "Retry-After: ");
    });
    return open.size() <= 3;
  }));
  BOOST_TEST(open.size() >= 2);
  // Ordinary submissions are not.
  BOOST_TEST(w.client.post(w.url(), body).status == 201);
  for (auto& raw : open) {
    raw->send("x");
    BOOST_TEST(raw->read_until("}").starts_with("HTTP/1.1 400 "));
  }
  // There is room again, as often as one likes.
  for (auto i = 0; i < 10; ++i)
    BOOST_TEST(w.client.post(w.url(), body + std::string(size, ' ')).status == 201);
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_in_its_body_leaves_its_room) {
  constexpr auto size = std::size_t{900'000};
  auto w = test::http_world{with_room_for(1'000'000)};
  for (auto i = 0; i < 20; ++i) {
    auto raw = raw_connection{w.server->port()};
    raw.send(head_of(size + 1) + std::string(size, ' '));
  }
  BOOST_TEST(
      test::eventually([&] { return w.client.post(w.url(), body + std::string(size, ' ')).status == 201; }));
}

BOOST_AUTO_TEST_CASE(a_body_that_is_only_announced_takes_no_room) {
  auto w = test::http_world{with_room_for(1'000'000)};
  auto open = std::vector<std::unique_ptr<raw_connection>>{};
  for (auto i = 0; i < 20; ++i) {
    open.push_back(std::make_unique<raw_connection>(w.server->port()));
    open.back()->send(head_of(limits::batch_bytes, "/v1/jobs/batch"));
  }
  BOOST_TEST(w.client.post(w.url(), body + std::string(900'000, ' ')).status == 201);
}

BOOST_AUTO_TEST_SUITE_END()

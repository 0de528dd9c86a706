#include "tests/unit/http_world.hpp"

#include "tests/support/server_process.hpp"

#include <boost/test/unit_test.hpp>

#include <caf/send.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <sys/resource.h>
#include <thread>
#include <vector>

using namespace jobd;
using namespace std::chrono_literals;
using test::contains;
using test::is_503;
using test::is_problem;

namespace {

/// A valid submission of so many bytes.
std::string submission_of(std::size_t bytes) {
  auto body = std::string{R"({"object_id":5,"payload":")"};
  body.append(bytes - body.size() - 2, 'x');
  return body + "\"}";
}

std::string raw_post(const std::string& body, const std::string& more_headers = {}) {
  return "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + more_headers
         + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A server with threads of its own; the other tests have one that shares the thread of the actors.
struct two_threads : test::http_world {
  two_threads() : http_world(test::any_port(2)) {}
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(server, two_threads)

BOOST_AUTO_TEST_CASE(a_submission_is_answered_with_201_and_its_address) {
  const auto a = client.post(url(), R"({"object_id": 42})");
  BOOST_TEST(a.status == 201);
  BOOST_TEST(a.body == R"({"job_id": 42})");
  BOOST_TEST(a.header("content-type") == "application/json");
  BOOST_TEST(a.header("location") == "/v1/jobs/42");
  BOOST_TEST(a.header("date") != "");
}

BOOST_AUTO_TEST_CASE(a_duplicate_is_answered_with_200_and_the_same_body) {
  const auto a = client.post(url(), R"({"object_id": 42, "type": "duplicate"})");
  BOOST_TEST(a.status == 200);
  BOOST_TEST(a.body == R"({"job_id": 7})");
  BOOST_TEST(a.header("location") == "");
}

BOOST_AUTO_TEST_CASE(a_job_is_shown) {
  const auto a = client.get(url("/v1/jobs/7"));
  BOOST_TEST(a.status == 200);
  BOOST_TEST(a.header("content-type") == "application/json");
  BOOST_TEST(a.body.starts_with(R"({"id":7,"object_id":3,"status":"created",)"), a.body);
  BOOST_TEST(contains(a.body, R"("payload":[1, 2],)"));
}

BOOST_AUTO_TEST_CASE(head_is_get_without_the_body) {
  const auto length = client.get(url("/v1/jobs/7")).header("content-length");
  for (auto i = 0; i < 2; ++i) {
    const auto a = client.call({.method = "HEAD", .url = url("/v1/jobs/7")});
    BOOST_TEST(a.status == 200);
    BOOST_TEST(a.header("content-length") == length);
  }
  BOOST_TEST(client.opened() == 0);
  BOOST_TEST(client.call({.method = "HEAD", .url = url("/v1/jobs/6")}).status == 404);
  auto raw = test::raw_connection{server->port()};
  raw.send("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  BOOST_TEST(raw.read_until("").ends_with("\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(health_is_told_without_the_job_manager) {
  caf::anon_send_exit(manager, caf::exit_reason::kill);
  const auto a = client.get(url("/healthz"));
  BOOST_TEST(a.status == 200);
  BOOST_TEST(a.body == R"({"status":"ok"})");
}

BOOST_AUTO_TEST_CASE(unknown_jobs_and_paths_are_404) {
  for (const auto* path : {"/v1/jobs/6", "/v1/jobs/0", "/v1/jobs/x", "/v1/jobs/9223372036854775808"}) {
    const auto a = client.get(url(path));
    is_problem(a, 404);
    BOOST_TEST(contains(a.body, "no such job"));
  }
  for (const auto* path : {"/", "/v1", "/v1/jobs/1/2", "/v1/jobs/"})
    is_problem(client.get(url(path)), 404);
}

BOOST_AUTO_TEST_CASE(a_wrong_method_is_405_with_allow) {
  const auto a = client.call({.method = "PUT", .url = url()});
  is_problem(a, 405);
  BOOST_TEST(a.header("allow") == "GET, HEAD, POST, DELETE");
  for (const auto* method : {"PUT", "PATCH", "OPTIONS", "POST"}) {
    const auto b = client.call({.method = method, .url = url("/v1/jobs/7")});
    is_problem(b, 405);
    BOOST_TEST(b.header("allow") == "GET, HEAD, DELETE");
  }
  const auto c = client.call({.method = "HEAD", .url = url("/v1/events")});
  BOOST_TEST(c.status == 405);
  BOOST_TEST(c.header("allow") == "GET");
}

BOOST_AUTO_TEST_CASE(a_bad_query_parameter_is_400_and_named) {
  for (const auto* path : {"/v1/jobs/7?x=1", "/v1/jobs?x=1", "/v1/jobs/7/history?x=1", "/v1/jobs/7/explain?x",
                           "/v1/jobs/7/events?x=1", "/v1/events?x=1", "/healthz?x=1", "/v1/jobs/0?x=1"}) {
    const auto a = client.get(url(path));
    is_problem(a, 400);
    BOOST_TEST(contains(a.body, R"("field":"x")"), path);
  }
  const auto a = client.get(url("/v1/jobs/7?wait=61"));
  is_problem(a, 400);
  BOOST_TEST(contains(a.body, R"("field":"wait")"));
  BOOST_TEST(contains(a.body, "from 0 to 60"));
}

BOOST_AUTO_TEST_CASE(only_json_is_taken) {
  const auto post_as = [&](const std::string& type) {
    return client.call(
        {.method = "POST", .url = url(), .body = R"({"object_id":1})", .headers = {"Content-Type:" + type}});
  };
  for (const auto* type : {" text/plain", " application/x-www-form-urlencoded", "", " application/jsonx",
                           " application/problem+json", " json", " text/json; application/json"})
    is_problem(post_as(type), 415);
  for (const auto* type :
       {" application/json", " application/json; charset=utf-8", " Application/JSON ;charset=UTF-8"})
    BOOST_TEST(post_as(type).status == 201);
}

BOOST_AUTO_TEST_CASE(a_bad_body_is_400_and_names_the_field) {
  const auto a = client.post(url(), R"({"object_id": "x"})");
  is_problem(a, 400);
  BOOST_TEST(contains(a.body, R"("field":"object_id")"));
  for (const auto& body : {std::string{}, std::string{"x"}, std::string{"[]"}, std::string{"{}"},
                           std::string(1 << 20, '['), std::string{"{\"object_id\":1,\"payload\":\"\xff\"}"},
                           std::string{R"({"object_id":1,"payload":"\u0000"})"}})
    is_problem(client.post(url(), body), 400);
  BOOST_TEST(fake->creates == 0);
}

BOOST_AUTO_TEST_CASE(what_the_job_manager_refuses_has_its_status) {
  const auto fail_with = [&](ec code) {
    return client.post(url(), R"({"object_id":1,"queue":"fail","max_attempts":)"
                                  + std::to_string(static_cast<int>(code)) + "}");
  };
  is_503(fail_with(ec::store_away));
  is_503(fail_with(ec::overloaded));
  is_503(fail_with(ec::stopping));
  const auto uncertain = fail_with(ec::store_uncertain);
  is_503(uncertain);
  BOOST_TEST(contains(uncertain.body, "may exist"));
  const auto invalid = fail_with(ec::invalid);
  is_problem(invalid, 400);
  BOOST_TEST(contains(invalid.body, R"("field":"payload")"));
  const auto internal = fail_with(ec::internal);
  is_problem(internal, 500);
  BOOST_TEST(!contains(internal.body, "secret"));
}

BOOST_AUTO_TEST_CASE(a_body_of_the_limit_is_taken) {
  BOOST_TEST(client.post(url(), submission_of(limits::body_bytes)).status == 201);
  BOOST_TEST(client
                 .call({.method = "POST",
                        .url = url(),
                        .body = submission_of(limits::body_bytes),
                        .headers = {"Content-Type: application/json"},
                        .chunked = true})
                 .status
             == 201);
}

BOOST_AUTO_TEST_CASE(a_body_over_the_limit_is_413_however_it_is_sent) {
  for (const auto bytes : {limits::body_bytes + 1, 2 * limits::body_bytes, 20 * limits::body_bytes})
    for (const auto chunked : {false, true})
      for (const auto* expect : {"Expect: 100-continue", "Expect:"}) {
        const auto a = client.call({.method = "POST",
                                    .url = url(),
                                    .body = submission_of(bytes),
                                    .headers = {"Content-Type: application/json", expect},
                                    .chunked = chunked});
        is_problem(a, 413);
        BOOST_TEST(contains(a.body, "1048576"));
        BOOST_TEST(a.header("connection") == "close");
      }
  BOOST_TEST(fake->creates == 0);
  BOOST_TEST(client.post(url(), R"({"object_id": 1})").status == 201);
}

BOOST_AUTO_TEST_CASE(a_refused_body_is_not_read_as_the_next_request) {
  auto raw = test::raw_connection{server->port()};
  const auto inner = raw_post(R"({"object_id": 1})");
  raw.send("POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
           "Content-Length: 2000000\r\n\r\n"
           + inner + inner);
  const auto text = raw.read_until("");
  BOOST_TEST(text.starts_with("HTTP/1.1 413 "));
  BOOST_TEST(!contains(text, " 201 "));
  BOOST_TEST(fake->creates == 0);
}

BOOST_AUTO_TEST_CASE(a_path_over_the_limit_is_414) {
  is_problem(client.get(url("/v1/jobs/" + std::string(5'000, '1'))), 414);
  is_problem(client.get(url("/v1/jobs/" + std::string(2'000, '1'))), 404);
}

BOOST_AUTO_TEST_CASE(a_connection_is_kept_also_after_refusals) {
  BOOST_TEST(client.post(url(), R"({"object_id": 1})").status == 201);
  for (const auto* body : {"{", R"({"object_id": 2})", "[]"}) {
    (void)client.post(url(), body);
    BOOST_TEST(client.opened() == 0);
  }
  auto raw = test::raw_connection{server->port()};
  raw.send("GET /healthz HTTP/1.0\r\n\r\n");
  raw.read_until("");
  BOOST_TEST(raw.closed());
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order) {
  auto raw = test::raw_connection{server->port()};
  auto all = std::string{};
  for (auto i = 1; i <= 50; ++i)
    all += raw_post(R"({"object_id": )" + std::to_string(i) + "}");
  raw.send(all);
  for (auto i = 1; i <= 50; ++i) {
    const auto text = raw.read_until("}");
    BOOST_TEST(text.starts_with("HTTP/1.1 201 "));
    BOOST_TEST(contains(text, R"({"job_id": )" + std::to_string(i) + "}"));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_http_is_closed_and_harms_nobody) {
  for (const auto& text :
       {std::string{"GARBAGE\r\n\r\n"}, std::string{"\0\0\0\0\r\n\r\n", 8},
        std::string{"GET / HTTP/x.y\r\n\r\n"}, std::string{"FROB /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n"},
        std::string{"GET / HTTP/1.1\r\nX: "} + std::string(100'000, 'x') + "\r\n\r\n",
        std::string{"POST /v1/jobs HTTP/1.1\r\nContent-Length: -1\r\n\r\n"},
        std::string{
            "POST /v1/jobs HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        std::string{"POST /v1/jobs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}}) {
    auto raw = test::raw_connection{server->port()};
    raw.send(text);
    raw.read_until("");
    BOOST_TEST(raw.closed(), text.substr(0, 80));
  }
  BOOST_TEST(fake->creates == 0);
  BOOST_TEST(client.get(url("/healthz")).status == 200);
}

BOOST_AUTO_TEST_CASE(an_offered_upgrade_is_ignored) {
  const auto upgrade =
      std::string{"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"};
  auto raw = test::raw_connection{server->port()};
  for (auto i = 0; i < 3; ++i) {
    raw.send(raw_post(R"({"object_id": 4})", upgrade));
    BOOST_TEST(raw.read_until("}").starts_with("HTTP/1.1 201 "));
    raw.send("GET /v1/jobs/7 HTTP/1.1\r\nHost: x\r\n" + upgrade + "\r\n");
    BOOST_TEST(raw.read_until("}").starts_with("HTTP/1.1 200 "));
  }
  auto tunnel = test::raw_connection{server->port()};
  tunnel.send("CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST(tunnel.read_until("}").starts_with("HTTP/1.1 404 "));
}

BOOST_AUTO_TEST_CASE(many_clients_get_each_its_own_answer) {
  auto wrong = std::atomic<int>{0};
  {
    auto threads = std::vector<std::jthread>{};
    for (auto t = 0; t < 64; ++t)
      threads.emplace_back([&, t] {
        auto own = test::http_client{};
        for (auto i = 0; i < 20; ++i) {
          const auto id = std::to_string(t * 100 + i + 1);
          if (own.post(url(), "{\"object_id\":" + id + "}").body != "{\"job_id\": " + id + "}")
            ++wrong;
        }
      });
  }
  BOOST_TEST(wrong == 0);
  BOOST_TEST(fake->creates == 64 * 20);
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_before_its_answer_harms_nobody) {
  for (auto i = 1; i <= 3; ++i) {
    auto raw = test::raw_connection{server->port()};
    raw.send(raw_post(R"({"object_id":1,"type":"hold"})"));
    BOOST_REQUIRE(test::eventually([&] { return fake->holding == i; }));
  }
  let_go();
  BOOST_TEST(client.post(url(), R"({"object_id": 1})").status == 201);
}

BOOST_AUTO_TEST_CASE(a_job_manager_that_dies_is_503) {
  auto answers = hold(2);
  const auto a = client.post(url(), R"({"object_id":1,"type":"throw"})");
  is_503(a);
  BOOST_TEST(contains(a.body, "may exist"));
  is_503(client.post(url(), R"({"object_id":1})"));
  is_503(client.get(url("/v1/jobs/7")));
  server->stop(0ms);
  for (auto& held : answers)
    is_503(held.get());
}

BOOST_AUTO_TEST_CASE(stop_lets_pending_requests_be_answered) {
  auto answers = hold(3);
  auto idle = test::raw_connection{server->port()};
  idle.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.read_until("}");
  auto stopped = std::async(std::launch::async, [&] { server->stop(20s); });
  BOOST_TEST(test::eventually([&] { return test::http_client{}.get(url("/healthz")).status == 0; }));
  idle.send(raw_post(R"({"object_id":1})"));
  BOOST_TEST(idle.read_until("").starts_with("HTTP/1.1 503 "));
  BOOST_TEST((stopped.wait_for(0ms) == std::future_status::timeout));
  let_go();
  for (auto& held : answers) {
    const auto a = held.get();
    BOOST_TEST(a.status == 201);
    BOOST_TEST(a.header("connection") == "close");
  }
  BOOST_TEST((stopped.wait_for(10s) == std::future_status::ready));
  BOOST_TEST(fake->creates == 3);
}

BOOST_AUTO_TEST_CASE(stop_answers_what_is_pending_after_its_grace) {
  auto answers = hold(3);
  auto find = std::async(std::launch::async, [&] { return test::http_client{}.get(url("/v1/jobs/8")); });
  BOOST_REQUIRE(test::eventually([&] { return fake->holding == 4; }));
  server->stop(50ms);
  for (auto& held : answers) {
    const auto a = held.get();
    is_503(a);
    BOOST_TEST(contains(a.body, "may exist"));
  }
  is_503(find.get());
  BOOST_TEST(client.get(url("/healthz")).status == 0);
  server->stop(0ms);
}

BOOST_AUTO_TEST_CASE(a_taken_port_is_told_with_host_and_port) {
  auto options = test::any_port();
  options.port = server->port();
  const auto second = http::http_server::start(system, parts, options);
  BOOST_REQUIRE(!second.has_value());
  BOOST_TEST((second.error().code == ec::invalid));
  BOOST_TEST(second.error().context
             == "HTTP_PORT " + std::to_string(server->port()) + " on 127.0.0.1 is taken");
}

BOOST_AUTO_TEST_CASE(a_host_that_is_none_is_told) {
  for (const auto* host : {"no.such.host.invalid", "192.0.2.1", "1.2.3.4.5"}) {
    auto options = test::any_port();
    options.host = host;
    const auto second = http::http_server::start(system, parts, options);
    BOOST_REQUIRE(!second.has_value());
    BOOST_TEST((second.error().code == ec::invalid));
    BOOST_TEST(contains(second.error().context, host));
  }
}

BOOST_AUTO_TEST_CASE(names_and_ipv6_are_hosts) {
  for (const auto* host : {"localhost", "::1", "::", "0.0.0.0"}) {
    auto options = test::any_port();
    options.host = host;
    const auto second = http::http_server::start(system, parts, options);
    if (!second && contains(host, ":")) {
      BOOST_TEST_MESSAGE("no IPv6 here: " << second.error().context);
      continue;
    }
    BOOST_REQUIRE(second.has_value());
    const auto at = contains(host, ":") ? "[::1]" : "127.0.0.1";
    BOOST_TEST(
        client.get("http://" + std::string{at} + ':' + std::to_string((*second)->port()) + "/healthz").status
        == 200);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(server)

BOOST_AUTO_TEST_CASE(overload_is_refused_at_once_and_passes) {
  auto options = test::any_port();
  options.bridge.max_pending = 2;
  auto w = test::http_world{options};
  auto answers = w.hold(2);
  for (auto i = 0; i < 10; ++i) {
    is_503(w.client.post(w.url(), R"({"object_id":1})"));
    is_503(w.client.get(w.url("/v1/jobs/7")));
  }
  BOOST_TEST(w.client.get(w.url("/healthz")).status == 200);
  BOOST_TEST(w.fake->creates == 2);
  w.let_go();
  for (auto& held : answers)
    BOOST_TEST(held.get().status == 201);
  BOOST_TEST(test::eventually([&] { return w.client.post(w.url(), R"({"object_id":1})").status == 201; }));
}

BOOST_AUTO_TEST_CASE(bodies_that_wait_are_bounded_by_their_bytes) {
  auto options = test::any_port();
  options.bridge.max_pending_bytes = 100'000;
  auto w = test::http_world{options};
  auto answers = w.hold(2);
  is_503(w.client.post(w.url(), submission_of(100'000)));
  BOOST_TEST(w.client.post(w.url(), submission_of(90'000)).status == 201);
  w.let_go();
}

/// The limit of open files while it lives.
struct few_files {
  explicit few_files(rlim_t most) {
    getrlimit(RLIMIT_NOFILE, &before);
    const auto fewer = rlimit{most, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &fewer);
  }
  ~few_files() { setrlimit(RLIMIT_NOFILE, &before); }
  rlimit before{};
};

BOOST_AUTO_TEST_CASE(connections_beyond_the_limit_are_closed_until_others_end) {
  auto few = std::make_optional<few_files>(200);
  auto w = test::http_world{};
  few.reset();
  auto open = std::vector<std::unique_ptr<test::raw_connection>>{};
  for (auto i = 0; i < 100; ++i) {
    open.push_back(std::make_unique<test::raw_connection>(w.server->port()));
    open.back()->send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    BOOST_REQUIRE(open.back()->read_until("}").starts_with("HTTP/1.1 200 "));
  }
  auto one_more = test::raw_connection{w.server->port()};
  BOOST_TEST(one_more.read_until("") == "");
  BOOST_TEST(one_more.closed());
  open.clear();
  BOOST_TEST(test::eventually([&] { return test::http_client{}.get(w.url("/healthz")).status == 200; }));
}

BOOST_AUTO_TEST_CASE(a_job_manager_that_never_answers_is_503) {
  auto options = test::any_port();
  options.bridge.answer_within = 100ms;
  auto w = test::http_world{options};
  const auto a = w.client.post(w.url(), R"({"object_id":1,"type":"hold"})");
  is_503(a);
  BOOST_TEST(contains(a.body, "may exist"));
  const auto b = w.client.get(w.url("/v1/jobs/8"));
  is_503(b);
  BOOST_TEST(!contains(b.body, "may exist"));
}

BOOST_AUTO_TEST_SUITE_END()

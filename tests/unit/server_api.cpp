#include "http/cursor.hpp"
#include "tests/support/server_process.hpp"
#include "tests/unit/http_world.hpp"

#include <boost/test/unit_test.hpp>

#include <caf/send.hpp>

using namespace jobd;
using namespace std::chrono_literals;
using test::contains;
using test::is_503;
using test::is_problem;
using test::seen;

namespace {

struct world : test::http_world {
  using test::http_world::http_world;

  test::http_answer post_with_key(const std::string& key, const std::string& body,
                                  const std::string& path = "/v1/jobs") {
    return client.call({.method = "POST",
                        .url = url(path),
                        .body = body,
                        .headers = {"Content-Type: application/json", "Idempotency-Key: " + key}});
  }
  test::http_answer post_lines(const std::string& body) {
    return client.call({.method = "POST",
                        .url = url("/v1/jobs/batch"),
                        .body = body,
                        .headers = {"Content-Type: application/x-ndjson"}});
  }
  test::http_answer call(const std::string& method, const std::string& path) {
    return client.call({.method = method, .url = url(path)});
  }
};

job_event event(job_status status) {
  return {.id = 7, .object_id = 3, .type = "a", .queue = "b", .status = status, .attempt = 1, .progress = {}};
}

std::string get(const std::string& path, const std::string& headers = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(server_api, world)

// -------------------------------------------------------------------------------- batch

BOOST_AUTO_TEST_CASE(a_batch_is_answered_for_each_job_in_order) {
  const auto a =
      client.post(url("/v1/jobs/batch"), R"([{"object_id":1},{"object_id":2,"type":"duplicate"}])");
  BOOST_TEST(a.status == 201);
  BOOST_TEST(a.body == R"({"jobs":[{"job_id":1,"duplicate":false},{"job_id":2,"duplicate":true}]})");
  BOOST_TEST(post_lines("{\"object_id\":3}\n\n{\"object_id\":4}\n").body
             == R"({"jobs":[{"job_id":3,"duplicate":false},{"job_id":4,"duplicate":false}]})");
  BOOST_TEST(client.post(url("/v1/jobs/batch"), R"([{"object_id":2,"type":"duplicate"}])").status == 200);
}

BOOST_AUTO_TEST_CASE(a_bad_job_of_a_batch_is_named_and_nothing_is_stored) {
  const auto a = client.post(url("/v1/jobs/batch"), R"([{"object_id":1},{"object_id":2,"priority":10}])");
  is_problem(a, 400);
  BOOST_TEST(contains(a.body, R"("field":"jobs[1].priority")"));
  is_problem(post_lines("{\"object_id\":1}\nx"), 400);
  BOOST_TEST(fake->read(&seen::submission).jobs.empty());
  const auto b = client.post(url("/v1/jobs/batch"), R"([{"object_id":1},{"object_id":2,"queue":"fail"}])");
  is_problem(b, 400);
  BOOST_TEST(contains(b.body, R"("field":"jobs[1]")"));
}

BOOST_AUTO_TEST_CASE(a_batch_may_be_larger_than_a_job) {
  const auto job = R"({"object_id":1,"payload":")" + std::string(limits::body_bytes - 2, 'x') + "\"}";
  auto body = "[" + job;
  for (auto i = 0; i < 5; ++i)
    body += "," + job;
  for (const auto chunked : {false, true})
    BOOST_TEST(client
                   .call({.method = "POST",
                          .url = url("/v1/jobs/batch"),
                          .body = body + "]",
                          .headers = {"Content-Type: application/json"},
                          .chunked = chunked})
                   .status
               == 201);
  BOOST_TEST(fake->read(&seen::submission).jobs.size() == 6U);
  is_problem(client.post(url(), body), 413);
}

BOOST_AUTO_TEST_CASE(a_batch_over_its_limit_is_413) {
  for (const auto chunked : {false, true}) {
    const auto a = client.call({.method = "POST",
                                .url = url("/v1/jobs/batch"),
                                .body = std::string(limits::batch_bytes + 1, ' '),
                                .headers = {"Content-Type: application/json"},
                                .chunked = chunked});
    is_problem(a, 413);
    BOOST_TEST(contains(a.body, std::to_string(limits::batch_bytes)));
  }
}

BOOST_AUTO_TEST_CASE(a_batch_of_another_type_is_415) {
  for (const auto* type : {"text/plain", "application/ndjson", "application/jsonl"}) {
    const auto a = client.call({.method = "POST",
                                .url = url("/v1/jobs/batch"),
                                .body = "[]",
                                .headers = {std::string{"Content-Type: "} + type}});
    is_problem(a, 415);
    BOOST_TEST(contains(a.body, "application/x-ndjson"));
  }
}

// -------------------------------------------------------------------------------- Idempotency-Key

BOOST_AUTO_TEST_CASE(a_key_goes_to_the_store_with_a_fingerprint) {
  const auto a = post_with_key("k-1", R"({"object_id":42})");
  BOOST_TEST(a.status == 201);
  BOOST_TEST(a.body == R"({"job_id": 42})");
  BOOST_TEST(a.header("location") == "/v1/jobs/42");
  const auto first = fake->read(&seen::submission);
  BOOST_TEST(first.key.value() == "k-1");
  BOOST_TEST(first.fingerprint.size() == 64U);
  BOOST_TEST(fake->creates == 0);

  post_with_key("k-1", R"({"object_id":42})", "/v1/jobs?wait=0");
  BOOST_TEST(fake->read(&seen::submission).fingerprint == first.fingerprint);
  post_with_key("k-1", R"({"object_id":43})");
  BOOST_TEST(fake->read(&seen::submission).fingerprint != first.fingerprint);
  BOOST_TEST(post_with_key("k-2", R"([{"object_id":42}])", "/v1/jobs/batch").status == 201);
  BOOST_TEST(fake->read(&seen::submission).key.value() == "k-2");
}

BOOST_AUTO_TEST_CASE(a_trace_goes_to_the_store_with_each_job_unless_it_is_none) {
  const auto trace = std::string{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"};
  const auto post = [&](const std::string& sent) {
    const auto a = client.call({.method = "POST",
                                .url = url("/v1/jobs/batch"),
                                .body = R"([{"object_id":1},{"object_id":2}])",
                                .headers = {"Content-Type: application/json", "Traceparent: " + sent}});
    BOOST_TEST(a.status == 201);
    auto traces = std::vector<std::string>{};
    for (const auto& spec : fake->read(&seen::submission).jobs)
      traces.push_back(spec.traceparent);
    return traces;
  };
  BOOST_TEST(post(trace) == (std::vector{trace, trace}), boost::test_tools::per_element());
  BOOST_TEST(post("00-0-0-0") == (std::vector<std::string>{"", ""}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_key_of_another_request_is_422) {
  is_problem(post_with_key("reused", R"({"object_id":42})"), 422);
}

BOOST_AUTO_TEST_CASE(a_bad_key_is_400) {
  for (const auto& key :
       {std::string{"a b"}, std::string(256, 'k'), std::string{"k\xC3\xA4"}, std::string{"a\tb"}}) {
    const auto a = post_with_key(key, R"({"object_id":42})");
    is_problem(a, 400);
    BOOST_TEST(contains(a.body, R"("field":"Idempotency-Key")"));
    is_problem(post_with_key(key, R"([{"object_id":42}])", "/v1/jobs/batch"), 400);
  }
  auto raw = test::raw_connection{server->port()};
  raw.send("POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key:\r\n"
           "Content-Length: 15\r\n\r\n{\"object_id\":1}");
  BOOST_TEST(raw.read_until("}").starts_with("HTTP/1.1 400 "));
  BOOST_TEST(post_with_key(std::string(255, 'k'), R"({"object_id":42})").status == 201);
}

// -------------------------------------------------------------------------------- wait

BOOST_AUTO_TEST_CASE(a_submission_that_waits_is_answered_with_the_job) {
  const auto a = client.post(url("/v1/jobs?wait=2.5"), R"({"object_id":5})");
  BOOST_TEST(a.status == 201);
  BOOST_TEST(a.header("location") == "/v1/jobs/5");
  BOOST_TEST(a.body.starts_with(R"({"id":5,"object_id":3,"status":"success",)"), a.body);
  BOOST_TEST((fake->read(&seen::wait) == 2500ms));
  const auto b = client.post(url("/v1/jobs?wait=1"), R"({"object_id":5,"type":"duplicate"})");
  BOOST_TEST(b.status == 200);
  BOOST_TEST(b.body.starts_with(R"({"id":7,)"), b.body);
  const auto c = post_with_key("k", R"({"object_id":5})", "/v1/jobs?wait=1");
  BOOST_TEST(c.status == 201);
  BOOST_TEST(c.body.starts_with(R"({"id":5,)"), c.body);
}

BOOST_AUTO_TEST_CASE(a_stored_job_is_told_also_if_its_wait_fails) {
  // The fake stores it as 6, and then does not find it.
  const auto a = client.post(url("/v1/jobs?wait=1"), R"({"object_id":6})");
  BOOST_TEST(a.status == 201);
  BOOST_TEST(a.body == R"({"job_id": 6})");
  BOOST_TEST(a.header("location") == "/v1/jobs/6");
}

BOOST_AUTO_TEST_CASE(a_job_that_is_waited_for_is_shown_at_its_end) {
  const auto a = client.get(url("/v1/jobs/5?wait=60"));
  BOOST_TEST(a.status == 200);
  BOOST_TEST((fake->read(&seen::wait) == 60s));
  is_problem(client.get(url("/v1/jobs/6?wait=1")), 404);
  auto held =
      std::async(std::launch::async, [&] { return test::http_client{}.get(url("/v1/jobs/8?wait=60")); });
  BOOST_REQUIRE(test::eventually([&] { return fake->holding == 1; }));
  let_go();
  const auto b = held.get();
  BOOST_TEST(b.status == 200);
  BOOST_TEST(b.body.starts_with(R"({"id":8,)"), b.body);
}

BOOST_AUTO_TEST_CASE(stop_ends_waits_at_once) {
  const auto later = [&](auto call) { return std::async(std::launch::async, call); };
  auto get_8 = later([&] { return test::http_client{}.get(url("/v1/jobs/8?wait=60")); });
  auto post_8 =
      later([&] { return test::http_client{}.post(url("/v1/jobs?wait=60"), R"({"object_id":8})"); });
  BOOST_REQUIRE(test::eventually([&] { return fake->holding == 2; }));
  const auto before = std::chrono::steady_clock::now();
  server->stop(30s);
  BOOST_TEST((std::chrono::steady_clock::now() - before < 10s));
  is_503(get_8.get());
  const auto a = post_8.get();
  BOOST_TEST(a.status == 201);
  BOOST_TEST(a.body == R"({"job_id": 8})");
}

// -------------------------------------------------------------------------------- list and one job

BOOST_AUTO_TEST_CASE(jobs_are_listed_by_pages) {
  const auto a = client.get(url("/v1/jobs?status=failed&limit=2&object_id=3&type=%61"));
  BOOST_TEST(a.status == 200);
  BOOST_TEST(a.body.starts_with(R"({"jobs":[{"id":9,)"), a.body);
  BOOST_TEST(a.body.ends_with(R"(],"next_cursor":")" + http::to_cursor(7) + "\"}"), a.body);
  const auto next = "/v1/jobs?status=failed&type=a&object_id=3&limit=2&cursor=" + http::to_cursor(7);
  BOOST_TEST(a.header("link") == "<" + next + ">; rel=\"next\"");
  BOOST_TEST(fake->read(&seen::page).limit == 2);
  BOOST_TEST((fake->read(&seen::page).filter.status == job_status::failed));

  const auto b = client.get(url(next));
  BOOST_TEST(b.body.ends_with(R"(],"next_cursor":null})"), b.body);
  BOOST_TEST(b.header("link") == "");
  BOOST_TEST(fake->read(&seen::page).before.value() == 7);
  BOOST_TEST(call("HEAD", "/v1/jobs").status == 200);
  BOOST_TEST(fake->read(&seen::page).limit == 50);
}

BOOST_AUTO_TEST_CASE(a_cancelled_job_is_200_and_one_that_is_asked_to_end_is_202) {
  const auto a = call("DELETE", "/v1/jobs/7");
  BOOST_TEST(a.status == 200);
  BOOST_TEST(contains(a.body, R"("status":"cancelled")"));
  const auto b = call("DELETE", "/v1/jobs/9");
  BOOST_TEST(b.status == 202);
  BOOST_TEST(contains(b.body, R"("status":"running")"));
  const auto c = call("DELETE", "/v1/jobs/5");
  is_problem(c, 409);
  BOOST_TEST(contains(c.body, "the job is success already"));
  is_problem(call("DELETE", "/v1/jobs/6"), 404);
  is_problem(call("DELETE", "/v1/jobs/0"), 404);
}

BOOST_AUTO_TEST_CASE(a_job_that_is_retried_is_200) {
  BOOST_TEST(call("POST", "/v1/jobs/7/retry").status == 200);
  is_problem(call("POST", "/v1/jobs/5/retry"), 409);
  is_problem(call("POST", "/v1/jobs/6/retry"), 404);
}

BOOST_AUTO_TEST_CASE(queues_are_listed_paused_and_resumed) {
  BOOST_TEST(call("GET", "/v1/queues").body
             == R"({"queues":[{"name":"a","paused":true,"changed_at":null,"workers":2},)"
                R"({"name":"b","paused":false,"changed_at":null,"workers":0}]})");
  const auto paused = call("POST", "/v1/queues/mail/pause");
  BOOST_TEST(paused.status == 200);
  BOOST_TEST(paused.body == R"({"name":"mail","paused":true,"changed_at":null,"workers":1})");
  BOOST_TEST(contains(call("POST", "/v1/queues/mail/resume").body, R"("paused":false)"));
  is_problem(client.post(url("/v1/queues/mail/pause"), "{}"), 400);
  is_problem(call("POST", "/v1/queues/mail/pause?limit=1"), 400);
}

BOOST_AUTO_TEST_CASE(workers_are_listed) {
  BOOST_TEST(call("GET", "/v1/workers").body
             == R"({"workers":[{"node_id":3,"host":"a","pid":4,"version":"1.0",)"
                R"("started_at":"1970-01-01T00:00:00.000000Z","heartbeat_at":"1970-01-01T00:00:00.000000Z",)"
                R"("slots":8,"running":5,"queues":["b"],"types":["c","d"]}]})");
}

BOOST_AUTO_TEST_CASE(jobs_are_counted_by_queue_and_status) {
  BOOST_TEST(
      call("GET", "/v1/stats").body
      == R"({"queues":[{"queue":"a","created":1,"running":2,"success":3,"failed":4,"cancelled":5,)"
         R"("oldest_ready":0.5,"pickup":{"p50":5e-04,"p95":0.00095,"p99":0.00099},)"
         R"("run":{"p50":null,"p95":null,"p99":null}},{"queue":"b","created":0,"running":0,"success":7,)"
         R"("failed":0,"cancelled":0,"oldest_ready":null,"pickup":{"p50":null,"p95":null,"p99":null},)"
         R"("run":{"p50":null,"p95":null,"p99":null}}]})");
}

BOOST_AUTO_TEST_CASE(a_body_where_none_is_taken_is_400) {
  for (const auto* path : {"/v1/jobs/7/retry", "/v1/jobs/retry?type=a"})
    is_problem(client.post(url(path), "{}"), 400);
  for (const auto* path : {"/v1/jobs/7", "/v1/jobs?type=a"})
    is_problem(client.call({.method = "DELETE", .url = url(path), .body = "{}"}), 400);
}

BOOST_AUTO_TEST_CASE(many_jobs_are_changed_only_by_a_filter) {
  const auto a = call("DELETE", "/v1/jobs?status=created&queue=fast");
  BOOST_TEST(a.status == 200);
  BOOST_TEST(a.body == R"({"cancelled":2,"asked_to_end":1,"next_cursor":")" + http::to_cursor(5) + "\"}");
  BOOST_TEST(fake->read(&seen::page).limit == limits::page_jobs);
  BOOST_TEST(fake->read(&seen::page).filter.queue.value() == "fast");
  const auto b = call("POST", "/v1/jobs/retry?type=a&limit=7&cursor=" + http::to_cursor(5));
  BOOST_TEST(b.status == 200);
  BOOST_TEST(b.body == R"({"retried":2,"next_cursor":null})");
  BOOST_TEST(fake->read(&seen::page).limit == 7);
  for (const auto* query : {"", "?limit=5", "?cursor=YTc"}) {
    is_problem(call("DELETE", std::string{"/v1/jobs"} + query), 400);
    is_problem(call("POST", std::string{"/v1/jobs/retry"} + query), 400);
  }
}

BOOST_AUTO_TEST_CASE(history_and_explanation_are_shown) {
  BOOST_TEST(
      client.get(url("/v1/jobs/7/history")).body.starts_with(R"({"attempts":[{"attempt":1,"node_id":3,)"));
  BOOST_TEST(
      client.get(url("/v1/jobs/7/explain")).body.starts_with(R"({"job_id":7,"status":"created","reasons":)"));
  for (const auto* part : {"history", "explain"}) {
    is_problem(client.get(url(std::string{"/v1/jobs/6/"} + part)), 404);
    is_problem(client.get(url(std::string{"/v1/jobs/x/"} + part)), 404);
  }
}

// -------------------------------------------------------------------------------- events

BOOST_AUTO_TEST_CASE(the_events_of_a_job_are_streamed_to_its_end) {
  auto raw = test::raw_connection{server->port()};
  raw.send(get("/v1/jobs/7/events", "Last-Event-ID: 4-2\r\n"));
  const auto s = watching(1).front();
  BOOST_TEST(s.id.value() == 7);
  BOOST_TEST(s.last_event_id == "4-2");
  BOOST_TEST(s.reader->deliver("5", event(job_status::created)));
  const auto head = raw.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("HTTP/1.1 200 OK\r\n"), head);
  BOOST_TEST(contains(head, "Content-Type: text/event-stream\r\n"));
  BOOST_TEST(contains(head, "Cache-Control: no-store\r\n"));
  BOOST_TEST(contains(raw.read_until("\n\n"), "retry: 2000"));
  BOOST_TEST(contains(raw.read_until("\n\n"), "id: 5\nevent: status\ndata: {\"job_id\":7,"));
  auto progress = event(job_status::running);
  progress.progress = "{\"percent\":5}";
  BOOST_TEST(s.reader->deliver("6", progress));
  BOOST_TEST(contains(raw.read_until("\n\n"), "event: progress\n"));
  BOOST_TEST(!s.reader->deliver("7", event(job_status::success)));
  BOOST_TEST(contains(raw.read_until(""), "\"status\":\"success\""));
  BOOST_TEST(raw.closed());
}

BOOST_AUTO_TEST_CASE(events_of_a_job_that_is_not_there_are_404_and_keep_the_connection) {
  is_problem(client.get(url("/v1/jobs/6/events")), 404);
  is_problem(client.get(url("/v1/jobs/0/events")), 404);
  BOOST_TEST(client.opened() == 0);
}

BOOST_AUTO_TEST_CASE(all_events_are_answered_before_there_are_any) {
  auto raw = test::raw_connection{server->port()};
  raw.send(get("/v1/events?type=a&queue=b"));
  BOOST_TEST(raw.read_until("\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
  BOOST_TEST(contains(raw.read_until("\n\n"), "retry: 2000"));
  const auto s = watching(1).front();
  BOOST_TEST(!s.id.has_value());
  BOOST_TEST(s.type.value() == "a");
  BOOST_TEST(s.queue.value() == "b");
  BOOST_TEST(s.reader->deliver("1", event(job_status::success)));
  BOOST_TEST(contains(raw.read_until("\n\n"), "\"status\":\"success\""));
  BOOST_TEST(!raw.closed());
}

BOOST_AUTO_TEST_CASE(stop_ends_streams_at_once) {
  auto open = test::raw_connection{server->port()};
  open.send(get("/v1/events"));
  auto silent = test::raw_connection{server->port()};
  silent.send(get("/v1/jobs/7/events"));
  open.read_until("\n\n");
  watching(2);
  const auto before = std::chrono::steady_clock::now();
  server->stop(30s);
  BOOST_TEST((std::chrono::steady_clock::now() - before < 10s));
  BOOST_TEST(contains(open.read_until(""), "0\r\n\r\n"));
  BOOST_TEST(open.closed());
  BOOST_TEST(silent.read_until("").starts_with("HTTP/1.1 503 "));
}

BOOST_AUTO_TEST_CASE(streams_end_with_a_job_manager_that_dies) {
  auto raw = test::raw_connection{server->port()};
  raw.send(get("/v1/jobs/7/events"));
  watching(1);
  caf::anon_send_exit(manager, caf::exit_reason::kill);
  fake->watching.clear();
  BOOST_TEST(raw.read_until("}").starts_with("HTTP/1.1 503 "));
  BOOST_TEST(test::eventually([&] { return client.get(url("/v1/jobs/7/events")).status == 503; }));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(server_api)

BOOST_AUTO_TEST_CASE(waits_have_places_of_their_own) {
  auto options = test::any_port();
  options.bridge.max_pending = 1;
  options.bridge.max_waits = 2;
  auto w = world{options};
  auto held = std::vector<std::future<test::http_answer>>{};
  for (const auto* path : {"/v1/jobs/8?wait=60", "/v1/jobs/8?wait=59"})
    held.push_back(
        std::async(std::launch::async, [&w, path] { return test::http_client{}.get(w.url(path)); }));
  BOOST_REQUIRE(test::eventually([&] { return w.fake->holding == 2; }));
  is_503(w.client.get(w.url("/v1/jobs/7?wait=1")));
  is_503(w.client.post(w.url("/v1/jobs?wait=1"), R"({"object_id":7})"));
  BOOST_TEST(w.fake->creates == 0);
  BOOST_TEST(w.client.get(w.url("/v1/jobs/7")).status == 200);
  w.let_go();
  for (auto& h : held)
    BOOST_TEST(h.get().status == 200);
  BOOST_TEST(test::eventually([&] { return w.client.get(w.url("/v1/jobs/7?wait=1")).status == 200; }));
}

BOOST_AUTO_TEST_CASE(a_submission_that_waits_holds_no_place_among_the_others) {
  auto options = test::any_port();
  options.bridge.max_pending = 1;
  auto w = world{options};
  auto held = std::async(std::launch::async, [&w] {
    return test::http_client{}.post(w.url("/v1/jobs?wait=60"), R"({"object_id":8})");
  });
  BOOST_REQUIRE(test::eventually([&] { return w.fake->holding == 1; }));
  BOOST_TEST(test::eventually([&] { return w.client.get(w.url("/v1/jobs/7")).status == 200; }));
  w.let_go();
  BOOST_TEST(held.get().body.starts_with(R"({"id":8,)"));
}

BOOST_AUTO_TEST_CASE(a_wait_may_last_longer_than_an_answer) {
  auto options = test::any_port();
  options.bridge.answer_within = 50ms;
  auto w = world{options};
  auto held =
      std::async(std::launch::async, [&w] { return test::http_client{}.get(w.url("/v1/jobs/8?wait=60")); });
  BOOST_REQUIRE(test::eventually([&] { return w.fake->holding == 1; }));
  BOOST_TEST((held.wait_for(300ms) == std::future_status::timeout));
  w.let_go();
  BOOST_TEST(held.get().status == 200);
}

BOOST_AUTO_TEST_CASE(streams_have_places_of_their_own) {
  auto options = test::any_port();
  options.bridge.max_streams = 1;
  auto w = world{options};
  {
    auto raw = test::raw_connection{w.server->port()};
    raw.send(get("/v1/events"));
    raw.read_until("\n\n");
    w.watching(1);
    is_503(w.client.get(w.url("/v1/jobs/7/events")));
    BOOST_TEST(w.client.get(w.url("/v1/jobs/7")).status == 200);
  }
  {
    const auto lock = std::lock_guard{w.fake->mutex};
    w.fake->watching.clear();
  }
  BOOST_TEST(test::eventually([&] { return w.client.get(w.url("/v1/jobs/6/events")).status == 404; }));
}

BOOST_AUTO_TEST_CASE(a_stream_beats) {
  auto options = test::any_port();
  options.beat_every = 20ms;
  auto w = world{options};
  auto raw = test::raw_connection{w.server->port()};
  raw.send(get("/v1/events"));
  for (auto i = 0; i < 3; ++i)
    BOOST_TEST(contains(raw.read_until(": heartbeat\n\n"), ": heartbeat\n\n"));
}

BOOST_AUTO_TEST_CASE(a_client_that_left_is_noticed_by_the_beat) {
  auto options = test::any_port();
  options.beat_every = 20ms;
  auto w = world{options};
  {
    auto raw = test::raw_connection{w.server->port()};
    raw.send(get("/v1/events"));
    raw.read_until("\n\n");
    BOOST_TEST(w.watching(1).front().reader->alive());
  }
  BOOST_TEST(test::eventually([&] { return !w.watching(1).front().reader->alive(); }));
}

BOOST_AUTO_TEST_CASE(a_reader_that_does_not_keep_up_is_dropped) {
  auto w = world{};
  auto slow = test::raw_connection{w.server->port()};
  slow.send(get("/v1/events"));
  slow.read_until("\n\n");
  const auto reader = w.watching(1).front().reader;
  auto large = event(job_status::running);
  large.progress = '"' + std::string(8'000, 'x') + '"';
  // The sockets between hold some megabytes.
  auto sent = std::size_t{0};
  while (sent < (64U << 20) && reader->deliver("1", large))
    sent += large.progress->size();
  BOOST_TEST(sent < (64U << 20));
  BOOST_TEST(!reader->alive());
  slow.read_until("");
  BOOST_TEST(slow.closed());
  BOOST_TEST(w.client.get(w.url("/healthz")).status == 200);
}

BOOST_AUTO_TEST_SUITE_END()

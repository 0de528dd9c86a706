#include "http/openapi.hpp"

#include "http/json.hpp"
#include "http/problem.hpp"
#include "http/routes.hpp"
#include "http/tokens.hpp"
#include "tests/unit/http_world.hpp"

#include <tao/json.hpp>

#include <boost/test/unit_test.hpp>

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <set>

using namespace jobd;
using json = tao::json::value;
using names = std::set<std::string>;
using boost::test_tools::per_element;
using namespace std::string_literals;

namespace {

const json& description() {
  static const auto all = tao::json::from_string(http::openapi());
  return all;
}

/// What a `$ref` refers to, or the value itself.
const json& resolved(const json& v) {
  const auto* ref = v.is_object() ? v.find("$ref") : nullptr;
  return ref ? description().at(tao::json::pointer{ref->get_string().substr(1)}) : v;
}

const json& schema(const std::string& name) {
  return description().at("components").at("schemas").at(name);
}

names keys(const json& object) {
  auto out = names{};
  for (const auto& [key, value] : object.get_object())
    out.insert(key);
  return out;
}

names texts(const json& array) {
  auto out = names{};
  for (const auto& v : array.get_array())
    out.insert(v.get_string());
  return out;
}

names keys_of(const std::string& text) {
  return keys(tao::json::from_string(text));
}

std::string upper(std::string method) {
  std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
  return method;
}

/// One operation, with the parameters that its whole path has.
struct operation {
  std::string method;
  std::string path;
  const json* what;
  names query;
};

std::vector<operation> operations() {
  auto all = std::vector<operation>{};
  for (const auto& [path, item] : description().at("paths").get_object())
    for (const auto& [key, what] : item.get_object()) {
      if (key == "parameters")
        continue;
      auto& o = all.emplace_back(operation{upper(key), path, &what, {}});
      if (const auto* parameters = what.find("parameters"))
        for (const auto& p : parameters->get_array())
          if (resolved(p).at("in").get_string() == "query")
            o.query.insert(resolved(p).at("name").get_string());
    }
  return all;
}

const auto json_header = std::string{"Content-Type: application/json\r\n"};
const auto an_order = std::string{R"({"object_id":1})"};
/// What tokens add to every operation that needs one.
const auto of_tokens = names{"401", "403"};

/// The operation's target for a job of the fake manager and a queue.
std::string target_of(const operation& o, const std::string& id, const std::string& queue = "default") {
  auto path = o.path;
  if (const auto at = path.find("{id}"); at != std::string::npos)
    path.replace(at, 4, id);
  if (const auto at = path.find("{name}"); at != std::string::npos)
    path.replace(at, 6, queue);
  return path;
}

/// Of the answer to a request on a connection of its own: a stream has no end, and some requests end their
/// connection.
std::string status(int port, const std::string& method, const std::string& target,
                   const std::string& headers = {}, const std::string& body = {}) {
  auto raw = jobd::test::raw_connection{port};
  const auto length =
      body.empty() ? std::string{} : "Content-Length: " + std::to_string(body.size()) + "\r\n";
  raw.send(method + ' ' + target + " HTTP/1.1\r\nHost: x\r\n" + headers + length + "\r\n" + body);
  const auto line = raw.read_until("\r\n");
  return line.size() > 12 ? line.substr(9, 3) : line;
}

/// The statuses that requests of all kinds get; of streams only those that end at once.
names provoked(int port, const operation& o) {
  const auto stream = o.path.ends_with("/events");
  auto seen = names{};
  for (const auto* id : {"5", "6", "7", "9", "x"})
    for (const auto* query : {"", "?type=a", "?type=none", "?no_such=1"})
      if (!stream || (o.path == "/v1/events" ? *query && query != "?type=a"s : *id == '5' || *id == '6'))
        seen.insert(status(port, o.method, target_of(o, id, *id == 'x' ? "a%20b" : "a") + query));
  const auto target = target_of(o, "7");
  for (const auto& body : {an_order, "[" + an_order + "]", R"([{"object_id":1,"type":"duplicate"}])"s,
                           R"({"object_id":1,"type":"duplicate"})"s})
    for (const auto& headers : {""s, json_header, json_header + "Idempotency-Key: reused\r\n"})
      if (o.what->find("requestBody"))
        seen.insert(status(port, o.method, target, headers, body));
  seen.insert(status(port, o.method, target, "Content-Length: 99999999\r\nExpect: 100-continue\r\n"));
  seen.insert(status(port, o.method, target + '?' + std::string(3'000, 'x')));
  return seen;
}

/// All values of `examples` anywhere.
template <class Visit>
void each_example(const json& at, Visit visit) {
  if (at.is_object()) {
    if (const auto* examples = at.find("examples"))
      for (const auto& [name, example] : examples->get_object())
        visit(at, example.at("value"));
    for (const auto& [key, value] : at.get_object())
      each_example(value, visit);
  }
}

/// Every problem that the code can tell of, by one example each.
std::vector<http::reply> all_problems() {
  auto all =
      std::vector<http::reply>{http::problem::no_such_path(),        http::problem::method_not_allowed("GET"),
                               http::problem::no_filter(),           http::problem::unwanted_body(),
                               http::problem::bad_idempotency_key(), http::problem::body_too_large(1),
                               http::problem::target_too_long(),     http::problem::wrong_content_type("x")};
  for (auto code = 1; code <= static_cast<int>(ec::internal); ++code)
    all.push_back(http::problem::from(error{static_cast<ec>(code), "x"}));
  all.push_back(http::problem::unauthorized(true));
  all.push_back(http::problem::forbidden("admin"));
  for (const auto what : {400, 408, 413, 414, 417, 431, 501, 505})
    all.push_back(http::problem::malformed(what, "x"));
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(openapi)

BOOST_AUTO_TEST_CASE(every_route_is_described_and_nothing_else) {
  auto in_code = names{};
  for (const auto& e : http::endpoints())
    in_code.insert(std::string{e.method} + ' ' + std::string{e.path});
  auto described = names{};
  for (const auto& o : operations())
    described.insert(o.method + ' ' + o.path);
  BOOST_TEST(in_code == described, per_element());
}

BOOST_AUTO_TEST_CASE(fields_of_a_submission_are_those_of_the_code) {
  const auto refused = http::parse_job_spec(R"({"no such field":1})");
  BOOST_REQUIRE(!refused.has_value());
  // … there are object_id, type, … and object_limit
  const auto list = refused.error().context.substr(refused.error().context.find("there are ") + 10);
  auto in_code = names{};
  for (auto rest = std::string_view{list}; !rest.empty();) {
    const auto end = std::min(rest.find_first_of(", "), rest.size());
    if (end > 0 && rest.substr(0, end) != "and")
      in_code.emplace(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  BOOST_TEST(in_code == keys(schema("JobSubmission").at("properties")), per_element());
  for (const auto& field : in_code)
    BOOST_TEST(http::is_job_field(field), field);
}

BOOST_AUTO_TEST_CASE(fields_of_answers_are_those_of_the_code) {
  const auto check = [](const std::string& name, const std::string& text) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(keys_of(text) == keys(schema(name).at("properties")), per_element());
      BOOST_TEST(keys_of(text) == texts(schema(name).at("required")), per_element());
    }
  };
  check("Job", http::to_json(job{}));
  check("Submitted", http::to_json(created_job{}));
  check("SubmittedBatch", http::to_json(std::vector<created_job>{}));
  check("JobPage", http::to_json(storage::job_page{}).text);
  check("Cancelled", http::cancelled_json(0, 0, {}));
  check("Retried", http::retried_json(0, {}));
  check("History", http::to_json(std::vector<storage::attempt_record>{}));
  check("Explanation", http::to_json(storage::explanation{}));
  check("Readiness", http::to_json(actors::readiness{}));
  check("Queue", http::to_json(storage::queue_info{}));
  check("Queues", http::to_json(std::vector<storage::queue_info>{}));
  check("Workers", http::to_json(std::vector<storage::worker_info>{}));
  const auto workers = tao::json::from_string(http::to_json(std::vector<storage::worker_info>(1)));
  check("Worker", tao::json::to_string(workers.at("workers").at(0)));
  check("Stats", http::to_json(std::vector<storage::queue_stats>{}));
  const auto stats = tao::json::from_string(http::to_json(std::vector<storage::queue_stats>(1)));
  check("QueueStats", tao::json::to_string(stats.at("queues").at(0)));
  const auto attempts = tao::json::from_string(http::to_json(std::vector<storage::attempt_record>(1)));
  BOOST_TEST(keys(attempts.at("attempts").at(0))
                 == keys(schema("History").at("properties").at("attempts").at("items").at("properties")),
             per_element());
  auto event = job_event{};
  event.progress = "{}";
  BOOST_TEST(keys_of(to_json(event)) == keys(schema("Event").at("properties")), per_element());
}

BOOST_AUTO_TEST_CASE(reasons_are_those_of_the_code) {
  auto e = storage::explanation{};
  auto all = std::vector<storage::explanation>{};
  e.what.run_at = timestamp{};
  e.what.ready = false;
  e.blocked_by = 1;
  e.paused = true;
  all.push_back(e);
  e.what.failures = 1;
  all.push_back(e);
  e = {};
  e.has_worker = true;
  all.push_back(e);
  e.what.recoveries = 2;
  all.push_back(e);
  e.what.status = job_status::running;
  e.what.node = 1;
  all.push_back(e);
  e.what.status = job_status::success;
  all.push_back(e);
  auto codes = names{};
  auto fields = names{};
  for (const auto& one : all) {
    const auto text = tao::json::from_string(http::to_json(one));
    for (const auto& r : text.at("reasons").get_array()) {
      codes.insert(r.at("code").get_string());
      fields.merge(keys(r));
    }
  }
  const auto& reason = schema("Explanation").at("properties").at("reasons").at("items");
  BOOST_TEST(codes == texts(reason.at("properties").at("code").at("enum")), per_element());
  BOOST_TEST(fields == keys(reason.at("properties")), per_element());
}

BOOST_AUTO_TEST_CASE(statuses_of_jobs_are_those_of_the_code) {
  auto in_code = names{};
  for (auto s = 0; s <= static_cast<int>(job_status::cancelled); ++s)
    in_code.emplace(to_string(static_cast<job_status>(s)));
  BOOST_TEST(in_code == texts(schema("JobStatus").at("enum")), per_element());
}

BOOST_AUTO_TEST_CASE(problems_are_those_of_the_code) {
  auto types = names{};
  auto statuses = names{"200", "201", "202", "default"};
  for (const auto& p : all_problems()) {
    types.insert(tao::json::from_string(p.body).at("type").get_string());
    statuses.insert(std::to_string(p.status));
  }
  BOOST_TEST(types == texts(schema("Problem").at("properties").at("type").at("enum")), per_element());
  // No operation has a method that its path does not allow.
  auto described = names{"405"};
  for (const auto& o : operations())
    described.merge(keys(o.what->at("responses")));
  each_example(description().at("components").at("responses").at("Malformed"),
               [&](const json&, const json& example) {
                 described.insert(std::to_string(example.at("status").as<int>()));
               });
  BOOST_TEST(statuses == described, per_element());
  for (const auto& [name, response] : description().at("components").at("responses").get_object())
    each_example(response, [&name = name](const json&, const json& example) {
      const auto same = [&](const http::reply& p) {
        const auto body = tao::json::from_string(p.body);
        return body.at("type") == example.at("type") && body.at("status") == example.at("status")
               && body.at("title") == example.at("title");
      };
      BOOST_TEST(std::ranges::any_of(all_problems(), same), name);
    });
}

BOOST_FIXTURE_TEST_CASE(parameters_are_those_of_the_code, jobd::test::http_world) {
  for (const auto& o : operations()) {
    const auto got = client.call({.method = o.method, .url = url(target_of(o, "7") + "?no_such=1")});
    BOOST_TEST_CONTEXT(o.method << ' ' << o.path << ' ' << got.body) {
      BOOST_TEST(got.status == 400);
      const auto known = got.body.find("known here: ");
      auto in_code = names{};
      if (known != std::string::npos) {
        auto list = std::string_view{got.body}.substr(known + 12);
        list = list.substr(0, list.find('"'));
        while (!list.empty()) {
          const auto end = std::min(list.find(", "), list.size());
          in_code.emplace(list.substr(0, end));
          list.remove_prefix(std::min(end + 2, list.size()));
        }
      }
      BOOST_TEST(in_code == o.query, per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(statuses_of_each_operation_are_those_of_the_code) {
  const auto world = jobd::test::http_world{};
  auto full = jobd::test::any_port();
  full.bridge.max_pending = full.bridge.max_streams = 0;
  const auto nobody = jobd::test::http_world{full};
  caf::anon_send_exit(nobody.parts.inspector, caf::exit_reason::user_shutdown);
  for (const auto& o : operations()) {
    // Any code may fail inside; tests of the server hold that this is 500.
    // And any request may be no HTTP.
    auto in_code = names{"500", "default"};
    const auto needs_token = http::needed_role(o.method, o.path).has_value();
    BOOST_TEST(needs_token == (o.what->find("security") == nullptr), o.path);
    if (needs_token)
      in_code.merge(names{of_tokens});
    in_code.merge(provoked(world.server->port(), o));
    const auto target = target_of(o, "5");
    const auto port = nobody.server->port();
    if (names{status(port, o.method, target), status(port, o.method, target + "?type=a"),
              status(port, o.method, target, json_header, an_order),
              status(port, o.method, target, json_header, "[" + an_order + "]")}
            .contains("503"))
      in_code.insert("503");
    BOOST_TEST_CONTEXT(o.method << ' ' << o.path)
    BOOST_TEST(in_code == keys(o.what->at("responses")), per_element());
  }
}

BOOST_AUTO_TEST_CASE(examples_of_submissions_are_accepted) {
  auto count = 0;
  const auto& content = description().at("paths").at("/v1/jobs").at("post").at("requestBody").at("content");
  each_example(content, [&](const json&, const json& example) {
    const auto spec = http::parse_job_spec(tao::json::to_string(example));
    BOOST_TEST(spec.has_value(), tao::json::to_string(example));
    ++count;
  });
  BOOST_TEST(count == 3);
}

BOOST_FIXTURE_TEST_CASE(it_is_served_as_it_is, jobd::test::http_world) {
  const auto got = client.get(url("/openapi.json"));
  BOOST_TEST(got.status == 200);
  BOOST_TEST(got.header("content-type") == "application/json");
  BOOST_TEST((got.body == http::openapi()));
}

BOOST_AUTO_TEST_SUITE_END()

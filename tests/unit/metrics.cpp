#include "core/metrics.hpp"

#include "tests/support/server_process.hpp"
#include "tests/unit/http_world.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <regex>
#include <thread>

using namespace jobd;
using jobd::test::contains;
namespace m = jobd::metrics;

namespace {

/// What stands first on each line that begins with `start`.
std::set<std::string> names_after(std::istream& text, const std::string& start) {
  auto names = std::set<std::string>{};
  for (auto line = std::string{}; std::getline(text, line);)
    if (line.starts_with(start)) {
      const auto rest = line.substr(start.size());
      names.insert(rest.substr(0, rest.find_first_of(" `")));
    }
  return names;
}

/// The value of a metric as the text has it; -1 if it is not there.
double value(const std::string& text, const std::string& metric) {
  const auto at = text.find('\n' + metric + ' ');
  return at == std::string::npos ? -1 : std::stod(text.substr(at + metric.size() + 2));
}

} // namespace

BOOST_AUTO_TEST_SUITE(metrics)

BOOST_AUTO_TEST_CASE(every_metric_is_documented_and_nothing_else) {
  auto text = std::istringstream{m::text()};
  auto docs = std::ifstream{JOBD_SOURCE_DIR "/docs/metrics.md"};
  const auto in_code = names_after(text, "# HELP ");
  const auto in_docs = names_after(docs, "| `");
  BOOST_TEST(in_code.size() > 20);
  BOOST_TEST(in_code == in_docs, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(documented_labels_and_kinds_are_those_of_the_code) {
  m::submitted.of({"a"}).add();
  m::duplicates.of({"a"}).add();
  m::http_requests.of({"GET /x", "200"}).add();
  m::http_seconds.of({"GET /x"}).observe(1);
  m::run_seconds.of({"a"}).observe(1);
  m::outcomes.of({"a", "fail"}).add();
  m::recovered.of({"created"}).add();
  m::queue_depth.of({"a"}).set(1);
  m::mailbox.of({"storage"}).set(1);
  const auto text = m::text();
  auto docs = std::ifstream{JOBD_SOURCE_DIR "/docs/metrics.md"};
  auto rows = 0;
  const auto row = std::regex{R"(\| `(jobd_\w+)` \| (\w+) \| ([^|]*)\|.*)"};
  const auto label = std::regex{"`(\\w+)`"};
  for (auto line = std::string{}; std::getline(docs, line);) {
    auto m = std::smatch{};
    if (!std::regex_match(line, m, row))
      continue;
    ++rows;
    BOOST_TEST(contains(text, "# TYPE " + m[1].str() + ' ' + m[2].str() + '\n'), m[1].str());
    const auto labels = m[3].str();
    auto sample = m[1].str() + (m[2] == "histogram" ? "_count" : "");
    auto open = std::string{"{"};
    for (auto i = std::sregex_iterator{labels.begin(), labels.end(), label}; i != std::sregex_iterator{};
         ++i) {
      sample += (open + (*i)[1].str() + "=\"[^\"]*\"");
      open = ",";
    }
    sample += open == "{" ? " " : "\\} ";
    sample = std::regex_replace(sample, std::regex{"\\{"}, "\\{");
    BOOST_TEST(std::regex_search(text, std::regex{"\n" + sample}), sample);
  }
  BOOST_TEST(rows > 20);
}

BOOST_AUTO_TEST_CASE(the_dashboard_names_only_metrics_that_are_there) {
  auto text = std::istringstream{m::text()};
  const auto in_code = names_after(text, "# HELP ");
  auto file = std::ifstream{JOBD_SOURCE_DIR "/docs/grafana.json"};
  const auto dashboard = std::string{std::istreambuf_iterator<char>{file}, {}};
  const auto name = std::regex{R"(jobd_\w+)"};
  auto named = std::set<std::string>{};
  for (auto i = std::sregex_iterator{dashboard.begin(), dashboard.end(), name}; i != std::sregex_iterator{};
       ++i)
    named.insert(std::regex_replace(i->str(), std::regex{"_bucket$"}, ""));
  BOOST_TEST(named.size() >= 15);
  for (const auto& n : named)
    BOOST_TEST(in_code.contains(n), n);
}

BOOST_AUTO_TEST_CASE(a_histogram_counts_each_value_in_the_first_bucket_that_holds_it) {
  auto h = m::histogram{m::sizes};
  for (const auto value : {0.0, 1.0, 1.5, 1000.0, 1000.5})
    h.observe(value);
  BOOST_TEST(h.count(0) == 2);
  BOOST_TEST(h.count(1) == 1);
  BOOST_TEST(h.count(m::sizes.size() - 1) == 1);
  BOOST_TEST(h.count(m::sizes.size()) == 1);
  BOOST_TEST(h.sum() == 2003.0);
}

BOOST_AUTO_TEST_CASE(buckets_of_the_text_hold_those_below_them) {
  m::run_seconds.of({"buckets"}).observe(0.3);
  m::run_seconds.of({"buckets"}).observe(7'200);
  const auto text = m::text();
  const auto bucket = [&](const std::string& le) {
    return value(text, "jobd_job_run_seconds_bucket{type=\"buckets\",le=\"" + le + "\"}");
  };
  BOOST_TEST(bucket("0.25") == 0);
  BOOST_TEST(bucket("0.5") == 1);
  BOOST_TEST(bucket("3600") == 1);
  BOOST_TEST(bucket("+Inf") == 2);
  BOOST_TEST(value(text, "jobd_job_run_seconds_count{type=\"buckets\"}") == 2);
  BOOST_TEST(value(text, "jobd_job_run_seconds_sum{type=\"buckets\"}") == 7'200.3);
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_when_threads_count_at_the_same_time) {
  auto all = m::labelled<m::counter>{};
  auto level = m::gauge{};
  auto h = m::histogram{};
  {
    auto threads = std::vector<std::jthread>{};
    for (auto t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (auto i = 0; i < 10'000; ++i) {
          all.of({std::to_string(i % 10), "x"}).add();
          level.add(1);
          h.observe(0.5);
        }
      });
  }
  auto total = std::uint64_t{0};
  auto kinds = 0;
  all.each([&](const auto&, const m::counter& c) {
    total += c.value();
    ++kinds;
  });
  BOOST_TEST(total == 40'000);
  BOOST_TEST(kinds == 10);
  BOOST_TEST(level.value() == 40'000.0);
  BOOST_TEST(h.sum() == 20'000.0);
}

BOOST_AUTO_TEST_CASE(clients_cannot_make_metrics_without_end) {
  auto names = m::bounded_names{};
  for (auto i = 0; i < 1'000; ++i)
    names.bound("type" + std::to_string(i));
  BOOST_TEST(names.bound("type0") == "type0");
  BOOST_TEST(names.bound("type49") == "type49");
  BOOST_TEST(names.bound("type50") == "other");
  BOOST_TEST(names.all().size() == 50);
}

BOOST_FIXTURE_TEST_CASE(requests_are_counted_by_route_and_status, jobd::test::http_world) {
  const auto requests = [&](const std::string& route, const std::string& status) {
    const auto text = client.get(url("/metrics")).body;
    return std::max(
        0.0, value(text, "jobd_http_requests_total{route=\"" + route + "\",status=\"" + status + "\"}"));
  };
  const auto found = requests("GET /v1/jobs/{id}", "200");
  const auto missing = requests("GET /v1/jobs/{id}", "404");
  const auto created = requests("POST /v1/jobs", "201");
  const auto strange = requests("other", "404");
  client.get(url("/v1/jobs/5"));
  client.call({.method = "HEAD", .url = url("/v1/jobs/5")});
  client.get(url("/v1/jobs/6"));
  client.post(url(), R"({"object_id":1})");
  client.get(url("/no/such/path"));
  BOOST_TEST(requests("GET /v1/jobs/{id}", "200") == found + 2);
  BOOST_TEST(requests("GET /v1/jobs/{id}", "404") == missing + 1);
  BOOST_TEST(requests("POST /v1/jobs", "201") == created + 1);
  BOOST_TEST(requests("other", "404") == strange + 1);
  const auto answer = client.get(url("/metrics"));
  BOOST_TEST(answer.header("content-type") == m::text_type);
  BOOST_TEST(value(answer.body, "jobd_http_request_seconds_count{route=\"POST /v1/jobs\"}") >= 1);
}

BOOST_FIXTURE_TEST_CASE(requests_that_wait_are_shown, jobd::test::http_world) {
  const auto level = [&](const std::string& name) { return value(client.get(url("/metrics")).body, name); };
  auto held = hold(3);
  BOOST_TEST(level("jobd_http_pending_requests") == 3);
  let_go();
  for (auto& a : held)
    BOOST_TEST(a.get().status == 201);
  BOOST_TEST(jobd::test::eventually([&] { return level("jobd_http_pending_requests") == 0; }));
}

BOOST_AUTO_TEST_CASE(without_a_job_api_only_operators_are_answered) {
  auto world = jobd::test::http_world{};
  world.parts.jobs.reset();
  auto server = http::http_server::start(world.system, world.parts, jobd::test::any_port());
  BOOST_REQUIRE(server.has_value());
  const auto url = "http://127.0.0.1:" + std::to_string((*server)->port());
  BOOST_TEST(world.client.get(url + "/healthz").status == 200);
  BOOST_TEST(contains(world.client.get(url + "/metrics").body, "jobd_build_info"));
  for (const auto* path : {"/v1/jobs", "/v1/jobs/5", "/v1/jobs/5/events", "/v1/events"})
    jobd::test::is_problem(world.client.get(url + path), 404);
  jobd::test::is_problem(world.client.post(url + "/v1/jobs", R"({"object_id":1})"), 404);
}

BOOST_AUTO_TEST_SUITE_END()

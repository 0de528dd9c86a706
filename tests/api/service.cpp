#include "tests/api/service.hpp"
#include "tests/support/programs.hpp"

#include <tao/json.hpp>

#include <fstream>

namespace jobd::test {
namespace {

constexpr auto wait_script =
    "#!/bin/sh\nwhile [ ! -e \"$GO\" ]; do sleep 0.02; done\necho '{\"went\": true}'\n";
constexpr auto stubborn_script = "#!/bin/sh\ntrap '' TERM\nwhile [ ! -e \"$GO\" ]; do sleep 0.02; done\n";
constexpr auto report_script =
    "#!/bin/sh\n"
    "echo '{\"percent\": 50, \"message\": \"half\", \"log\": \"a line\"}' >&$JOB_PROGRESS_FD\n"
    "while [ ! -e \"$GO\" ]; do sleep 0.02; done\n";
constexpr auto trace_script = "#!/bin/sh\necho \"$TRACEPARENT\"\n";

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream{path} << text;
  std::filesystem::permissions(path, std::filesystem::perms::all);
}

settings with(settings all, const settings& extra) {
  for (const auto& [name, value] : extra)
    all[name] = value;
  return all;
}

} // namespace

service::service() {
  const auto go = (folder() / "go").string();
  const auto script = [&](const std::string& name) {
    return json{{"command", tao::json::value::array({(folder() / name).string()})}, {"env", {{"GO", go}}}};
  };
  write(folder() / "wait", wait_script);
  write(folder() / "stubborn", stubborn_script);
  write(folder() / "report", report_script);
  write(folder() / "trace", trace_script);
  write(handlers(), tao::json::to_string(json{{"echo", "builtin:echo"},
                                              {"fail", "builtin:fail"},
                                              {"wait", script("wait")},
                                              {"stubborn", script("stubborn")},
                                              {"report", script("report")},
                                              {"trace", script("trace")}}));
}

answer service::call(const http_call& what) {
  auto got = answer{};
  got.raw = client_.call(what);
  got.status = got.raw.status;
  BOOST_TEST_REQUIRE(got.status != 0, got.raw.error);
  try {
    got.body = tao::json::from_string(got.raw.body);
  } catch (const std::exception&) {
  }
  return got;
}

answer service::post(const std::string& path, const json& body, std::vector<std::string> headers) {
  headers.emplace_back("Content-Type: application/json");
  return post_text(path, tao::json::to_string(body), std::move(headers));
}

answer service::post_text(const std::string& path, const std::string& body,
                          std::vector<std::string> headers) {
  return call({.method = "POST", .url = node().url(path), .body = body, .headers = std::move(headers)});
}

std::int64_t service::submit(json job) {
  if (!job.find("object_id"))
    job["object_id"] = ++objects_;
  const auto got = post("/v1/jobs", job);
  BOOST_TEST_REQUIRE(got.status == 201, got.raw.body);
  return got.number("job_id");
}

std::string service::status(std::int64_t id) {
  return get("/v1/jobs/" + std::to_string(id)).text("status");
}

bool service::reaches(std::int64_t id, const std::string& wanted, std::chrono::milliseconds limit) {
  const auto there = eventually([&] { return status(id) == wanted; }, limit, 20ms);
  BOOST_TEST(there,
             "job " << id << " is not " << wanted << ": " << get("/v1/jobs/" + std::to_string(id)).raw.body);
  return there;
}

void service::go() const {
  write(folder() / "go", "");
}

on_servers::on_servers(const settings& extra) {
  for (auto& api : apis_)
    api = &start_api(extra);
  start_worker(with({{"JOB_HANDLERS", handlers()}, {"JOB_KILL_GRACE", "1"}}, extra));
}

bool on_servers::lose_redis() {
  redis().stop();
  return true;
}

on_a_file::on_a_file(const settings& extra)
    : process_({jobd_program(),
                {"standalone"},
                with({{"HTTP_PORT", "0"},
                      {"JOBD_DATA", (folder() / "data").string()},
                      {"JOB_HANDLERS", handlers()},
                      {"JOB_KILL_GRACE", "1"}},
                     extra),
                folder() / "log"}) {
  (void)process_.port();
}

event_stream::event_stream(jobd_process& from, const std::string& path, const std::string& headers)
    : connection_(from.port()) {
  connection_.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
  head_ = connection_.read_until("\r\n\r\n");
}

/// Lines of chunked coding, and comments, are passed over.
std::optional<event_stream::event> event_stream::next(std::chrono::milliseconds within) {
  const auto until = steady::now() + within;
  auto e = event{};
  while (steady::now() < until) {
    const auto line = connection_.read_until(
        "\n", std::chrono::duration_cast<std::chrono::milliseconds>(until - steady::now()));
    if (line.empty() || line.back() != '\n')
      return std::nullopt;
    const auto value = [&](const std::string& start) {
      const auto text = line.substr(start.size());
      return text.substr(0, text.find_first_of("\r\n"));
    };
    if (line.starts_with("id: "))
      e.id = value("id: ");
    else if (line.starts_with("event: "))
      e.name = value("event: ");
    else if (line.starts_with("data: "))
      e.data = tao::json::from_string(value("data: "));
    else if (line == "\n" && !e.name.empty())
      return e;
  }
  return std::nullopt;
}

bool event_stream::ends(std::chrono::milliseconds within) {
  connection_.read_until("", within);
  return connection_.closed();
}

} // namespace jobd::test

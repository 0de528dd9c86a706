#include "tests/api/service.hpp"
#include "tests/support/programs.hpp"

#include <tao/json.hpp>

#include <csignal>
#include <fstream>

/// Bearer tokens, and what each role may do.

using namespace jobd::test;

namespace {

/// By the token's text, as `sha256sum` says.
const auto hashes = std::map<std::string, std::string>{
    {"jobd_reader", "632b1de57e5d9002855b8621ae756582831759e7c4194baff8179d2ba9cb2806"},
    {"jobd_submitter", "57e6bd8847a9a7ff2548a9b8abb896c8c6c977fa1b63b462551451ee5c0559ea"},
    {"jobd_admin", "6055f46c810e6cea2d1d6763465e04786004792d42f2cc554c8db08450dafa53"},
    {"jobd_new", "b33664313245cc2791695c876badd7663cc04a093f27c217733699c0188284ec"},
};

std::string bearer(const std::string& token) {
  return "Authorization: Bearer " + token;
}

std::string token_file_path() {
  static const auto folder = temp_folder{"jobd-tokens"};
  return (folder.path() / "tokens.json").string();
}

void write_tokens(const std::map<std::string, std::string>& roles) {
  auto list = json{{"tokens", tao::json::empty_array}};
  for (const auto& [token, role] : roles)
    list["tokens"].get_array().push_back({{"name", token}, {"sha256", hashes.at(token)}, {"role", role}});
  std::ofstream{token_file_path()} << tao::json::to_string(list);
}

/// The file of all tests, as it is before each.
settings with_tokens() {
  write_tokens({{"jobd_reader", "read"}, {"jobd_submitter", "submit"}, {"jobd_admin", "admin"}});
  return {{"JOB_API_TOKENS_FILE", token_file_path()}};
}

answer call_as(service& s, const std::string& token, const std::string& method, const std::string& path) {
  const auto submits =
      method == "POST" && path.starts_with("/v1/jobs") && path.find("retry") == std::string::npos;
  auto what = http_call{.method = method, .url = s.node().url(path)};
  if (submits) {
    what.body = R"({"object_id": 1})";
    what.headers.emplace_back("Content-Type: application/json");
  }
  if (!token.empty())
    what.headers.push_back(bearer(token));
  return s.call(what);
}

/// What a token may do, as one letter each: Reads, Submits, Is an admin.
std::string rights(service& s, const std::string& token) {
  const auto may = [&](const std::string& method, const std::string& path) {
    const auto got = call_as(s, token, method, path).status;
    return got != 401 && got != 403;
  };
  return std::string{may("GET", "/v1/jobs") ? "R" : ""} + (may("POST", "/v1/jobs") ? "S" : "")
         + (may("DELETE", "/v1/jobs/999999") ? "A" : "");
}

} // namespace

BOOST_AUTO_TEST_SUITE(tokens)

TEST_ON_EACH_GROUND(without_a_token_only_health_is_told, with_tokens()) {
  BOOST_TEST(s.get("/healthz").status == 200);
  for (const auto* path : {"/v1/jobs", "/v1/jobs/1", "/v1/events", "/nothing", "/v1/jobs?bad=1"}) {
    const auto got = s.get(path);
    BOOST_TEST(got.status == 401, path);
    BOOST_TEST(got.raw.header("www-authenticate") == R"(Bearer realm="jobd")");
    BOOST_TEST(got.text("type") == "urn:jobd:problem:unauthorized");
  }
  BOOST_TEST(s.post("/v1/jobs", {{"object_id", 1}}).status == 401);
  const auto unknown = call_as(s, "jobd_nobody", "GET", "/v1/jobs");
  BOOST_TEST(unknown.status == 401);
  BOOST_TEST(unknown.raw.header("www-authenticate") == R"(Bearer realm="jobd", error="invalid_token")");
  BOOST_TEST(unknown.raw.body.find("jobd_nobody") == std::string::npos);
  const auto all = call_as(s, "jobd_reader", "GET", "/v1/jobs");
  BOOST_TEST(all.body.at("jobs").get_array().empty());
  BOOST_TEST(!s.node().says("jobd_reader", 0ms));
}

TEST_ON_EACH_GROUND(a_role_may_do_what_it_is_for, with_tokens()) {
  BOOST_TEST(rights(s, "jobd_reader") == "R");
  BOOST_TEST(rights(s, "jobd_submitter") == "S");
  BOOST_TEST(rights(s, "jobd_admin") == "RSA");
  const auto denied = call_as(s, "jobd_reader", "POST", "/v1/jobs");
  BOOST_TEST(denied.status == 403);
  BOOST_TEST(denied.raw.header("www-authenticate")
             == R"(Bearer realm="jobd", error="insufficient_scope", scope="submit")");
  BOOST_TEST(denied.text("detail").find("submit") != std::string::npos);
  for (const auto* path : {"/v1/jobs/1/retry", "/v1/jobs/retry?status=failed"})
    BOOST_TEST(call_as(s, "jobd_submitter", "POST", path).status == 403);
}

TEST_ON_EACH_GROUND(who_submits_may_wait_for_the_job, with_tokens()) {
  const auto got = call_as(s, "jobd_submitter", "POST", "/v1/jobs?wait=20");
  BOOST_TEST(got.status == 201);
  BOOST_TEST(got.text("status") == "success");
}

TEST_ON_EACH_GROUND(sighup_takes_the_file_as_it_is_now, with_tokens()) {
  write_tokens({{"jobd_new", "read"}});
  BOOST_TEST(rights(s, "jobd_reader") == "R");
  s.node().signal(SIGHUP);
  BOOST_TEST(eventually([&] { return rights(s, "jobd_new") == "R"; }));
  BOOST_TEST(rights(s, "jobd_reader") == "");
}

TEST_ON_EACH_GROUND(a_bad_file_keeps_the_tokens_and_is_told, with_tokens()) {
  std::ofstream{token_file_path()} << R"({"tokens":[{"name":"x"}]})";
  s.node().signal(SIGHUP);
  BOOST_TEST(s.node().says("The token file cannot be used."));
  BOOST_TEST(s.node().says("tokens[0]: sha256 must be"));
  BOOST_TEST(rights(s, "jobd_reader") == "R");
  BOOST_TEST(rights(s, "") == "");
  BOOST_TEST(s.node().terminate().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(a_bad_file_stops_the_start_with_one_line) {
  for (const auto* command : {"api", "standalone"}) {
    const auto folder = temp_folder{"jobd-tokens"};
    auto process = jobd_process{{jobd_program(),
                                 {command, "--api-tokens", (folder.path() / "none").string()},
                                 {{"JOBD_DATA", (folder.path() / "data").string()}, {"HTTP_PORT", "0"}},
                                 folder.path() / "log"}};
    BOOST_TEST(process.exit_code().value_or(-1) == 2);
    const auto log = process.log();
    BOOST_TEST(std::ranges::count(log, '\n') == 1, log);
    BOOST_TEST(log.find("/none") != std::string::npos, log);
  }
}

BOOST_AUTO_TEST_CASE(an_open_api_that_others_can_reach_is_warned_of) {
  const auto log_of = [](const std::string& host, settings more) {
    const auto folder = temp_folder{"jobd-tokens"};
    more["HTTP_HOST"] = host;
    more["HTTP_PORT"] = "0";
    more["JOBD_DATA"] = (folder.path() / "data").string();
    auto process = jobd_process{{jobd_program(), {"standalone"}, more, folder.path() / "log"}};
    (void)process.port();
    BOOST_TEST(process.terminate().value_or(-1) == 0);
    return process.log();
  };
  const auto warning = std::string{"JOB_API_TOKENS_FILE"};
  BOOST_TEST(log_of("0.0.0.0", {}).find(warning) != std::string::npos);
  BOOST_TEST(log_of("127.0.0.1", {}).find(warning) == std::string::npos);
  BOOST_TEST(log_of("0.0.0.0", with_tokens()).find(warning) == std::string::npos);
}

/// What a command prints.
std::string output_of(const std::vector<std::string>& arguments) {
  const auto folder = temp_folder{"jobd-tokens"};
  auto process = jobd_process{{jobd_program(), arguments, {}, folder.path() / "log"}};
  BOOST_TEST(process.exit_code().value_or(-1) == 0);
  return process.log();
}

BOOST_AUTO_TEST_CASE(a_new_token_is_printed_with_its_entry) {
  const auto text = output_of({"token"});
  const auto end = text.find('\n');
  const auto token = text.substr(0, end);
  BOOST_TEST(token.starts_with("jobd_"));
  auto entry = tao::json::from_string(text.substr(end + 1));
  BOOST_TEST(entry.as<std::string>("role") == "read");
  std::ofstream{token_file_path()} << R"({"tokens":[)" << tao::json::to_string(entry) << "]}";
  auto s = on_a_file{{{"JOB_API_TOKENS_FILE", token_file_path()}}};
  BOOST_TEST(rights(s, token) == "R");
}

BOOST_AUTO_TEST_SUITE_END()

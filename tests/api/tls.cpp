#include "tests/api/service.hpp"
#include "tests/support/certificate.hpp"
#include "tests/support/programs.hpp"

#include <tao/json.hpp>

#include <csignal>
#include <fstream>

/// HTTPS, and what happens on its port that is none.

using namespace jobd::test;

namespace {

std::filesystem::path folder() {
  static const auto f = temp_folder{"jobd-tls"};
  return f.path();
}

const certificate& first() {
  static const auto made = make_certificate(folder(), "first");
  return made;
}

const certificate& second() {
  static const auto made = make_certificate(folder(), "second");
  return made;
}

/// The files that the server reads. They are replaced as people do it, for it may read them meanwhile.
void install(const certificate& c) {
  for (const auto& [from, to] : {std::pair{c.file, "server.crt"}, {c.key, "server.key"}}) {
    copy_file(from, folder() / "new", std::filesystem::copy_options::overwrite_existing);
    rename(folder() / "new", folder() / to);
  }
}

settings with_tls() {
  install(first());
  return {{"JOB_TLS_CERT", (folder() / "server.crt").string()},
          {"JOB_TLS_KEY", (folder() / "server.key").string()}};
}

std::string https(service& s, const std::string& path) {
  return "https" + s.node().url(path).substr(4);
}

answer get(service& s, const std::string& path) {
  return s.call({.url = https(s, path), .authority = first().file});
}

answer post(service& s, const std::string& path, const std::string& body) {
  return s.call({.method = "POST",
                 .url = https(s, path),
                 .body = body,
                 .headers = {"Content-Type: application/json"},
                 .authority = first().file});
}

bool trusts(service& s, const certificate& c) {
  return http_client{}.call({.url = https(s, "/healthz"), .authority = c.file}).status == 200;
}

tls_answer send(service& s, const std::string& text) {
  return send_over_tls(s.node().port(), first().file, text);
}

int count(const std::string& text, std::string_view part) {
  auto n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++n;
  return n;
}

/// A client that knows nothing newer than TLS 1.1.
std::string old_hello() {
  using namespace std::string_literals;
  return "\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x02"s + std::string(32, 'r')
         + "\x00\x00\x02\xc0\x13\x01\x00"s;
}

} // namespace

BOOST_AUTO_TEST_SUITE(tls)

TEST_ON_EACH_GROUND(a_job_goes_its_way, with_tls()) {
  const auto made = post(s, "/v1/jobs?wait=20", R"({"object_id": 1, "type": "echo", "payload": [1]})");
  BOOST_TEST(made.status == 201);
  BOOST_TEST(made.text("status") == "success");
  const auto events = get(s, "/v1/jobs/" + std::to_string(made.number("id")) + "/events");
  BOOST_TEST(events.raw.body.find("success") != std::string::npos, events.raw.body);
}

TEST_ON_EACH_GROUND(large_bodies_arrive_whole, with_tls()) {
  const auto filler = std::string(300, 'x');
  auto jobs = json(tao::json::empty_array);
  for (auto i = 0; i < 1'000; ++i)
    jobs.get_array().push_back({{"object_id", i}, {"type", "nobody"}, {"payload", filler}});
  const auto made = post(s, "/v1/jobs/batch", tao::json::to_string(jobs));
  BOOST_TEST(made.status == 201);
  const auto all = get(s, "/v1/jobs?limit=1000");
  BOOST_TEST(all.body.at("jobs").get_array().size() == 1'000U);
  BOOST_TEST(count(all.raw.body, filler) == 1'000);
}

TEST_ON_EACH_GROUND(requests_are_as_strictly_read, with_tls()) {
  const auto good = std::string{"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"};
  const auto last = std::string{"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"};
  const auto both = send(s, good + last);
  BOOST_TEST(count(both.text, "HTTP/1.1 200 ") == 2, both.text);
  BOOST_TEST(both.ended);
  for (const auto* bad : {"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
                          "Content-Length: 0\r\nContent-Length: 5\r\n", "X : y\r\n", "X: a\rb\r\n"}) {
    const auto got = send(s, std::string{"GET /healthz HTTP/1.1\r\nHost: x\r\n"} + bad + "\r\n" + last);
    BOOST_TEST(got.text.starts_with("HTTP/1.1 4"), got.text << got.error);
    BOOST_TEST(count(got.text, "Content-Length: ") == 1, got.text);
    BOOST_TEST(got.ended, bad << got.error);
  }
}

TEST_ON_EACH_GROUND(what_is_no_tls_is_refused_without_harm, with_tls()) {
  const auto submission =
      std::string{"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  "Content-Length: 16\r\n\r\n{\"object_id\": 1}"};
  for (const auto& text : {submission, std::string(100'000, '\x16')}) {
    auto raw = raw_connection{s.node().port()};
    raw.send(text);
    BOOST_TEST(raw.read_until("").find("HTTP/1.1 2") == std::string::npos);
    BOOST_TEST(raw.closed());
  }
  BOOST_TEST(get(s, "/v1/jobs").body.at("jobs").get_array().empty());
}

TEST_ON_EACH_GROUND(tls_before_1_2_is_refused, with_tls()) {
  auto raw = raw_connection{s.node().port()};
  raw.send(old_hello());
  // A fatal alert (2): protocol_version (70).
  BOOST_TEST(raw.read_until("").ends_with("\x02\x46"));
  BOOST_TEST(raw.closed());
}

TEST_ON_EACH_GROUND(sighup_takes_the_files_as_they_are_now, with_tls()) {
  BOOST_TEST(trusts(s, first()));
  install(second());
  BOOST_TEST(!trusts(s, second()));
  s.node().signal(SIGHUP);
  BOOST_TEST(eventually([&] { return trusts(s, second()); }));
  BOOST_TEST(!trusts(s, first()));
  // The two of a bad pair change nothing.
  install({first().file, second().key});
  s.node().signal(SIGHUP);
  BOOST_TEST(s.node().says("TLS cannot be used."));
  BOOST_TEST(trusts(s, second()));
  BOOST_TEST(s.node().terminate().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(health_does_not_depend_on_it) {
  auto s = on_servers{with_tls()};
  BOOST_TEST(eventually([&] { return s.start({"health"}).exit_code() == 0; }));
}

BOOST_AUTO_TEST_CASE(a_bad_file_stops_the_start_with_one_line) {
  const auto locked = (folder() / "locked.key").string();
  const auto text = (folder() / "text").string();
  const auto none = (folder() / "none").string();
  run_openssl({"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256", "-pass",
               "pass:secret", "-out", locked});
  std::ofstream{text} << "no PEM\n";
  const auto& good = first();
  const auto cases = std::vector<std::pair<certificate, std::string>>{
      {{none, good.key}, "the certificate \"" + none + "\" cannot be read"},
      {{good.file, none}, "the key \"" + none + "\" cannot be read"},
      {{good.file, folder().string()}, "the key \"" + folder().string() + "\" cannot be read"},
      {{text, good.key}, "the certificate \"" + text + "\" is not usable as PEM (no start line)"},
      {{good.key, good.key}, "the certificate \"" + good.key + "\" is not usable as PEM (no start line)"},
      {{good.file, text}, "the key \"" + text + "\" is not usable as PEM"},
      {{good.file, locked}, "the key \"" + locked + "\" needs a passphrase"},
      {{good.file, second().key},
       "the key \"" + second().key + "\" does not belong to the certificate \"" + good.file + "\""},
  };
  for (const auto& [files, why] : cases)
    for (const auto* command : {"api", "standalone"}) {
      const auto own = temp_folder{"jobd-tls"};
      auto process = jobd_process{
          {jobd_program(),
           {command, "--tls-cert", files.file, "--tls-key", files.key},
           {{"JOBD_DATA", (own.path() / "data").string()}, {"HTTP_PORT", "0"}, {"LOG_FORMAT", "json"}},
           own.path() / "log"}};
      BOOST_TEST(process.exit_code().value_or(-1) == 2);
      const auto log = process.log();
      BOOST_TEST(std::ranges::count(log, '\n') == 1, log);
      const auto line = tao::json::from_string(log);
      BOOST_TEST(line.as<std::string>("error").starts_with(why), log);
    }
}

BOOST_AUTO_TEST_SUITE_END()

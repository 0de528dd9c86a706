#include "tests/api/service.hpp"

#include <tao/json.hpp>

/// What is no HTTP, or could be read in two ways, as it is when requests are smuggled past a proxy.

using namespace jobd::test;

namespace {

struct bad_request {
  const char* what;
  std::string text;
};

const auto body = std::string{R"({"object_id": 1})"};

std::string post(const std::string& headers, const std::string& rest = {},
                 const std::string& version = "HTTP/1.1") {
  return "POST /v1/jobs " + version + "\r\nHost: x\r\nContent-Type: application/json\r\n" + headers + "\r\n"
         + rest;
}

std::string length(std::size_t bytes) {
  return "Content-Length: " + std::to_string(bytes) + "\r\n";
}

/// A job that no one may accept.
const auto smuggled = post("Connection: close\r\n" + length(body.size()), body);
const auto chunked = std::string{"Transfer-Encoding: chunked\r\n"};
const auto in_chunks = "10\r\n" + body + "\r\n0\r\n\r\n";

const std::vector<bad_request>& lengths() {
  static const auto all = std::vector<bad_request>{
      {"the same Content-Length twice", post(length(16) + length(16), body)},
      {"two different Content-Lengths", post(length(16) + length(0), body)},
      {"a list of lengths", post("Content-Length: 16, 16\r\n", body)},
      {"a negative length", post("Content-Length: -1\r\n")},
      {"a length with a sign", post("Content-Length: +16\r\n", body)},
      {"a length in hexadecimal", post("Content-Length: 0x10\r\n", body)},
      {"a length beyond 64 bits", post("Content-Length: 18446744073709551632\r\n", body)},
      {"Content-Length and Transfer-Encoding", post(length(4) + chunked, in_chunks)},
      {"Transfer-Encoding and Content-Length", post(chunked + length(body.size()), in_chunks)},
      {"two Transfer-Encodings", post(chunked + chunked, in_chunks)},
      {"an unknown coding", post("Transfer-Encoding: xchunked\r\n", in_chunks)},
      {"a coding before chunked", post("Transfer-Encoding: gzip, chunked\r\n", in_chunks)},
      {"a coding after chunked", post("Transfer-Encoding: chunked, identity\r\n", in_chunks)},
      {"a tab in the coding", post("Transfer-Encoding: \x0b"
                                   "chunked\r\n",
                                   in_chunks)},
      {"chunks in HTTP/1.0", post(chunked, in_chunks, "HTTP/1.0")},
      {"a chunk of 2^64 - 1 bytes", post(chunked, "ffffffffffffffff\r\n" + body)},
      {"a chunk of more than 64 bits", post(chunked, "10000000000000010\r\n" + body + "\r\n0\r\n\r\n")},
      {"a chunk size with a sign", post(chunked, "+10\r\n" + body + "\r\n0\r\n\r\n")},
      {"a chunk that is longer than it says", post(chunked, "f\r\n" + body + "\r\n0\r\n\r\n")},
      {"a chunk that ends with anything", post(chunked, "10\r\n" + body + "XX0\r\n\r\n")},
      {"a chunk that ends with LF", post(chunked, "10\r\n" + body + "\n0\r\n\r\n")},
      {"a chunk extension with LF", post(chunked, "10;x\nx\r\n" + body + "\r\n0\r\n\r\n")},
      {"trailers", post(chunked, "10\r\n" + body + "\r\n0\r\nContent-Length: 9\r\n\r\n")},
  };
  return all;
}

const std::vector<bad_request>& heads() {
  static const auto all = std::vector<bad_request>{
      {"lines that end with LF", "GET /v1/jobs HTTP/1.1\nHost: x\n\n"},
      {"a lone CR", "GET /v1/jobs HTTP/1.1\r\nHost: x\rX: y\r\n\r\n"},
      {"a header that ends with LF", post("X: y\n" + length(body.size()), body)},
      {"a folded header", post("X: y\r\n Content-Length: 0\r\n" + length(body.size()), body)},
      {"a space before the colon", post("Content-Length : 16\r\n", body)},
      {"a space in a name", post("X Content-Length: 16\r\n", body)},
      {"a NUL in a value", post(std::string{"X: a\0b\r\n", 8} + length(body.size()), body)},
      {"a NUL in a name", post(std::string{"X\0: a\r\n", 7} + length(body.size()), body)},
      {"a line without a colon", post("X\r\n" + length(body.size()), body)},
      {"no Host", "GET /v1/jobs HTTP/1.1\r\n\r\n"},
      {"two Hosts", "GET /v1/jobs HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"HTTP/0.9", "GET /v1/jobs\r\n\r\n"},
      {"an unknown version", post(length(body.size()), body, "HTTP/1.9")},
      {"a version that is none", post(length(body.size()), body, "HTTP/one")},
      {"a method of 10 KiB", std::string(10 << 10, 'A') + " /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a method of 1 MiB", std::string(1 << 20, 'A')},
      {"a target of 1 MiB", "GET /" + std::string(1 << 20, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a header of 1 MiB",
       "GET /v1/jobs HTTP/1.1\r\nHost: x\r\nX: " + std::string(1 << 20, 'x') + "\r\n\r\n"},
      {"ten thousand headers", "GET /v1/jobs HTTP/1.1\r\nHost: x\r\n" + std::string(50'000, '\n')},
      {"two spaces in the first line", "GET  /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"TLS", std::string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11} + std::string(500, '\x7f')},
      {"two Authorizations",
       "GET /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n"},
  };
  return all;
}

int count(const std::string& text, std::string_view part) {
  auto n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++n;
  return n;
}

/// One refusal and the end, though a good request follows; and nothing was done.
void check(service& s, const bad_request& bad) {
  BOOST_TEST_CONTEXT(bad.what) {
    auto raw = raw_connection{s.node().port()};
    raw.send(bad.text + smuggled);
    const auto text = raw.read_until("");
    BOOST_TEST(raw.closed());
    // Each answer has one.
    BOOST_TEST(count(text, "Content-Length: ") == 1, text);
    const auto status = text.substr(0, 10);
    BOOST_TEST((status == "HTTP/1.1 4" || status == "HTTP/1.1 5"), text);
    BOOST_TEST(s.get("/healthz").status == 200);
  }
}

bool no_job(service& s) {
  return s.get("/v1/jobs").raw.body.find("\"jobs\":[]") != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(malformed)

TEST_ON_EACH_GROUND(a_length_that_is_not_clear_gets_one_refusal_and_ends_the_connection) {
  for (const auto& bad : lengths())
    check(s, bad);
  BOOST_TEST(no_job(s));
}

TEST_ON_EACH_GROUND(a_head_that_is_not_clear_gets_one_refusal_and_ends_the_connection) {
  for (const auto& bad : heads())
    check(s, bad);
  BOOST_TEST(no_job(s));
}

TEST_ON_EACH_GROUND(a_good_request_before_a_bad_one_is_answered) {
  auto raw = raw_connection{s.node().port()};
  raw.send(post(length(body.size()), body) + "GET / HTTP/1.1\n\n" + smuggled);
  const auto text = raw.read_until("");
  BOOST_TEST(text.starts_with("HTTP/1.1 201 "), text);
  BOOST_TEST(count(text, "HTTP/1.1 400 ") == 1, text);
  BOOST_TEST(count(text, "Content-Length: ") == 2, text);
}

TEST_ON_EACH_GROUND(a_request_may_come_byte_by_byte) {
  auto raw = raw_connection{s.node().port()};
  for (const auto& text : {post(length(body.size()), body), post(chunked, in_chunks)}) {
    for (const auto c : text)
      raw.send({&c, 1});
    BOOST_TEST(raw.read_until("}").starts_with("HTTP/1.1 20"));
  }
}

TEST_ON_EACH_GROUND(a_client_that_waits_for_leave_to_send_gets_it) {
  auto raw = raw_connection{s.node().port()};
  for (const auto& [head, rest] : {std::pair{length(body.size()), body}, std::pair{chunked, in_chunks}}) {
    raw.send(post("Expect: 100-continue\r\n" + head));
    BOOST_TEST(raw.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    raw.send(rest);
    BOOST_TEST(raw.read_until("}").starts_with("HTTP/1.1 20"));
  }
  // What is too large gets the refusal instead.
  raw.send(post("Expect: 100-continue\r\n" + length(2 << 20)));
  BOOST_TEST(raw.read_until("\r\n\r\n").starts_with("HTTP/1.1 413 "));
}

BOOST_AUTO_TEST_SUITE_END()

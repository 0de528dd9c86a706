#include "http/framing.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using reader = jobd::http::framing;

namespace {

using state = reader::state;

const auto get = std::string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n"};

/// Everything given in pieces of `step` bytes.
reader read(std::string_view text, std::size_t step = std::string_view::npos) {
  auto f = reader{};
  while (!text.empty() && f.where() != state::whole && f.where() != state::broken) {
    const auto taken = f.take(text.substr(0, step));
    text.remove_prefix(taken);
  }
  return f;
}

/// The status of the refusal, however the text is cut; 0 if the request is whole, -1 if something is missing.
int status(const std::string& text) {
  const auto result = [&](std::size_t step) {
    const auto f = read(text, step);
    return f.where() == state::broken ? f.why_broken().status : f.where() == state::whole ? 0 : -1;
  };
  const auto whole = result(std::string::npos);
  for (const auto step : {1, 2, 3, 7})
    BOOST_TEST(result(step) == whole, "in steps of " << step << ": " << text.substr(0, 200));
  return whole;
}

int status_of_head(const std::string& more, const std::string& version = "HTTP/1.1") {
  return status("POST /v1/jobs " + version + "\r\nHost: x\r\n" + more + "\r\n");
}

int status_of_chunks(const std::string& body) {
  return status_of_head("Transfer-Encoding: chunked\r\n\r\n" + body);
}

} // namespace

BOOST_AUTO_TEST_SUITE(framing)

BOOST_AUTO_TEST_CASE(the_end_of_a_request_is_found_and_no_byte_more_is_taken) {
  for (const auto& text :
       {get, std::string{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"},
        std::string{
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}})
    for (const auto step : {std::size_t{1}, std::size_t{4}, text.size() + 4}) {
      auto f = reader{};
      auto rest = text + get;
      while (f.where() != state::whole) {
        const auto taken = f.take(std::string_view{rest}.substr(0, step));
        BOOST_REQUIRE(taken > 0);
        rest.erase(0, taken);
      }
      BOOST_TEST(rest == get);
      BOOST_TEST(f.take(rest) == 0);
      f.next();
      BOOST_TEST(f.take(rest) == rest.size());
      BOOST_TEST((f.where() == state::whole));
    }
}

BOOST_AUTO_TEST_CASE(a_head_tells_what_is_asked_for) {
  const auto f = read(
      "POST /v1/jobs?wait=3 HTTP/1.1\r\nHost: x\r\ncontent-LENGTH:  12 \t\r\nExpect: 100-Continue\r\n\r\n");
  BOOST_TEST((f.where() == state::body));
  BOOST_TEST(f.method() == "POST");
  BOOST_TEST(f.target() == "/v1/jobs?wait=3");
  BOOST_TEST(f.length() == 12);
  BOOST_TEST(f.waits_for_leave());
  BOOST_TEST(!read(get).waits_for_leave());
}

BOOST_AUTO_TEST_CASE(what_clients_may_send_is_taken) {
  BOOST_TEST(status("\r\n\r\n" + get) == 0);
  BOOST_TEST(status("GET / HTTP/1.0\r\n\r\n") == 0);
  BOOST_TEST(status("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n") == 0);
  BOOST_TEST(status_of_head("Content-Length: 0\r\nX-Empty:\r\nX-Text:\tcaf\xc3\xa9 \t x\r\n") == 0);
  BOOST_TEST(status_of_chunks("A;name=\"value\"\r\n0123456789\r\n001 \r\nx\r\n0\r\n\r\n") == 0);
  BOOST_TEST(status_of_head("Transfer-Encoding: Chunked\r\n") == -1);
}

BOOST_AUTO_TEST_CASE(a_length_that_two_could_read_differently_is_refused) {
  for (const auto* value :
       {"-1", "+1", "0x10", "1e3", "", " ", "5, 5", "5 5", "1.0", "18446744073709551616", "5\x01"})
    BOOST_TEST(status_of_head("Content-Length: " + std::string{value} + "\r\n") == 400, value);
  BOOST_TEST(status_of_head("Content-Length: 5\r\nContent-Length: 5\r\n") == 400);
  BOOST_TEST(status_of_head("Content-Length: 5\r\ncontent-length: 6\r\n") == 400);
  BOOST_TEST(status_of_head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") == 400);
  BOOST_TEST(status_of_head("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n") == 400);
  BOOST_TEST(status_of_head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") == 400);
  BOOST_TEST(status_of_head("Transfer-Encoding: chunked\r\n", "HTTP/1.0") == 400);
  for (const auto* value :
       {"xchunked", "chunked, identity", "gzip, chunked", "identity", "", "chunked;q=1", "\"chunked\""})
    BOOST_TEST(status_of_head("Transfer-Encoding: " + std::string{value} + "\r\n") == 501, value);
  BOOST_TEST(status_of_head("Transfer-Encoding : chunked\r\n") == 400);
  BOOST_TEST(status_of_head("Transfer-Encoding: \x0b"
                            "chunked\r\n")
             == 400);
}

BOOST_AUTO_TEST_CASE(a_line_ends_with_cr_lf_and_nothing_else) {
  BOOST_TEST(status("GET / HTTP/1.1\nHost: x\n\n") == 400);
  BOOST_TEST(status("GET / HTTP/1.1\r\nHost: x\n\r\n") == 400);
  BOOST_TEST(status("GET / HTTP/1.1\r\nHost: x\r\n\n") == 400);
  BOOST_TEST(status("GET / HTTP/1.1\rHost: x\r\n\r\n") == 400);
  BOOST_TEST(status("GET / HTTP/1.1\r\nHost: x\r\r\n\r\n") == 400);
  BOOST_TEST(status("\n" + get) == 400);
  BOOST_TEST(status_of_head("X: a\r b\r\n") == 400);
}

BOOST_AUTO_TEST_CASE(a_field_has_a_name_a_colon_and_a_value) {
  for (const auto* line :
       {"X : a", " folded", "\tfolded", ": a", "no colon", "X\x01: a", "X[]: a", "X: a\x7f", "X: a\x08"})
    BOOST_TEST(status_of_head(std::string{line} + "\r\n") == 400, line);
  BOOST_TEST(status_of_head(std::string{"X: a\0b\r\n", 8}) == 400);
  BOOST_TEST(status_of_head(std::string{"X\0: a\r\n", 7}) == 400);
  BOOST_TEST(status_of_head("Expect: more\r\n") == 417);
  for (const auto* name : {"Authorization", "Content-Type", "Idempotency-Key", "Expect"})
    BOOST_TEST(status_of_head(std::string{name} + ": 100-continue\r\n" + name + ": 100-continue\r\n") == 400,
               name);
}

BOOST_AUTO_TEST_CASE(a_request_names_one_host) {
  BOOST_TEST(status("GET / HTTP/1.1\r\n\r\n") == 400);
  BOOST_TEST(status("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == 400);
  BOOST_TEST(status("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n") == 400);
  BOOST_TEST(status("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n") == 400);
}

BOOST_AUTO_TEST_CASE(a_request_line_has_three_parts) {
  for (const auto* line : {"GET / HTTP/1.1 ", "GET  / HTTP/1.1", " GET / HTTP/1.1", "GET /\tHTTP/1.1",
                           "GET / x HTTP/1.1", "GET /", "GET", "G(T / HTTP/1.1", "GET / http/1.1",
                           "GET / HTTP/1.1x", "GET / HTTP/11", "GET / HTTP/x.1", "GET /\x80 HTTP/1.1"})
    BOOST_TEST(status(std::string{line} + "\r\nHost: x\r\n\r\n") == 400, line);
  for (const auto* version : {"HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTTP/9.9"})
    BOOST_TEST(status_of_head("", version) == 505, version);
  BOOST_TEST(status("FROB / HTTP/1.1\r\nHost: x\r\n\r\n") == 501);
  BOOST_TEST(status("get / HTTP/1.1\r\nHost: x\r\n\r\n") == 501);
}

BOOST_AUTO_TEST_CASE(a_head_is_bounded) {
  const auto long_line = std::string(reader::most_head_bytes, 'x');
  BOOST_TEST(status(long_line + " / HTTP/1.1\r\n\r\n") == 414);
  BOOST_TEST(status("GET /" + long_line) == 414);
  BOOST_TEST(status_of_head("X: " + long_line) == 431);
  BOOST_TEST(status_of_head("X: " + std::string(8 << 10, 'x') + "\r\n") == 431);
  BOOST_TEST(status_of_head(std::string(257, 'x') + ": a\r\n") == 431);
  auto many = std::string{};
  for (auto i = 0; i < 99; ++i)
    many += "X: a\r\n";
  BOOST_TEST(status_of_head(many) == 0);
  BOOST_TEST(status_of_head(many + "X: a\r\n") == 431);
  BOOST_TEST(status_of_head("X: " + std::string((8 << 10) - 1, 'x') + "\r\n") == 0);
}

BOOST_AUTO_TEST_CASE(a_chunk_is_as_long_as_it_says) {
  for (const auto* body :
       {"5\r\nhelloXX0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r0\r\n\r\n", "5\nhello\r\n0\r\n\r\n",
        "4\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n", "+5\r\nhello\r\n", "0x5\r\nhello\r\n", "\r\nhello",
        ";a\r\nhello\r\n", " 5\r\nhello\r\n", "5 5\r\nhello\r\n", "g\r\n", "10000000000000000\r\n",
        "5;a\nb\r\nhello\r\n", "5;\x01\r\nhello\r\n", "0\r\nX: a\r\n\r\n", "0\r\n\n",
        "0\r\nGET / HTTP/1.1\r\n"})
    BOOST_TEST(status_of_chunks(body) == 400, body);
  BOOST_TEST(status_of_chunks("5;" + std::string(2'000, 'x')) == 400);
  for (const auto* size : {"ffffffffffffffff", "40000001"})
    BOOST_TEST(status_of_chunks(std::string{size} + "\r\nhello") == 413);
  BOOST_TEST(status_of_chunks("40000000\r\nhello") == -1);
  BOOST_TEST(status_of_chunks("1\r\nx\r\n40000000\r\nhello") == 413);
  BOOST_TEST(status_of_head("Content-Length: 1073741825\r\n") == 413);
}

BOOST_AUTO_TEST_SUITE_END()

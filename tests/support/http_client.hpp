#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace jobd::test {

/// An answer as it came, names of headers in lower case. Status 0: none came, and `error` says why.
struct http_answer {
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body;
  std::string error;

  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string{} : found->second;
  }
};

struct http_call {
  std::string method = "GET";
  std::string url = {};
  std::string body = {};
  /// Whole lines: `Content-Type: application/json`.
  std::vector<std::string> headers = {};
  /// Sends the body in chunks, without saying how much there is.
  bool chunked = false;
  /// For https: the PEM file of who signed the server's certificate.
  std::string authority = {};
  std::chrono::milliseconds within{30'000};
};

/// A client with one connection that it keeps. Not thread-safe.
class http_client {
public:
  http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;
  ~http_client();

  http_answer call(const http_call& what);
  http_answer get(const std::string& url) { return call({.url = url}); }
  /// With Content-Type application/json.
  http_answer post(const std::string& url, const std::string& body) {
    return call({.method = "POST", .url = url, .body = body, .headers = {"Content-Type: application/json"}});
  }
  /// Connections opened by the last call: 0 if it went over the one that was there.
  [[nodiscard]] long opened() const { return opened_; }

private:
  void* curl_;
  long opened_ = 0;
};

/// A bare TCP connection to 127.0.0.1, for what no client would send. Throws if it cannot connect.
class raw_connection {
public:
  explicit raw_connection(int port);
  raw_connection(const raw_connection&) = delete;
  raw_connection& operator=(const raw_connection&) = delete;
  ~raw_connection();

  /// False if the server has closed meanwhile.
  bool send(std::string_view text);
  /// Everything until `end` was seen, the server has closed, or the time is over. An empty `end`: until it
  /// closes.
  std::string read_until(std::string_view end, std::chrono::milliseconds within = std::chrono::seconds{20});
  /// True if the server has closed.
  [[nodiscard]] bool closed() const { return closed_; }

private:
  int socket_;
  bool closed_ = false;
  /// Read, but after the end that was asked for.
  std::string rest_;
};

/// What came over TLS until the server closed.
struct tls_answer {
  std::string text;
  /// The server has told that this is all, as it must.
  bool ended = false;
  /// Why it could not be sent.
  std::string error = {};
};

/// Sends bytes over TLS to 127.0.0.1, whatever they are.
tls_answer send_over_tls(int port, const std::string& authority, std::string_view text,
                         std::chrono::milliseconds within = std::chrono::seconds{20});

} // namespace jobd::test

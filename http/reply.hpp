#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP as jobd sees it, without a library.
namespace jobd::http {

/// What a client sent, as far as jobd reads it. Views are valid until the handler returns.
struct request {
  std::string_view method;
  /// Path and query, as in the request line.
  std::string_view target;
  std::string_view content_type;
  std::string_view body;
  /// What the client sent or wants to send: more than `body` has if that was too much to be kept.
  std::uint64_t body_bytes = 0;
  /// The headers Idempotency-Key, Last-Event-ID and Authorization, if they were sent.
  std::optional<std::string_view> idempotency_key = {};
  std::string_view last_event_id = {};
  /// The header traceparent, not checked.
  std::string_view traceparent = {};
  std::optional<std::string_view> authorization = {};
};

/// What is answered.
struct reply {
  int status = 200;
  std::string_view content_type = "application/json";
  std::string body;
  /// Beside Content-Type and what the connection needs.
  std::vector<std::pair<std::string_view, std::string>> headers = {};
  /// The connection ends with this answer.
  bool close = false;
};

/// What follows the status in a status line.
[[nodiscard]] std::string_view reason(int status);

/// An answer as it is sent where nobody else writes it; the connection ends with it.
[[nodiscard]] std::string last_answer(const reply& r);

} // namespace jobd::http

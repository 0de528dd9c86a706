#pragma once

#include "core/job.hpp"
#include "http/routes.hpp"

#include <restinio/http_server.hpp>
#include <restinio/version.hpp>

#include <algorithm>
#include <climits>

/// How RESTinio reads requests for us. Only for server.cpp.
///
/// RESTinio closes the connection when a body passes its limit, and the client never learns why. Its parser
/// callbacks are chosen by the type of the methods mapper, so ours come in by a mapper of our own.
namespace jobd::http::parser {

static_assert(RESTINIO_VERSION == RESTINIO_VERSION_MAKE(0, 6, 16), "read impl/connection.hpp again");

/// A longer request line is cut, which leaves enough for a 414.
inline constexpr std::size_t kept_target_bytes = 2048 + 1;

struct methods : restinio::default_http_methods_t {};

inline restinio::impl::http_parser_ctx_t& context(http_parser* p) {
  return *static_cast<restinio::impl::http_parser_ctx_t*>(p->data);
}

inline std::size_t most_body_bytes(http_parser* p) {
  const auto& target = context(p).m_header.request_target();
  return http::most_body_bytes(p->method == HTTP_POST ? "POST" : "", target);
}

inline int on_url(http_parser* p, const char* at, std::size_t length) {
  auto& header = context(p).m_header;
  const auto room = kept_target_bytes - header.request_target().size();
  header.append_request_target(at, std::min(length, room));
  return 0;
}

/// 0: the body follows, 1: there is none to wait for.
inline int on_headers_complete(http_parser* p) {
  auto& c = context(p);
  c.m_leading_headers_completed = true;
  // A server may ignore `Upgrade` (RFC 9110 §7.8). Some clients offer h2c with every request.
  p->upgrade = 0;
  if (p->content_length == ULLONG_MAX)
    return 0;
  if (p->content_length <= most_body_bytes(p)) {
    // Not more at once: whoever only promises a large body shall not get the memory for it.
    c.m_body.reserve(std::min<std::size_t>(p->content_length, limits::body_bytes));
    return 0;
  }
  // A client that waits for leave to send its body gets the refusal at once.
  return c.m_header.has_field(restinio::http_field::expect) ? 1 : 0;
}

/// A body that is too large is cut, which leaves enough for a 413. What is too much is read off and dropped,
/// for a client that is still sending does not see an answer if the connection is closed. The time limit for
/// a request bounds how long that may go on.
inline int on_body(http_parser* p, const char* at, std::size_t length) {
  auto& body = context(p).m_body;
  body.append(at, std::min(length, most_body_bytes(p) + 1 - body.size()));
  return 0;
}

/// An exception must not pass through the parser, which is C.
template <auto callback, class... Args>
int guarded(http_parser* p, Args... args) noexcept {
  try {
    return callback(p, args...);
  } catch (const std::exception&) {
    return -1;
  }
}

} // namespace jobd::http::parser

template <>
inline http_parser_settings restinio::impl::create_parser_settings<jobd::http::parser::methods>() noexcept {
  namespace ours = jobd::http::parser;
  auto settings = create_parser_settings<restinio::default_http_methods_t>();
  settings.on_url = ours::guarded<ours::on_url, const char*, std::size_t>;
  settings.on_headers_complete = ours::guarded<ours::on_headers_complete>;
  settings.on_body = ours::guarded<ours::on_body, const char*, std::size_t>;
  // Nobody asks where the chunks of a body began, and a client could make them many.
  settings.on_chunk_header = nullptr;
  return settings;
}

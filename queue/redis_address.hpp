#pragma once

#include "core/error.hpp"

#include <string>
#include <string_view>

namespace jobd::queue {

/// Where a Redis is and how to enter it: a REDIS_URL, taken apart and decoded.
struct redis_address {
  /// Name or address; empty if `path` is given.
  std::string host;
  int port = 6379;
  /// Of a unix socket.
  std::string path;
  /// Empty: the default user.
  std::string user;
  /// Empty: no AUTH.
  std::string password;
  int db = 0;

  /// For people: without user and password.
  [[nodiscard]] std::string shown() const;

  friend bool operator==(const redis_address&, const redis_address&) = default;
};

/// Reads the forms that `redis_options::url` names. `ec::invalid` otherwise, without repeating the URL.
[[nodiscard]] expected<redis_address> parse_redis_url(std::string_view url);

} // namespace jobd::queue

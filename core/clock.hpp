#pragma once

#include "core/error.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace jobd {

/// A point in UTC with the resolution of PostgreSQL's `timestamp(6)`.
using timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// `2026-01-31T12:00:00.000001Z`: RFC 3339, always UTC and six digits.
[[nodiscard]] std::string to_rfc3339(timestamp t);

/// Reads RFC 3339 with any offset and up to nine fractional digits (cut to microseconds), years 1970 to 9999.
/// `ec::invalid` otherwise.
[[nodiscard]] expected<timestamp> parse_rfc3339(std::string_view text);

} // namespace jobd

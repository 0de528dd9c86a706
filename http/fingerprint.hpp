#pragma once

#include "core/error.hpp"

#include <string>
#include <string_view>

namespace jobd::http {

/// Tells requests apart that come with the same Idempotency-Key: 64 hexadecimal digits (SHA-256) of the
/// method, the path and the body as it was sent. `ec::internal` if the library fails.
[[nodiscard]] expected<std::string> fingerprint(std::string_view method, std::string_view path,
                                                std::string_view body);

} // namespace jobd::http

#pragma once

#include <string_view>

namespace jobd::http {

/// `http/openapi.json`, which describes the API (OpenAPI 3.1).
[[nodiscard]] std::string_view openapi();

} // namespace jobd::http

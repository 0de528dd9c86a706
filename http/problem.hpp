#pragma once

#include "core/error.hpp"
#include "http/reply.hpp"

#include <string_view>

/// Failures as `application/problem+json` (RFC 9457): type, title, status, detail, and `field` when one is
/// concerned. The only place that maps codes to HTTP.
namespace jobd::http::problem {

/// The answer to a failure of jobd's own. The context of `ec::internal` goes to the log and not to the
/// client.
[[nodiscard]] reply from(const error& e);

/// 404: the path is unknown.
[[nodiscard]] reply no_such_path();
/// 404: no job has that id.
[[nodiscard]] reply no_such_job();
/// 405 with Allow.
[[nodiscard]] reply method_not_allowed(std::string_view allowed);
/// 400: a query parameter that is not known.
[[nodiscard]] reply unknown_parameter(std::string_view name);
/// 413: the connection is closed after it.
[[nodiscard]] reply body_too_large();
/// 414: the connection is closed after it.
[[nodiscard]] reply target_too_long();
/// 415: the body is not declared as JSON.
[[nodiscard]] reply not_json();

} // namespace jobd::http::problem

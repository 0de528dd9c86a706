#pragma once

#include "core/error.hpp"
#include "http/query.hpp"
#include "http/reply.hpp"

#include <string_view>

/// Failures as `application/problem+json` (RFC 9457): type, title, status, detail, and `field` when one is
/// concerned. The only place that maps codes to HTTP.
namespace jobd::http::problem {

/// The answer to a failure of jobd's own. The context of `ec::internal` goes to the log and not to the
/// client.
[[nodiscard]] reply from(const error& e);

/// 401: no token, or none that is known.
[[nodiscard]] reply unauthorized(bool token_was_sent);
/// 403: the token is known, but not for this.
[[nodiscard]] reply forbidden(std::string_view needed_role);
/// 404: the path is unknown.
[[nodiscard]] reply no_such_path();
/// 404: no job has that id.
[[nodiscard]] reply no_such_job();
/// 405 with Allow.
[[nodiscard]] reply method_not_allowed(std::string_view allowed);
/// 400: what is wrong with a parameter of the query.
[[nodiscard]] reply from(const bad_parameter& p);
/// 400: all jobs at once must be meant by a filter.
[[nodiscard]] reply no_filter();
/// 400: a body where none is taken.
[[nodiscard]] reply unwanted_body();
/// 400: an Idempotency-Key that breaks its rule.
[[nodiscard]] reply bad_idempotency_key();
/// 413: the connection is closed after it.
[[nodiscard]] reply body_too_large(std::size_t most);
/// 414: the connection is closed after it.
[[nodiscard]] reply target_too_long();
/// What is no request (400, 408, 414, 417, 431, 501, 505): the connection is closed after it.
[[nodiscard]] reply malformed(int status, std::string_view why);
/// 415: the body is not declared as what is taken.
[[nodiscard]] reply wrong_content_type(std::string_view taken);

} // namespace jobd::http::problem

#pragma once

#include "core/job.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Where a page of jobs ended, as clients carry it to the next one: text that means nothing to them.
namespace jobd::http {

/// base64url of a letter for the version and the id.
[[nodiscard]] std::string to_cursor(job_id before);

/// Nothing if `text` is not exactly what `to_cursor` makes of some id.
[[nodiscard]] std::optional<job_id> parse_cursor(std::string_view text);

} // namespace jobd::http

#pragma once

#include <optional>
#include <string>
#include <string_view>

/// W3C Trace Context: which trace a job belongs to. It is handed on as it came, never made.
namespace jobd {

/// Reads the header `traceparent` (https://www.w3.org/TR/trace-context/#traceparent-header); nothing if it is
/// to be ignored. One of a later version is read as one of version 00, as the specification asks for.
[[nodiscard]] std::optional<std::string> read_traceparent(std::string_view text);

/// The 32 digits that name the trace, a part of `traceparent`; absent if that is empty.
[[nodiscard]] std::optional<std::string_view> trace_id(std::string_view traceparent) noexcept;

} // namespace jobd

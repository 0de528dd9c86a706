#pragma once

#include "core/error.hpp"

#include <string>
#include <string_view>

/// JSON as text: what jobd stores is the client's own text, checked but never rewritten.
namespace jobd {

/// Succeeds if `text` is one JSON value that PostgreSQL can hold as jsonb: at most `limits::json_depth` deep,
/// valid UTF-8, no NUL in a string, every number within the range of a double. `ec::invalid` says what is
/// wrong.
[[nodiscard]] expected<void> check_json(std::string_view text);

/// `text` as a JSON string with its quotes. `text` must be valid UTF-8.
[[nodiscard]] std::string json_string(std::string_view text);

/// `text` with every invalid UTF-8 sequence and every NUL replaced by U+FFFD.
[[nodiscard]] std::string storable_text(std::string_view text);

/// True if `text` is valid UTF-8 (no overlong forms, no surrogates, nothing over U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// The end of `text`, at most `most` bytes, not starting inside a UTF-8 sequence.
[[nodiscard]] std::string_view utf8_tail(std::string_view text, std::size_t most) noexcept;

} // namespace jobd
